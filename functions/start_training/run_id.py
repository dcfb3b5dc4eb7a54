"""One run of the training workflow, and the id that its dataset, training job and model version share."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

from alsolike.runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class RunId:
    """One execution of the workflow; a repeated call of it is the same run."""

    run_id: str
    started_ms: int


def run_of(execution_id: str, *, started_at: str) -> RunId:
    """Return the run of a workflow execution.

    Parameters
    ----------
    started_at
        ISO 8601 with time zone, as Step Functions states it.

    Examples
    --------
    >>> run_of("arn:aws:states:eu-west-1:1:execution:training:7", started_at="2026-03-01T04:05:06.789Z").run_id
    '20260301t040506-8cb309'
    """
    try:
        started = dt.datetime.fromisoformat(started_at)
    except ValueError as error:
        raise InvalidInput(f"started_at is {started_at!r}, expected an ISO 8601 time") from error
    if started.tzinfo is None:
        raise InvalidInput(f"started_at is {started_at!r}, expected a time zone")
    digits = hashlib.blake2b(execution_id.encode(), digest_size=3).hexdigest()
    run_id = f"{started.astimezone(dt.UTC):%Y%m%dt%H%M%S}-{digits}"
    return RunId(run_id, int(started.timestamp() * 1000))
