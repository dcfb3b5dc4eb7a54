"""Profiles built from the lake's interactions."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.events.context import context_of
from alsolike.events.interactions import profile_id
from alsolike.events.logins import owners, session_logins
from alsolike.profiles.profile import Profile, RecentInteraction, SessionLink
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import live_configuration
from operations.ingest.profile_files import PROFILE_COLUMNS, ProfileFiles
from operations.recovery.lake_reader import SCHEMA, LakeReader

_IDENTITY_COLUMNS = ("event_id", "user_id", "session_id", "event_time_ms")
_COLUMNS = (*_IDENTITY_COLUMNS, "item_id", "event_type")
_ENTRY_COLUMNS = PROFILE_COLUMNS[1:]
_FILE_BYTES = 64_000_000
_PENDING_LOGINS = 100_000
_NO_ROWS = pa.table({name: pa.array([], SCHEMA.field(name).type) for name in _IDENTITY_COLUMNS})


def logins_of(rows: LakeReader) -> pd.DataFrame:
    """Return the first login of each session (`session_logins`).

    Memory grows with the number of logins, not of rows.
    """
    logins = session_logins(_frame(_NO_ROWS))
    pending: list[pd.DataFrame] = []
    for piece in rows.scan("logins", _IDENTITY_COLUMNS):
        pending.append(session_logins(_frame(piece)))
        # The threshold grows with the number of logins, so each login is compared only a few times.
        if sum(map(len, pending)) > max(len(logins), _PENDING_LOGINS):
            logins, pending = session_logins(pd.concat([logins, *pending])), []
    return session_logins(pd.concat([logins, *pending]))


def profiles_of(rows: LakeReader, logins: pd.DataFrame, *, configuration: Configuration = DEFAULT) -> Iterator[Profile]:
    """Yield all profiles of the rows. The rows are partitioned on disk, and one file at a time is read into memory.

    Interactions are merged as in live profiles (`Profile.merge`), and sessions with a login have a link to the user.
    """
    links = _session_links(logins)
    # Rows take several times their compressed size in memory.
    files = 1 + sum(stored.size_bytes for stored in rows.objects()) * 4 // _FILE_BYTES
    with tempfile.TemporaryDirectory(prefix="alsolike-") as directory:
        sorted_rows = ProfileFiles(Path(directory), files=files)
        for frame in _owned(rows, logins, configuration.context):
            sorted_rows.add(pa.Table.from_pandas(frame[list(PROFILE_COLUMNS)], preserve_index=False))
        for profile in sorted_rows.profiles(length=configuration.limits.history_length):
            yield dataclasses.replace(profile, joined=links.pop(profile.profile_id, None))
    for session, joined in links.items():
        yield Profile(session, joined=joined)


def past(deployment: Deployment, profile_id: str, *, received_by_ms: int) -> Profile:
    """Return a profile at an earlier time, built from the interactions that the lake had received by then.

    All objects of the lake are read twice, first for logins and then for rows.
    """
    rows = LakeReader(deployment.client("s3"), deployment.names.lake_bucket, received_by_ms=received_by_ms)
    configuration, logins = live_configuration(deployment), logins_of(rows)
    profile = Profile(profile_id)
    for frame in _owned(rows, logins, configuration.context):
        own = frame[frame["profile_id"] == profile_id]
        entries = own[list(_ENTRY_COLUMNS)].itertuples(index=False, name=None)
        profile = profile.merge(map(RecentInteraction._make, entries), length=configuration.limits.history_length)
    return dataclasses.replace(profile, joined=_session_links(logins).get(profile_id))


def _session_links(logins: pd.DataFrame) -> dict[str, SessionLink]:
    """Return the link to the user of each session with a login, by profile ID."""
    return {
        profile_id(user_id=None, session_id=session_id): SessionLink(
            profile_id(user_id=user_id, session_id=None), at_ms
        )
        for session_id, at_ms, _, user_id in logins.itertuples(index=False, name=None)
    }


def _owned(rows: LakeReader, logins: pd.DataFrame, context: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows that have an item, with their context and profile ID."""
    for piece in rows.scan("interactions", (*_COLUMNS, "properties") if context else _COLUMNS):
        frame = _frame(piece)
        frame = frame.assign(
            profile_id=owners(frame, logins),
            context=[context_of(text, context) for text in piece["properties"].to_pylist()] if context else "",
        )
        yield frame[frame["item_id"].notna()]


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
