"""The live profiles, as the lake says they are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from alsolike import identity
from alsolike.profiles import Profile
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

    The profiles merge as live ones do (`Profile.merge`), so that both come to the same.
    """
    objects = rows.objects()
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
        yield from sorted_rows.profiles()


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
