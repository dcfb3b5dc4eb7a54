"""The interactions of the lake: the user's own, and those of sessions that became the user's.

Compaction leaves out erased users itself; rows without a user it cannot judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alsolike import lake
from functions.purge_user import parquet
from functions.purge_user.rows import Table, files, purge_rows
from functions.purge_user.work import Work

STORE = "lake"
INTERACTIONS = Table(STORE, lake.INTERACTIONS_PREFIX, ("user_id", "session_id", "event_time_ms", "event_id"))


def purge_user_rows(work: Work) -> Iterator[None]:
    """Remove the user's rows, and note which sessions they say are the user's: no row would say it afterwards."""

    def hits(table: pa.Table) -> pa.ChunkedArray:
        mine = parquet.equals(table, "user_id", work.user_id)
        _note_logins(table.filter(mine), work.progress.sessions)
        return mine

    return purge_rows(work, INTERACTIONS, hits)


def find_rivals(work: Work) -> Iterator[None]:
    """Note who else logged in to those sessions, and when first."""
    sessions = pa.array(list(work.progress.sessions), pa.string())
    if not len(sessions):
        return
    for found, file in files(work, INTERACTIONS, dict(work.progress.cursor)):
        table = parquet.read(file, INTERACTIONS.columns)
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
    return purge_rows(work, INTERACTIONS, lambda table: parquet.of_sessions(table, sessions))


def _note_logins(rows: pa.Table, first: dict[str, list[Any]]) -> None:
    for row in rows.filter(pc.is_valid(rows["session_id"])).to_pylist():
        login = [row["event_time_ms"], row["event_id"]]
        first[row["session_id"]] = min(login, first.get(row["session_id"], login))
