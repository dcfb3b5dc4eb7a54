"""Partitioning of interactions into files by profile, so that a profile can be built without loading all rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.lake import partitions
from alsolike.profiles.profile import Profile, RecentInteraction

PROFILE_COLUMNS = ("profile_id", "event_time_ms", "event_id", "item_id", "event_type", "context")
_SCHEMA = pa.schema(
    [(name, pa.int64() if name == "event_time_ms" else pa.string()) for name in PROFILE_COLUMNS],
)


class ProfileFiles:
    """Directory of Parquet files. All rows of a profile are in one file, and one file at a time is read into memory."""

    def __init__(self, directory: Path, *, files: int) -> None:
        self._paths = [directory / f"{number}.parquet" for number in range(files)]
        self._writers: dict[int, pq.ParquetWriter] = {}

    def add(self, rows: pa.Table) -> None:
        """Add rows with the columns `PROFILE_COLUMNS`."""
        hashes = pd.util.hash_array(rows["profile_id"].to_numpy(zero_copy_only=False))
        places = (hashes % len(self._paths)).astype("int64")
        for place in sorted(set(places.tolist())):
            if place not in self._writers:
                self._writers[place] = pq.ParquetWriter(self._paths[place], _SCHEMA, compression=partitions.COMPRESSION)
            self._writers[place].write_table(rows.filter(pa.array(places == place)).cast(_SCHEMA))

    def profiles(self, *, length: int = HISTORY_LENGTH) -> Iterator[Profile]:
        """Yield every profile with its latest `length` interactions. Requires that all rows are added."""
        for writer in self._writers.values():
            writer.close()
        for place in sorted(self._writers):
            rows = pq.read_table(self._paths[place]).sort_by([("profile_id", "ascending")])
            columns = [rows[name].to_pylist() for name in PROFILE_COLUMNS]
            for profile_id, entries in itertools.groupby(zip(*columns, strict=True), key=lambda row: row[0]):
                interactions = (RecentInteraction(*fields) for _, *fields in entries)
                yield Profile(profile_id).merge(interactions, length=length)
