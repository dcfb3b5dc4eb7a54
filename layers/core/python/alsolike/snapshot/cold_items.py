"""Cold items: items that the champion does not contain, with their nearest known items by content.

The score of a cold item is the weighted mean of its neighbours' scores in the model's list, times a scale. Neighbours
outside the list count as 0. Therefore a cold item ranks high only if many of its neighbours do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged, Rows, hashes_of
from alsolike.arrays.tensors import Array, map_tensors, write_tensors
from alsolike.catalogue.changes import Change
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.runtime.struct import struct
from alsolike.snapshot.content_index import ContentIndex
from alsolike.snapshot.segment import newest_rows

FORMAT = "alsolike-cold-items-1"

MAX_COLD_ITEMS = 100_000
"""Maximum number of items with stored neighbours, which limits computation and memory. The latest changed items are
kept.
"""

LISTED = 100
"""Number of top items in the model's list that contribute to the scores of cold items."""


@struct
class ColdItems:
    """Cold items of a champion, one row per item, sorted by the hash of the ID.

    Attributes
    ----------
    neighbours
        Positions of each row's neighbours in the champion, int32.
    weights
        Weight of each neighbour from `ContentIndex.nearest`, times the item's scale, float32.
    """

    hashes: Array
    updated_at_ms: Array
    tie_breaks: Array
    neighbours: Ragged
    weights: Array

    @classmethod
    def of(cls, changes: Sequence[Change], index: ContentIndex) -> ColdItems:
        """Return the changed items with their neighbours, without deletions. The index must not contain the items."""
        kept = [change for change in changes if change.properties is not None]
        nearest = list(index.nearest_of([change.properties or {} for change in kept]))
        hashes = hashes_of([change.entity_id.encode() for change in kept])
        lengths = [len(items) for items, _ in nearest]
        positions = [np.zeros(0, np.int32), *(items for items, _ in nearest)]
        weights = [np.zeros(0, np.float32), *(weights for _, weights in nearest)]
        items = cls(
            hashes=hashes,
            updated_at_ms=np.array([change.updated_at_ms for change in kept], np.int64),
            tie_breaks=np.array([change.tie_break for change in kept], np.uint32),
            neighbours=Ragged.from_codes(lengths, np.concatenate(positions)),
            weights=np.concatenate(weights) * np.repeat(index.scales_of(hashes), lengths),
        )
        return items.newest()

    @classmethod
    def merge(cls, parts: Sequence[ColdItems]) -> ColdItems:
        """Return the items of all parts. For an item in several parts, keep the row with the highest precedence."""
        together = cls(
            hashes=np.concatenate([part.hashes for part in parts]),
            updated_at_ms=np.concatenate([part.updated_at_ms for part in parts]),
            tie_breaks=np.concatenate([part.tie_breaks for part in parts]),
            neighbours=Ragged.concatenate([part.neighbours for part in parts]),
            weights=np.concatenate([part.weights for part in parts]),
        )
        return together.newest()

    def newest(self, maximum: int | None = None) -> ColdItems:
        """Return the highest-precedence row of each item.

        `maximum` limits the result to the latest changed items.
        """
        rows = newest_rows(self.hashes, self.updated_at_ms, self.tie_breaks)
        if maximum is not None and len(rows) > maximum:
            rows = rows[np.sort(np.lexsort((self.hashes[rows], self.updated_at_ms[rows]))[-maximum:])]
        return self.take(rows)

    def take(self, rows: Rows) -> ColdItems:
        return ColdItems(
            hashes=self.hashes[rows],
            updated_at_ms=self.updated_at_ms[rows],
            tie_breaks=self.tie_breaks[rows],
            neighbours=self.neighbours.take(rows),
            weights=Ragged(self.neighbours.offsets, self.weights).take(rows).data,
        )

    def nearest(self, row: int) -> tuple[Array, Array]:
        """Return the neighbours of an item and their weights, nearest first."""
        weights = Ragged(self.neighbours.offsets, self.weights)[row]
        order = np.argsort(-weights, kind="stable")
        return self.neighbours[row][order], weights[order]

    def __len__(self) -> int:
        return len(self.hashes)

    def write(self, file: BinaryIO) -> None:
        arrays = {
            "hashes": self.hashes,
            "updated_at_ms": self.updated_at_ms,
            "tie_breaks": self.tie_breaks,
            "neighbours.offsets": self.neighbours.offsets,
            "neighbours": self.neighbours.data,
            "weights": self.weights,
        }
        write_tensors(file, arrays, metadata={"format": FORMAT})

    @classmethod
    def map(cls, path: Path) -> ColdItems:
        arrays, _ = map_tensors(path, FORMAT)
        try:
            items = cls(
                hashes=arrays["hashes"],
                updated_at_ms=arrays["updated_at_ms"],
                tie_breaks=arrays["tie_breaks"],
                neighbours=Ragged(arrays["neighbours.offsets"], arrays["neighbours"]),
                weights=arrays["weights"],
            )
        except KeyError as error:
            raise InvalidSnapshot(f"{path.name} misses {error}") from error
        if len(items.neighbours) != len(items) or len(items.weights) != len(items.neighbours.data):
            raise InvalidSnapshot(f"{path.name} has arrays of different lengths")
        return items


NO_COLD_ITEMS = ColdItems(
    hashes=np.zeros(0, np.uint64),
    updated_at_ms=np.zeros(0, np.int64),
    tie_breaks=np.zeros(0, np.uint32),
    neighbours=Ragged.from_codes([], np.zeros(0, np.int32)),
    weights=np.zeros(0, np.float32),
)


class ColdScorer:
    """Scorer of cold items, based on a model's list. `items` is the number of items of the model."""

    def __init__(self, cold: ColdItems, *, items: int) -> None:
        self._count = len(cold)
        order = np.argsort(cold.neighbours.data, kind="stable")
        self._offsets = np.searchsorted(cold.neighbours.data[order], np.arange(items + 2))
        self._cold = np.repeat(np.arange(len(cold)), cold.neighbours.lengths)[order]
        self._weights = cold.weights[order]

    def __len__(self) -> int:
        return self._count

    def scores(self, positions: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the scores of all cold items, float32 `(len(self),)`. The score is 0 if no neighbour is in the list.

        Parameters
        ----------
        positions, scores
            List of the model, best first. Only the first `LISTED` items are used.
        """
        positions, scores = positions[:LISTED], scores[:LISTED]
        starts, ends = self._offsets[positions], self._offsets[positions + 1]
        counts = ends - starts
        rows = np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        gains = self._weights[rows] * np.repeat(scores, counts)
        return np.bincount(self._cold[rows], weights=gains, minlength=self._count).astype(np.float32)
