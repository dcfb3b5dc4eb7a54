"""Daily report of the holdout, computed in advance because reading all interactions takes too long for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.storage import INCREMENTS_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.holdout import holdout_of
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from operations.experiments.holdout_comparison import increments_of

SETTLED_MS = 8 * DAY_MS
"""Time in milliseconds after the end of a holdout, during which its report is still recomputed. Most outcomes are
attributed within this time."""


def update_increments(
    client: S3Client, bucket: str, experiments: Iterable[Experiment], *, shopper: Callable[[str], str], now_ms: int
) -> None:
    """Compute and store the report of the latest holdout, unless its stored report is final or from this day (UTC)."""
    try:
        holdout = holdout_of(experiments, now_ms=now_ms)
    except InvalidInput as error:
        logger.error("no report of the holdout", reason=str(error))
        return
    if holdout is None:
        return
    stored = S3Object(client, bucket, INCREMENTS_KEY)
    if (content := stored.read()) is not None and not _is_outdated(orjson.loads(content.body), holdout, now_ms=now_ms):
        return
    report = increments_of(client, bucket, holdout, shopper=shopper, now_ms=now_ms)
    document = {"experiment": holdout.name, "startMs": holdout.start_ms, "computedMs": now_ms, **report.to_json()}
    stored.write(orjson.dumps(document))


def _is_outdated(report: dict[str, Any], holdout: Experiment, *, now_ms: int) -> bool:
    if (report["experiment"], report["startMs"]) != (holdout.name, holdout.start_ms):
        return True
    is_settled = holdout.end_ms is not None and report["computedMs"] >= holdout.end_ms + SETTLED_MS
    return not is_settled and report["computedMs"] // DAY_MS < now_ms // DAY_MS
