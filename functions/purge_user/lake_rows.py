"""Removal of interactions from the lake: the user's rows, and rows without a user in the user's sessions."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from functions.purge_user import parquet
from functions.purge_user.lake_tables import Table, files, purge_rows
from functions.purge_user.purge_context import PurgeContext

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
