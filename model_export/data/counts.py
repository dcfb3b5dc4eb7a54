"""Counts of all users' interactions up to several cutoffs, for datasets with only a sample of the users."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.runtime.errors import InvalidDataset
from alsolike.training.statistics import STATISTICS, STATISTICS_MANIFEST, StatisticsManifest, directory
from model_export.data import statistics
from model_export.data.statistics import Statistics

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of all users' interactions up to a cutoff. Files are read on demand.

    Attributes
    ----------
    moment_ms
        Cutoff (inclusive) of the counted interactions.
    position
        Position of each item of the sorted `item_ids`, numbered from 1, int64 `(items + 1,)`. Element 0 is 0.
    """

    path: Path
    manifest: StatisticsManifest
    moment_ms: int
    item_ids: pa.StringArray
    position: Ints

    @classmethod
    def open(cls, dataset: Path) -> Self | None:
        """Return the counts of all interactions, with items in the order of IDs. Return None without statistics."""
        path = dataset / STATISTICS
        if not (path / STATISTICS_MANIFEST).is_file():
            return None
        manifest = StatisticsManifest.from_json((path / STATISTICS_MANIFEST).read_bytes())
        moment_ms = manifest.last_event_ms
        ids = _ids(path / directory(moment_ms))
        ids = ids.take(pc.array_sort_indices(ids))
        return cls(path, manifest, moment_ms, ids, np.arange(len(ids) + 1))

    def until(self, time_ms: int) -> Self:
        """Select the counts up to a cutoff. A time after the last event selects the counts of all interactions."""
        moment_ms = min(time_ms, self.manifest.last_event_ms)
        if moment_ms not in self.manifest.moments:
            counted = ", ".join(map(str, self.manifest.moments))
            raise InvalidDataset(f"{STATISTICS} has no counts up to {moment_ms}, expected one of {counted}")
        return dataclasses.replace(self, moment_ms=moment_ms)

    def renumber(self, position: npt.NDArray[np.integer]) -> Self:
        """Return the counts with the item at position i moved to `position[i]`."""
        return dataclasses.replace(self, position=position[self.position].astype(np.int64))

    def frequencies(self) -> Ints:
        found = np.zeros(len(self.position), np.int64)
        found[self._places()] = np.append(0, _items(self._directory)["interactions"].to_numpy())
        return found

    def statistics(self) -> Statistics:
        return statistics.load(self._directory, self.manifest.counting).placed(
            self._places(), items=len(self.position) - 1
        )

    @property
    def _directory(self) -> Path:
        return self.path / directory(self.moment_ms)

    def _places(self) -> Ints:
        """Return the positions of the items that have interactions up to the cutoff, int64 `(counted items + 1,)`."""
        numbers = pc.index_in(_ids(self._directory), value_set=self.item_ids)
        if numbers.null_count:
            raise InvalidDataset(f"{self._directory} has {numbers.null_count} items that the latest count lacks")
        places: Ints = self.position[np.append(0, numbers.to_numpy() + 1)]
        return places


@functools.lru_cache(maxsize=2)
def _items(path: Path) -> pa.Table:
    return statistics.load_items(path)


def _ids(path: Path) -> pa.StringArray:
    return _items(path)["item_id"].cast(pa.string()).combine_chunks()
