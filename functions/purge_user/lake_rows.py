"""Removal of rows from tables of the lake: the user's interactions, and rows without a user in the user's sessions.

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

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.declarations.times import CLOCK_SKEW_MS
from alsolike.runtime.s3 import S3Object, StoredObject, scan
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
        if (current := S3Object(work.s3, bucket, key).read()) is None:
            return
        file, etag = parquet.open_parquet(current.body, where=f"s3://{bucket}/{key}"), current.etag


STORE = "lake"
INTERACTIONS = Table(STORE, INTERACTIONS_PREFIX, ("user_id", "session_id", "event_time_ms", "event_id"))


def find_logins(work: PurgeContext) -> Iterator[None]:
    for stored, file in files(work, INTERACTIONS, dict(work.progress.cursor)):
        table = parquet.read(file, INTERACTIONS.columns)
        is_login = pc.and_(parquet.equals(table, "user_id", work.user_id), pc.is_valid(table["session_id"]))
        for row in table.filter(is_login).to_pylist():
            work.progress.note_login(row["session_id"], [row["event_time_ms"], row["event_id"]])
        work.advance({"after": stored.key})
        yield


def find_rivals(work: PurgeContext) -> Iterator[None]:
    """Collect the other users who logged in to the user's sessions, and the first of their logins to each session."""
    sessions = pa.array(list(work.progress.sessions), pa.string())
    if not len(sessions):
        return
    rivals, users = work.progress.rivals, set(work.progress.rival_users)
    for stored, file in files(work, INTERACTIONS, dict(work.progress.cursor)):
        table = parquet.read(file, INTERACTIONS.columns)
        others = pc.and_(pc.is_in(table["session_id"], value_set=sessions), pc.is_valid(table["user_id"]))
        others = pc.and_(others, pc.invert(parquet.equals(table, "user_id", work.user_id)))
        for row in table.filter(others).to_pylist():
            login = [row["event_time_ms"], row["event_id"]]
            rivals[row["session_id"]] = min(login, rivals.get(row["session_id"], login))
            users.add(row["user_id"])
        work.progress.rival_users = sorted(users)
        work.advance({"after": stored.key})
        yield


def purge_session_rows(work: PurgeContext) -> Iterator[None]:
    """Remove the rows without a user from the user's sessions."""
    sessions = work.progress.own_sessions()
    if not sessions:
        return iter(())
    return purge_rows(work, INTERACTIONS, lambda table: parquet.session_mask(table, sessions))


def purge_user_rows(work: PurgeContext) -> Iterator[None]:
    """Remove the user's rows.

    These rows are removed last: without the first login, a reader would assign the session to a later user.
    """
    return purge_rows(work, INTERACTIONS, lambda table: parquet.equals(table, "user_id", work.user_id))
