"""Training statistics as matrices, and counts up to several cutoffs, from the files of a Spark job."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp

from alsolike.runtime.errors import InvalidDataset, InvalidInput
from alsolike.training import statistics
from alsolike.training.statistics import (
    STATISTICS,
    STATISTICS_MANIFEST,
    WEIGHTS,
    Counting,
    StatisticsManifest,
    directory,
)

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics from which a model can be fitted without interactions.

    Attributes
    ----------
    items
        Number of items.
    weights
        Total decayed weight of each item's interactions by half-life in days, float64 `(items + 1,)`.
    sums
        Row sums of C over all targets, not only the strongest, float64 `(items + 1,)`.
    transitions
        Matrix C of `model_export.algorithms.transitions` with the strongest targets of each row, float64
        `(items + 1, items + 1)`.
    sessions
        Number of sessions per item, float64 `(items + 1,)`.
    gram
        Number of sessions with two items, symmetric, float64 `(items + 1, items + 1)`. The diagonal is `sessions`.
        Pairs that are not among the strongest of either item have 0.
    """

    counting: Counting
    items: int
    weights: Mapping[float, Doubles]
    sums: Doubles
    transitions: sp.csr_array
    sessions: Doubles
    gram: sp.csr_array

    def require(self, algorithm: str, *, maximum: int, **wanted: float) -> None:
        """Check that the statistics were counted with an algorithm's settings.

        Raises
        ------
        InvalidInput
            If a setting differs, or the algorithm needs more targets than the statistics contain.
        """
        for name, value in wanted.items():
            if (counted := getattr(self.counting, name)) != value:
                raise InvalidInput(f"{algorithm} has {name} {value:g}, the statistics were counted with {counted:g}")
        if maximum > self.counting.maximum:
            raise InvalidInput(
                f"{algorithm} keeps {maximum} targets, the statistics have {self.counting.maximum} at most"
            )

    def placed(self, place: Ints, *, items: int) -> Statistics:
        """Return the statistics with the items at other positions.

        Parameters
        ----------
        place
            New position of each of the positions 0..`self.items`, at most `items`. Position 0 stays 0.
        """

        def spread(values: Doubles) -> Doubles:
            found = np.zeros(items + 1)
            found[place] = values
            return found

        def moved(matrix: sp.csr_array) -> sp.csr_array:
            rows = np.repeat(place, np.diff(matrix.indptr))
            return sp.csr_array((matrix.data, (rows, place[matrix.indices])), shape=(items + 1, items + 1))

        return Statistics(
            counting=self.counting,
            items=items,
            weights={days: spread(values) for days, values in self.weights.items()},
            sums=spread(self.sums),
            transitions=moved(self.transitions),
            sessions=spread(self.sessions),
            gram=moved(self.gram),
        )


def load(directory: Path, counting: Counting) -> Statistics:
    items = load_items(directory)
    size = len(items) + 1
    transitions, gram = (
        _matrix(_read(directory / name, statistics.PAIR_COLUMNS), size=size)
        for name in (statistics.TRANSITIONS, statistics.GRAM)
    )
    sessions = np.append(0.0, items["sessions"].to_numpy())
    # If a pair is among the strongest of only one of its two items, it has an entry in only one of their rows.
    both: Any = gram.maximum(gram.T)
    both = both + sp.diags_array(sessions)
    return Statistics(
        counting=counting,
        items=len(items),
        weights={days: np.append(0.0, items[column].to_numpy()) for column, days in WEIGHTS.items()},
        sums=np.append(0.0, items["transitions"].to_numpy()),
        transitions=transitions,
        sessions=sessions,
        gram=sp.csr_array(both),
    )


@functools.lru_cache(maxsize=2)
def load_items(directory: Path) -> pa.Table:
    """Return the item statistics in order of position."""
    items = _read(directory / statistics.ITEMS, statistics.ITEM_STATISTICS).sort_by("position")
    if not np.array_equal(items["position"].to_numpy(), np.arange(1, len(items) + 1)):
        raise InvalidDataset(f"{directory / statistics.ITEMS} has other positions than 1 to {len(items)}, each once")
    return items


def _read(directory: Path, columns: tuple[str, ...]) -> pa.Table:
    parts = sorted(directory.glob("*.parquet"))
    if not parts:
        raise InvalidDataset(f"{directory} holds no Parquet parts")
    try:
        return pa.concat_tables([pq.read_table(part, columns=list(columns)) for part in parts])
    except (pa.ArrowInvalid, KeyError) as error:
        raise InvalidDataset(
            f"{directory} has a part that is not Parquet with {', '.join(columns)}: {error}"
        ) from error


def _matrix(pairs: pa.Table, *, size: int) -> sp.csr_array:
    places = pairs["source"].to_numpy(), pairs["target"].to_numpy()
    for items in places:
        if len(items) and not 0 < items.min() <= items.max() < size:
            raise InvalidDataset(f"pairs have items {items.min()} to {items.max()}, expected 1 to {size - 1}")
    return sp.csr_array((pairs["value"].to_numpy(), places), shape=(size, size))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of all users' interactions up to a cutoff. Files are read on demand.

    Attributes
    ----------
    moment_ms
        Cutoff (inclusive) of the counted interactions.
    position
        Position (from 1) of each of the sorted `item_ids` in arrays by item, int64 `(items + 1,)`. Element 0 is 0.
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
        found[self._places()] = np.append(0, load_items(self._directory)["interactions"].to_numpy())
        return found

    def statistics(self) -> Statistics:
        return load(self._directory, self.manifest.counting).placed(self._places(), items=len(self.position) - 1)

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


def _ids(path: Path) -> pa.StringArray:
    return load_items(path)["item_id"].cast(pa.string()).combine_chunks()
