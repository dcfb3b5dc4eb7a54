"""Counts of all users' interactions, if the dataset holds only some users' interactions; one count per moment."""

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
    """The counts up to one moment, and access to those of other moments; files are read on demand.

    Attributes
    ----------
    path
        The directory of the statistics.
    moment_ms
        Interactions up to then are counted.
    item_ids
        Of all items that were ever counted, in order.
    position
        int64 `(items + 1,)`: where the items stand, by their number in the order of ids; 0 stays.
    """

    path: Path
    manifest: StatisticsManifest
    moment_ms: int
    item_ids: pa.StringArray
    position: Ints

    @classmethod
    def open(cls, dataset: Path) -> Self | None:
        """Return all that was counted, items in the order of their ids; None where nothing was.

        Raises
        ------
        InvalidDataset
            If the statistics are not whole.
        """
        path = dataset / STATISTICS
        if not (path / STATISTICS_MANIFEST).is_file():
            return None
        manifest = StatisticsManifest.from_json((path / STATISTICS_MANIFEST).read_bytes())
        moment_ms = manifest.last_event_ms
        ids = _ids(path / directory(moment_ms))
        ids = ids.take(pc.array_sort_indices(ids))
        return cls(path, manifest, moment_ms, ids, np.arange(len(ids) + 1))

    def until(self, time_ms: int) -> Self:
        """Return the counts up to a moment; up to any after the last event they are all.

        Raises
        ------
        InvalidDataset
            If nothing was counted up to then.
        """
        moment_ms = min(time_ms, self.manifest.last_event_ms)
        if moment_ms not in self.manifest.moments:
            counted = ", ".join(map(str, self.manifest.moments))
            raise InvalidDataset(f"{STATISTICS} has no counts up to {moment_ms}, expected one of {counted}")
        return dataclasses.replace(self, moment_ms=moment_ms)

    def renumber(self, position: npt.NDArray[np.integer]) -> Self:
        """Return the counts with the item that stands at i at `position[i]`."""
        return dataclasses.replace(self, position=position[self.position].astype(np.int64))

    def frequencies(self) -> Ints:
        """Return how many interactions each item has, int64 `(items + 1,)`."""
        found = np.zeros(len(self.position), np.int64)
        found[self._places()] = np.append(0, _items(self._directory)["interactions"].to_numpy())
        return found

    def statistics(self) -> Statistics:
        """Read the counts."""
        return statistics.load(self._directory, self.manifest.counting).placed(
            self._places(), items=len(self.position) - 1
        )

    @property
    def _directory(self) -> Path:
        return self.path / directory(self.moment_ms)

    def _places(self) -> Ints:
        """Return where the items that were counted up to the moment stand, `(counted + 1,)`."""
        numbers = pc.index_in(_ids(self._directory), value_set=self.item_ids)
        if numbers.null_count:
            raise InvalidDataset(f"{self._directory} has {numbers.null_count} items that the last count has not")
        places: Ints = self.position[np.append(0, numbers.to_numpy() + 1)]
        return places


@functools.lru_cache(maxsize=2)
def _items(path: Path) -> pa.Table:
    return statistics.load_items(path)


def _ids(path: Path) -> pa.StringArray:
    return _items(path)["item_id"].cast(pa.string()).combine_chunks()
