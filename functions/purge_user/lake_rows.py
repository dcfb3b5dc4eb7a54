"""The interactions of the lake: the user's own, and those of sessions that became the user's.

An object that holds the user is written again without, under a name that follows from its own; the old one goes with
the next pass, when every reader that had listed it has ended. Between the two, readers count each event once.

Compaction may write rows anew while this looks elsewhere. It leaves out erased users itself; rows without a user it
cannot judge. So each scan is followed by shorter ones, of what was written since the one before began, until one
finds nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError

from alsolike import lake
from alsolike.errors import Unavailable
from alsolike.scanning import StoredObject, scan
from functions.purge_user import parquet
from functions.purge_user.work import Work

STORE = "lake"
COLUMNS = ("user_id", "session_id", "event_time_ms", "event_id")
CLOCK_SKEW_MS = 300_000
"""How far S3's clock and this one may differ."""

_REWRITTEN = re.compile(r"\.e[0-9a-f]{16}$")


def remove_superseded(work: Work) -> Iterator[None]:
    """Delete the objects that the pass before has written again."""
    bucket, superseded = work.places.lake_bucket, work.progress.superseded
    for key, etag in sorted(superseded.items()):
        try:
            if work.s3.head_object(Bucket=bucket, Key=key)["ETag"] == etag:
                work.delete(bucket, key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
        del superseded[key]
        yield


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
                _rewrite(work, found, file, mask)
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
        current = work.progress.superseded.get(found.key) != found.etag
        if found.body is not None and found.key.endswith(".parquet") and current:
            yield found, parquet.open_parquet(found.body, where=f"s3://{bucket}/{found.key}")


def _rewrite(work: Work, found: StoredObject, file: pq.ParquetFile, mask: pa.ChunkedArray) -> None:
    if (body := parquet.without(file, mask)) is not None:
        bucket, key = work.places.lake_bucket, _rewritten_key(found.key, body)
        try:
            work.s3.put_object(Bucket=bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
    # Not before the new one is there: what stands here is deleted.
    work.progress.superseded[found.key] = found.etag


def _rewritten_key(key: str, body: bytes) -> str:
    """Name an object after the one that it replaces and after its content: made again, it is the same."""
    stem = _REWRITTEN.sub("", key.removesuffix(".parquet"))
    return f"{stem}.e{hashlib.blake2b(body, digest_size=8).hexdigest()}.parquet"


def _note_logins(rows: pa.Table, first: dict[str, list[Any]]) -> None:
    for row in rows.filter(pc.is_valid(rows["session_id"])).to_pylist():
        login = [row["event_time_ms"], row["event_id"]]
        first[row["session_id"]] = min(login, first.get(row["session_id"], login))
