"""Partitioning of interactions into files by profile, so that profiles can be built without loading all rows."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.profiles.profile import Profile, RecentInteraction

PROFILE_COLUMNS = ("profile_id", "event_time_ms", "event_id", "item_id", "event_type", "context")
MAX_FILES = 256
MAX_ROWS = 500_000
_SCHEMA = pa.schema(
    [(name, pa.int64() if name == "event_time_ms" else pa.string()) for name in PROFILE_COLUMNS],
)


class ProfileFiles:
    """Directory of Arrow files, read one at a time. All rows of a profile are in one file.

    Only the profile ID and the number of files determine this file.
    """

    def __init__(self, directory: Path, *, files: int) -> None:
        self._paths = [directory / f"{number}.arrow" for number in range(min(files, MAX_FILES))]
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, rows: pa.Table) -> None:
        """Add rows with the columns `PROFILE_COLUMNS`."""
        if not len(rows):
            return
        ids = rows["profile_id"].combine_chunks().dictionary_encode()
        hashes = [zlib.crc32(profile_id.encode()) for profile_id in ids.dictionary.to_pylist()]
        places = (np.array(hashes) % len(self)).astype(np.uint8)[ids.indices.to_numpy()]
        rows = rows.take(pa.array(np.argsort(places, kind="stable"))).cast(_SCHEMA)
        ends = np.cumsum(np.bincount(places)).tolist()
        for place, (start, end) in enumerate(itertools.pairwise([0, *ends])):
            if end > start:
                if place not in self._writers:
                    self._writers[place] = pa.ipc.new_stream(str(self._paths[place]), _SCHEMA)
                self._writers[place].write_table(rows.slice(start, end - start))

    def read(self, number: int, *, length: int = HISTORY_LENGTH) -> Iterator[Profile]:
        """Yield the profiles of a file with their latest `length` interactions. Requires that all rows are added."""
        if number not in self._writers:
            return
        self._writers[number].close()
        with pa.OSFile(str(self._paths[number])) as file:
            rows = _read(pa.ipc.open_stream(file), length)
        columns = [rows[name].to_pylist() for name in PROFILE_COLUMNS]
        for profile_id, entries in itertools.groupby(zip(*columns, strict=True), key=lambda row: row[0]):
            interactions = (RecentInteraction(*fields) for _, *fields in entries)
            yield Profile(profile_id).merge(interactions, length=length)

    def profiles(self, *, length: int = HISTORY_LENGTH) -> Iterator[Profile]:
        for number in range(len(self)):
            yield from self.read(number, length=length)


def _read(batches: pa.RecordBatchReader, length: int) -> pa.Table:
    """Return the result of `_latest` for all batches. Memory holds at most `MAX_ROWS` other rows."""
    held = pa.Table.from_batches([], _SCHEMA)
    limit = MAX_ROWS
    for batch in batches:
        held = pa.concat_tables([held, pa.Table.from_batches([batch])])
        if len(held) > limit:
            held = _latest(held, length)
            limit = len(held) + MAX_ROWS
    return _latest(held, length)


def _latest(rows: pa.Table, length: int) -> pa.Table:
    """Return the latest `length` events of each profile, grouped by profile, latest first.

    Rows with the same event ID are one event at the latest of their times. All rows with this time are returned, and
    events with the same time as the oldest returned event. `Profile.merge` selects among them.
    """
    profile, event = (
        rows[name].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        for name in ("profile_id", "event_id")
    )
    order = np.lexsort((-rows["event_time_ms"].to_numpy(), profile))
    profile, event, time_ms = profile[order], event[order], rows["event_time_ms"].to_numpy()[order]
    _, firsts, copies = np.unique(profile * (event.max() + 1) + event, return_index=True, return_inverse=True)
    once = np.sort(firsts)
    starts, ends = (np.searchsorted(profile[once], profile, side=side) for side in ("left", "right"))
    oldest_ms = time_ms[once[np.minimum(starts + length, ends) - 1]]
    return rows.take(pa.array(order[(time_ms >= oldest_ms) & (time_ms == time_ms[firsts[copies]])]))
