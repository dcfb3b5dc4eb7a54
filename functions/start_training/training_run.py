"""Input of a workflow execution, and the ID that its dataset, training job and model version share."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from alsolike.runtime.errors import InvalidInput

_FIELDS = ("trigger", "reason", "version", "imported")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_REASON = 700
"""Maximum length of a reason in characters. A reason may consist of an operator's text and name."""


class Cause(StrEnum):
    SCHEDULE = "schedule"
    NEW_DATA = "new-data"
    DRIFT = "drift"
    BY_HAND = "by-hand"


@dataclasses.dataclass(frozen=True, slots=True)
class Trigger:
    """Cause and reason of a run.

    `version` is an existing version to evaluate; None to train a new version. `imported` is the checksum of a graph to
    import instead of training; None without an import.
    """

    cause: Cause
    reason: str = ""
    version: str | None = None
    imported: str | None = None

    def __str__(self) -> str:
        return f"{self.cause}: {self.reason}" if self.reason else str(self.cause)


def read_trigger(document: Any) -> Trigger:
    """Parse an execution's input: fields of `Trigger`, an empty input, or an event of an EventBridge rule.

    Examples
    --------
    >>> str(read_trigger({"trigger": "drift", "reason": "psi 0.3"}))
    'drift: psi 0.3'
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(f"the input is a {type(document).__name__}, expected an object")
    if "detail-type" in document and "source" in document:  # An EventBridge rule passes its event unchanged.
        return Trigger(Cause.SCHEDULE)
    for name, value in document.items():
        if name not in _FIELDS:
            raise InvalidInput(f"the input has {name!r}, expected only {', '.join(_FIELDS)}")
        if not isinstance(value, str):
            raise InvalidInput(f"{name} is {value!r}, expected text")
    cause, reason, version, imported = (document.get(name) for name in _FIELDS)
    if cause is not None and cause not in list(Cause):
        raise InvalidInput(f"trigger is {cause!r}, expected one of {', '.join(Cause)}")
    if reason is not None and not reason.strip():
        raise InvalidInput(f"reason is {reason!r}, expected text or null")
    if reason is not None and not len(reason) <= MAX_REASON:
        raise InvalidInput(f"reason has {len(reason)} characters, expected at most {MAX_REASON}")
    if version is not None and not _VERSION.fullmatch(version):
        raise InvalidInput(f"version is {version!r}, expected 1 to 100 letters, digits, dots, hyphens and underscores")
    if imported is not None and not _CHECKSUM.fullmatch(imported):
        raise InvalidInput(f"imported is {imported!r}, expected a SHA-256 checksum in hexadecimal digits")
    if imported is not None and version is not None:
        raise InvalidInput(f"the input has the version {version!r} and an import, expected one of them")
    return Trigger(Cause(cause) if cause else Cause.BY_HAND, (reason or "").strip(), version, imported)


@dataclasses.dataclass(frozen=True, slots=True)
class RunId:
    """Run of the workflow. Repeated calls for one execution have the same run."""

    run_id: str
    started_ms: int


def run_of(execution_id: str, *, started_at: str) -> RunId:
    """Return the run of a workflow execution. `started_at` is in ISO 8601 with a time zone.

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
