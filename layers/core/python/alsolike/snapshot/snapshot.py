"""Catalogue snapshot: all items with typed columns, in memory-mapped segments.

An item can have rows in several segments, because a change is written to a new small segment, and `snapshot.publisher`
merges segments later. Only the newest row of an item is valid. Rows are numbered over all segments, and `rows` returns
the numbers of valid rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Rows, find, hashes_of
from alsolike.catalogue.changes import DELETED, Change
from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.columns import (
    BooleanColumn,
    Column,
    ListColumn,
    NumberColumn,
    StringColumn,
    TextColumn,
)
from alsolike.snapshot.search import matching
from alsolike.snapshot.segment import Segment, newest_rows

__all__ = ["BooleanColumn", "Column", "ListColumn", "NumberColumn", "Snapshot", "StringColumn", "TextColumn"]


class Snapshot:
    """Snapshot of the catalogue.

    Attributes
    ----------
    cold, cold_model
        Cold items, and the version of their champion. Some of these items may have been deleted after the computation.
        None and "" before the first computation.
    """

    def __init__(
        self, segments: Sequence[Segment], *, version: str, cold: ColdItems | None = None, cold_model: str = ""
    ) -> None:
        """Combine segments with equal columns, in any order."""
        self.version = version
        self.cold, self.cold_model = cold, cold_model
        # Largest first. A lookup searches the mapped arrays of the largest segment, and one index of all other
        # segments.
        self._segments = sorted(segments, key=len, reverse=True)
        self._starts = np.cumsum([0, *(len(segment) for segment in self._segments)])
        self.column_types: dict[str, ColumnType] = self._segments[0].column_types if segments else {}
        self._columns: dict[str, Column] = {}
        self._overlay()

    @classmethod
    def open(cls, paths: Sequence[Path], *, version: str, cold: Path | None = None, cold_model: str = "") -> Self:
        items = None if cold is None else ColdItems.map(cold)
        return cls([Segment.map(path) for path in paths], version=version, cold=items, cold_model=cold_model)

    def with_columns(self, columns: Mapping[str, ColumnType]) -> Snapshot:
        """Return the snapshot with these columns added or re-encoded, or `self` if it has all of them.

        A new column takes about 10 µs per item.
        """
        missing = {name: type_ for name, type_ in columns.items() if self.column_types.get(name) is not type_}
        if not missing or not self._segments:
            return self
        segments = [segment.with_columns(missing) for segment in self._segments]
        return Snapshot(segments, version=self.version, cold=self.cold, cold_model=self.cold_model)

    def _overlay(self) -> None:
        self._index, self._index_rows = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._live = 0
        if not self._segments:
            return
        base, *others = self._segments
        self._live = len(base) - int(np.count_nonzero(base.deleted))
        if others:
            hashes = np.concatenate([segment.hashes for segment in others])
            updated_at_ms = np.concatenate([segment.updated_at_ms for segment in others])
            tie_breaks = np.concatenate([segment.tie_breaks for segment in others])
            newest = newest_rows(hashes, updated_at_ms, tie_breaks)
            in_base = find(base.hashes, hashes[newest])
            base_ms, base_ties = base.updated_at_ms[in_base], base.tie_breaks[in_base]
            later = (updated_at_ms[newest] > base_ms) | (
                (updated_at_ms[newest] == base_ms) & (tie_breaks[newest] > base_ties)
            )
            counts = (in_base < 0) | later
            newest, replaced = newest[counts], in_base[counts]
            replaced = replaced[replaced >= 0]
            deleted = tie_breaks[newest] >= DELETED
            self._index, self._index_rows = hashes[newest], np.where(deleted, -1, newest + len(base))
            self._live += int(np.count_nonzero(~deleted) - np.count_nonzero(~base.deleted[replaced]))

    def __len__(self) -> int:
        """Return the number of items that are not deleted."""
        return self._live

    @property
    def row_count(self) -> int:
        """Number of rows in all segments, which is the length of a column."""
        return int(self._starts[-1])

    def deleted_hashes(self) -> npt.NDArray[np.uint64]:
        """Return the ID hashes (`ragged.hashes_of`) of all deleted items in the segments."""
        if not self._segments:
            return np.zeros(0, np.uint64)
        base = self._segments[0].hashes[self._segments[0].deleted]
        return np.concatenate([base[find(self._index, base) < 0], self._index[self._index_rows < 0]])

    def rows(self, item_ids: Sequence[str | bytes]) -> Rows:
        """Return the row of each item, or -1 if the item is not in the catalogue, int64 `(len(item_ids),)`."""
        return self.rows_by_hash(hashes_of([i.encode() if isinstance(i, str) else i for i in item_ids]))

    def rows_by_hash(self, hashes: npt.NDArray[np.uint64]) -> Rows:
        if not self.row_count:
            return np.full(len(hashes), -1)
        base = self._segments[0]
        rows = find(base.hashes, hashes)
        rows = np.where((rows >= 0) & (base.tie_breaks[rows] < DELETED), rows, -1)
        if len(self._index):
            places = find(self._index, hashes)
            rows = np.where(places >= 0, self._index_rows[places], rows)
        return rows

    def live_rows(self) -> Rows:
        """Return the rows of all items in arbitrary order."""
        if not self._segments:
            return np.zeros(0, np.int64)
        base = self._segments[0]
        counts = ~base.deleted
        replaced = find(base.hashes, self._index)
        counts[replaced[replaced >= 0]] = False
        return np.concatenate([np.flatnonzero(counts), self._index_rows[self._index_rows >= 0]])

    def matching(self, words: Sequence[str]) -> npt.NDArray[np.bool_]:
        mask = np.zeros(self.row_count, np.bool_)
        mask[self.live_rows()] = True
        for start, segment in zip(self._starts.tolist(), self._segments, strict=False):
            mask[start : start + len(segment)] &= matching(segment, words)
        return mask

    def column(self, name: str) -> Column | None:
        """Return a declared column with the rows of all segments, or None if the column is not declared.

        The results of `rows` are indices into the column. The first call concatenates the segments' columns.
        """
        if name not in self.column_types:
            return None
        if name not in self._columns:
            parts: list[Any] = [segment.columns[name] for segment in self._segments]
            self._columns[name] = type(parts[0]).concatenate(parts)
        return self._columns[name]

    def parts(self, name: str) -> list[tuple[int, Column]]:
        """Return a declared column of each segment, with the index of the segment's first row.

        Empty if it is not declared.
        """
        if name not in self.column_types:
            return []
        starts = self._starts.tolist()
        return [(start, segment.columns[name]) for start, segment in zip(starts, self._segments, strict=False)]

    def item_id(self, row: int) -> str:
        segment, local = self._locate(row)
        return segment.ids.blob(local).decode()

    def properties(self, row: int) -> dict[str, Any]:
        segment, local = self._locate(row)
        return segment.properties(local)

    def change(self, row: int) -> Change:
        segment, local = self._locate(row)
        return segment.change(local)

    def hashes(self, rows: Rows) -> npt.NDArray[np.uint64]:
        return self._all_rows("hashes")[rows]

    def updated_at_ms(self, rows: Rows) -> npt.NDArray[np.int64]:
        return self._all_rows("updated_at_ms")[rows]

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((self.item_id(row), self.properties(row)) for row in self.live_rows().tolist())

    def _all_rows(self, name: str) -> npt.NDArray[Any]:
        parts = [getattr(segment, name) for segment in self._segments]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _locate(self, row: int) -> tuple[Segment, int]:
        place = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._segments[place], row - int(self._starts[place])


EMPTY = Snapshot([], version="")
