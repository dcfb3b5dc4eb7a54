"""The interactions of the lake: the user's own, and those of sessions that became the user's.

An object that holds the user is written over without, under its own name and on condition that it is the one that was
read: whoever has listed it reads it whole, before or after, and several erasures at once follow one another.

Compaction may write rows anew while this looks elsewhere. It leaves out erased users itself; rows without a user it
cannot judge. So each scan is followed by shorter ones, of what was written since the one before began, until one
finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike import lake
from alsolike.scanning import StoredObject, scan
from functions.purge_user import parquet
from functions.purge_user.work import Work

STORE = "lake"
COLUMNS = ("user_id", "session_id", "event_time_ms", "event_id")
CLOCK_SKEW_MS = 300_000
"""How far S3's clock and this one may differ."""

MOST_RACES = 100
"""As many others may write an object while this tries to; then the next pass finds it."""


def purge_user_rows(work: Work) -> Iterator[None]:
    """Remove the user's rows, and note which sessions they say are the user's: no row would say it afterwards."""

    def hits(table: pa.Table) -> pa.ChunkedArray:
        mine = parquet.equals(table, "user_id", work.user_id)
        _note_logins(table.filter(mine), work.progress.sessions)
        return mine

    return _purge(work, hits)


def find_rivals(work: Work) -> Iterator[None]:
    """Note who else logged in to those sessions, and when first."""
    sessions = pa.array(list(work.progress.sessions), pa.string())
    if not len(sessions):
        return
    for found, file in _files(work, dict(work.progress.cursor)):
        table = parquet.read(file, COLUMNS)
        others = pc.and_(pc.is_in(table["session_id"], value_set=sessions), pc.is_valid(table["user_id"]))
        others = pc.and_(others, pc.invert(parquet.equals(table, "user_id", work.user_id)))
        _note_logins(table.filter(others), work.progress.rivals)
        work.advance({"after": found.key})
        yield


def purge_session_rows(work: Work) -> Iterator[None]:
    """Remove what the user did before logging in."""
    sessions = work.progress.own_sessions()
    if not sessions:
        return iter(())
    return _purge(work, lambda table: parquet.of_sessions(table, sessions))


def _purge(work: Work, hits: Callable[[pa.Table], pa.ChunkedArray]) -> Iterator[None]:
    cursor: dict[str, Any] = work.progress.cursor or {
        "after": "",
        "since_ms": 0,
        "began_ms": work.clock_ms(),
        "hits": 0,
    }
    while True:
        for found, file in _files(work, cursor):
            mask = hits(parquet.read(file, COLUMNS))
            count = pc.sum(mask).as_py() or 0
            if count:
                work.record(STORE, {found.key: count})
                _rewrite(work, found, file, hits)
            cursor = {**cursor, "after": found.key, "hits": cursor["hits"] + bool(count)}
            work.advance(cursor)
            yield
        if cursor["since_ms"] and not cursor["hits"]:
            return
        since_ms = max(cursor["began_ms"] - CLOCK_SKEW_MS, 1)
        cursor = {"after": "", "since_ms": since_ms, "began_ms": work.clock_ms(), "hits": 0}
        work.advance(cursor)
        yield


def _files(work: Work, cursor: dict[str, Any]) -> Iterator[tuple[StoredObject, pq.ParquetFile]]:
    """Yield the objects that are to be looked at; a gone one was removed by its own reader's rule."""
    bucket = work.places.lake_bucket
    for found in scan(
        work.s3,
        bucket,
        lake.INTERACTIONS_PREFIX,
        after=cursor.get("after", ""),
        since_ms=cursor.get("since_ms", 0),
    ):
        if found.body is not None and found.key.endswith(".parquet"):
            yield found, parquet.open_parquet(found.body, where=f"s3://{bucket}/{found.key}")


def _rewrite(
    work: Work, found: StoredObject, file: pq.ParquetFile, hits: Callable[[pa.Table], pa.ChunkedArray]
) -> None:
    """Write an object without the rows that are hit, whoever else is changing it."""
    bucket, key, etag = work.places.lake_bucket, found.key, found.etag
    for _ in range(MOST_RACES):
        mask = hits(parquet.read(file, COLUMNS))
        if not pc.any(mask).as_py():
            return
        body = parquet.without(file, mask)
        if work.replace(bucket, key, body, etag=etag):
            return
        again = work.read(bucket, key)
        if again is None:
            return
        file, etag = parquet.open_parquet(again[0], where=f"s3://{bucket}/{key}"), again[1]


def _note_logins(rows: pa.Table, first: dict[str, list[Any]]) -> None:
    for row in rows.filter(pc.is_valid(rows["session_id"])).to_pylist():
        login = [row["event_time_ms"], row["event_id"]]
        first[row["session_id"]] = min(login, first.get(row["session_id"], login))
