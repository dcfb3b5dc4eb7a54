"""Search of the recommendation log in the lake for the row of one response."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alsolike.configuration.recommendation_id import RecommendationId
from alsolike.declarations.times import CLOCK_SKEW_MS
from alsolike.lake import served
from alsolike.records.served_response import SERVED_COLUMNS, ServedResponse
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import scan

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

SOON_MS = 600_000
"""Age of a response in milliseconds above which a missing row is no longer expected. Rows are usually written within a
minute.
"""
_CONCURRENT_READS = 8


def find_row(deployment: Deployment, recommendation_id: str, parsed_id: RecommendationId) -> ServedResponse:
    """Return the row of a response. Only the partition of the response's day is searched."""
    ago_ms = time.time_ns() // 1_000_000 - parsed_id.answered_ms
    if ago_ms < -CLOCK_SKEW_MS:
        raise InvalidInput(
            f"recommendationId {recommendation_id!r} has a time in the future, expected the ID of an existing response"
        )
    unreadable = 0
    bucket = deployment.names.lake_bucket
    prefix = served.partition_prefix(served.served_date(parsed_id.answered_ms))
    for stored in scan(
        deployment.client("s3"),
        bucket,
        prefix,
        since_ms=parsed_id.answered_ms - CLOCK_SKEW_MS,
        at_once=_CONCURRENT_READS,
        wanted=lambda entry: entry.key.endswith(".parquet"),
    ):
        try:
            if stored.body is not None and (row := _row(stored.body, recommendation_id)) is not None:
                return row
        except (pa.ArrowException, OSError):  # Another object may contain the row.
            unreadable += 1
    day = f"{bucket}/{prefix}"
    if ago_ms < SOON_MS:
        raise NotFound(f"the response is not in s3://{day} yet: writing takes about a minute; try again")
    if unreadable:
        raise NotFound(f"the response is not in s3://{day}, where {unreadable} objects cannot be read")
    raise NotFound(
        f"the response is not in s3://{day}: rows expire after `served_days` (90), and rows of erased users are removed"
    )


def _row(content: bytes, recommendation_id: str) -> ServedResponse | None:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(
        io.BytesIO(content),
        columns=list(SERVED_COLUMNS),
        filters=[("recommendation_id", "==", recommendation_id)],
    ).to_pylist()
    return served.read_row(rows[0]) if rows else None
