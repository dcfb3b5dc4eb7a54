"""Latest daily report of the holdout, which `attribute_outcomes` writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.storage import INCREMENTS_KEY
from alsolike.experiments.holdout import holdout_of
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import S3Object


def increments(client: S3Client, bucket: str, experiments: Iterable[Experiment], *, now_ms: int) -> dict[str, Any]:
    """Return the response of `GET /operator/increments`.

    Raise `InvalidInput` if the holdout does not have two arms, and `Unavailable` if the stored report is unreadable.
    """
    holdout = holdout_of(experiments, now_ms=now_ms)
    if holdout is None:
        return {"holdout": None}
    report = _stored_report(client, bucket)
    if report is not None and (report.pop("experiment"), report.pop("startMs")) != (holdout.name, holdout.start_ms):
        report = None
    return {"holdout": {"name": holdout.name, "startMs": holdout.start_ms, "endMs": holdout.end_ms, "report": report}}


def _stored_report(client: S3Client, bucket: str) -> dict[str, Any] | None:
    stored = S3Object(client, bucket, INCREMENTS_KEY)
    content = stored.read()
    try:
        return None if content is None else dict(orjson.loads(content.body))
    except (ValueError, TypeError) as error:
        raise Unavailable(
            f"{stored.uri} is not a report: {error}; delete it, the next attribution writes it"
        ) from error
