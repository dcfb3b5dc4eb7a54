"""The profiles that the lake's interactions make."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from alsolike import identity
from alsolike.interactions import profile_id
from alsolike.profiles import Joined, Profile
from cli.rebuilding.lake_rows import LakeRows
from cli.rebuilding.profile_files import ProfileFiles

_IDENTITY_COLUMNS = ("event_id", "user_id", "session_id", "event_time_ms")
_COLUMNS = (*_IDENTITY_COLUMNS, "item_id", "event_type")
_FILE_BYTES = 64_000_000


def logins_of(rows: LakeRows, *, on_bytes: Callable[[float], None] = lambda done: None) -> pd.DataFrame:
    """Return the first login of every session (`identity.session_logins`); memory grows with their number alone."""
    logins = pd.DataFrame(columns=["session_id", "event_time_ms", "event_id", "user_id"])
    for found in rows.objects():
        for piece in rows.read(found, _IDENTITY_COLUMNS):
            more = identity.session_logins(_frame(piece))
            if len(more):
                logins = identity.session_logins(pd.concat([logins, more])) if len(logins) else more
        on_bytes(found.size_bytes)
    return logins


def profiles_of(
    rows: LakeRows, logins: pd.DataFrame, *, on_bytes: Callable[[float], None] = lambda done: None
) -> Iterator[Profile]:
    """Yield every profile that the rows make, in constant memory: they are sorted through files on the disk.

    The profiles merge as live ones do (`Profile.merge`) and sessions that logged in bear their mark, so that both come
    to the same.
    """
    objects = rows.objects()
    marks = {
        profile_id(user_id=None, session_id=session_id): Joined(profile_id(user_id=user_id, session_id=None), at_ms)
        for session_id, at_ms, _, user_id in logins.itertuples(index=False, name=None)
    }
    # Compressed bytes make several times as many in memory.
    files = 1 + sum(found.size_bytes for found in objects) * 4 // _FILE_BYTES
    with tempfile.TemporaryDirectory(prefix="alsolike-") as directory:
        sorted_rows = ProfileFiles(Path(directory), files=min(files, 256))
        for found in objects:
            for piece in rows.read(found, _COLUMNS):
                frame = _frame(piece)
                frame = frame.assign(profile_id=identity.owners(frame, logins))
                frame = frame[frame["item_id"].notna()]
                names = ["profile_id", "event_time_ms", "event_id", "item_id", "event_type"]
                sorted_rows.add(pa.Table.from_pandas(frame[names], preserve_index=False))
            on_bytes(found.size_bytes)
        for profile in sorted_rows.profiles():
            yield dataclasses.replace(profile, joined=marks.pop(profile.profile_id, None))
    for session, joined in marks.items():
        yield Profile(session, joined=joined)


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
