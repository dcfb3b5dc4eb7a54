"""Search of the recommendation log in the lake for the row of one response."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alsolike.configuration.recommendation_id import RecommendationId
from alsolike.declarations.times import CLOCK_SKEW_MS
from alsolike.lake import served
from alsolike.records.served_response import SERVED_COLUMNS, ServedResponse
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import S3Object
from operations.client.aws import translate_aws_errors

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

SOON_MS = 600_000
"""Age of a response in milliseconds above which a missing row is no longer expected. Rows are usually written within a
minute.
"""
_THREADS, _AHEAD = 8, 64


def find_row(deployment: Deployment, recommendation_id: str, parsed_id: RecommendationId) -> ServedResponse:
    """Return the row of a response. Only the partition of the response's day is searched."""
    ago_ms = time.time_ns() // 1_000_000 - parsed_id.answered_ms
    if ago_ms < -CLOCK_SKEW_MS:
        raise InvalidInput(
            f"recommendationId {recommendation_id!r} has a time in the future, expected the ID of an existing response"
        )
    unreadable = 0
    for content in _objects(deployment, parsed_id):
        try:
            if (row := _row(content, recommendation_id)) is not None:
                return row
        except (pa.ArrowException, OSError):  # Another object may contain the row.
            unreadable += 1
    day = f"{deployment.names.lake_bucket}/{served.partition_prefix(served.served_date(parsed_id.answered_ms))}"
    if ago_ms < SOON_MS:
        raise NotFound(f"the response is not in s3://{day} yet: writing takes about a minute; try again")
    if unreadable:
        raise NotFound(f"the response is not in s3://{day}, where {unreadable} objects cannot be read")
    raise NotFound(
        f"the response is not in s3://{day}: rows expire after `served_days` (90), and rows of erased users are removed"
    )


def _objects(deployment: Deployment, parsed_id: RecommendationId) -> Iterator[bytes]:
    """Yield the objects that may contain the row. Objects older than the response are skipped."""
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    prefix = served.partition_prefix(served.served_date(parsed_id.answered_ms))

    def read(key: str) -> bytes | None:
        stored = S3Object(client, bucket, key).read()
        return stored.body if stored else None

    with translate_aws_errors(f"s3://{bucket}/{prefix}"), ThreadPoolExecutor(_THREADS, "served") as pool:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [
                entry["Key"]
                for entry in page.get("Contents", [])
                if entry["LastModified"].timestamp() * 1000 > parsed_id.answered_ms - CLOCK_SKEW_MS
                and entry["Key"].endswith(".parquet")
            ]
            for start in range(0, len(keys), _AHEAD):  # A match does not wait for reads of the day's other objects.
                yield from (content for content in pool.map(read, keys[start : start + _AHEAD]) if content is not None)


def _row(content: bytes, recommendation_id: str) -> ServedResponse | None:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(
        io.BytesIO(content),
        columns=list(SERVED_COLUMNS),
        filters=[("recommendation_id", "==", recommendation_id)],
    ).to_pylist()
    return served.read_row(rows[0]) if rows else None
