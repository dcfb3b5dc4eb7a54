"""Rows of the user in a table of the lake.

An object with the user's rows is overwritten under its name or deleted, on the condition that it has not changed since
it was read. So readers get a complete object, and concurrent erasures do not lose changes.

Compaction and other writers may rewrite rows during a scan. So each scan is followed by scans of the objects written
since the previous scan started, until a scan finds no rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.times import CLOCK_SKEW_MS
from alsolike.runtime.s3 import StoredObject, scan
from functions.purge_user import parquet
from functions.purge_user.purge_context import PurgeContext

Hits: TypeAlias = Callable[[pa.Table], pa.ChunkedArray]
"""Function that returns a mask of the rows to delete."""

MAX_ATTEMPTS = 100
"""Maximum number of attempts to replace an object that other writers change. After the last attempt, the next scan
finds the object.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Table of the lake: name in receipts, key prefix, and columns that identify a row's user."""

    store: str
    prefix: str
    columns: tuple[str, ...]


def purge_rows(work: PurgeContext, table: Table, hits: Hits) -> Iterator[None]:
    """Remove the rows of a table that `hits` selects. Scan again until a scan finds no rows."""
    cursor: dict[str, Any] = work.progress.cursor or {
        "after": "",
        "since_ms": 0,
        "began_ms": work.clock_ms(),
        "hits": 0,
    }
    while True:
        for stored, file in files(work, table, cursor):
            mask = hits(parquet.read(file, table.columns))
            count = pc.sum(mask).as_py() or 0
            if count:
                work.record(table.store, {stored.key: count})
                _rewrite(work, table, stored, file, hits)
            cursor = {**cursor, "after": stored.key, "hits": cursor["hits"] + bool(count)}
            work.advance(cursor)
            yield
        if cursor["since_ms"] and not cursor["hits"]:
            return
        since_ms = max(cursor["began_ms"] - CLOCK_SKEW_MS, 1)
        cursor = {"after": "", "since_ms": since_ms, "began_ms": work.clock_ms(), "hits": 0}
        work.advance(cursor)
        yield


def files(work: PurgeContext, table: Table, cursor: dict[str, Any]) -> Iterator[tuple[StoredObject, pq.ParquetFile]]:
    """Yield the objects to search. Objects that were deleted concurrently are skipped."""
    bucket = work.places.lake_bucket
    for stored in scan(
        work.s3, bucket, table.prefix, after=cursor.get("after", ""), since_ms=cursor.get("since_ms", 0)
    ):
        if stored.body is not None and stored.key.endswith(".parquet"):
            yield stored, parquet.open_parquet(stored.body, where=f"s3://{bucket}/{stored.key}")


def _rewrite(work: PurgeContext, table: Table, stored: StoredObject, file: pq.ParquetFile, hits: Hits) -> None:
    """Rewrite an object without the rows that the mask selects. Repeat this if another writer changes the object."""
    bucket, key, etag = work.places.lake_bucket, stored.key, stored.etag
    for _ in range(MAX_ATTEMPTS):
        mask = hits(parquet.read(file, table.columns))
        if not pc.any(mask).as_py():
            return
        body = parquet.without(file, mask)
        if work.replace(bucket, key, body, etag=etag):
            return
        current = work.read(bucket, key)
        if current is None:
            return
        file, etag = parquet.open_parquet(current[0], where=f"s3://{bucket}/{key}"), current[1]
