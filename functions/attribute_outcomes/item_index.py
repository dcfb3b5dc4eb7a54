"""Index of items with their catalogue data. Memory grows with the number of items."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.configuration.columns import CREATED
from alsolike.snapshot.snapshot import NumberColumn, Snapshot

Numbers = npt.NDArray[np.int64]

_BATCH_ITEMS = 65_536


class Items:
    """Indices of items, assigned at the first occurrence."""

    def __init__(self, catalogue: Snapshot) -> None:
        self._catalogue = catalogue
        self._numbers: dict[str | None, int] = {}
        self._names: list[str] = []
        self._created_ms = np.zeros(0, np.float64)
        self._known = np.zeros(0, bool)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def catalogue_items(self) -> int:
        return len(self._catalogue)

    def numbers(self, item_ids: pa.Array | pa.ChunkedArray) -> Numbers:
        """Return the index of each item; -1 for null."""
        if isinstance(item_ids, pa.ChunkedArray):
            item_ids = item_ids.combine_chunks()
        encoded = item_ids.dictionary_encode()
        numbers = np.array([self._number(item) for item in encoded.dictionary.to_pylist()] or [-1], np.int64)
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.where(places < 0, -1, numbers[places])

    def created_ms(self) -> npt.NDArray[np.float64]:
        """Return the creation time by item index in epoch milliseconds; NaN if unknown."""
        self._look_up()
        return self._created_ms

    def in_catalogue(self) -> npt.NDArray[np.bool_]:
        self._look_up()
        return self._known

    def _number(self, item: str) -> int:
        number = self._numbers.setdefault(item, len(self._names))
        if number == len(self._names):
            self._names.append(item)
        return number

    def _look_up(self) -> None:
        """Look up in the catalogue the items that were indexed since the last call."""
        created, known = [self._created_ms], [self._known]
        for first in range(len(self._known), len(self._names), _BATCH_ITEMS):
            rows = self._catalogue.rows(self._names[first : first + _BATCH_ITEMS])
            known.append(rows >= 0)
            created.append(self._creations(rows))
        if len(known) > 1:
            self._created_ms, self._known = np.concatenate(created), np.concatenate(known)

    def _creations(self, rows: Numbers) -> npt.NDArray[np.float64]:
        column = self._catalogue.column(CREATED)
        if isinstance(column, NumberColumn):
            return np.where(rows >= 0, column.values[rows] * 1000, np.nan)
        return np.array([_created_ms(self._catalogue.properties(row)) if row >= 0 else np.nan for row in rows.tolist()])


def _created_ms(properties: dict[str, Any]) -> float:
    created = properties.get(CREATED)
    return created * 1000.0 if isinstance(created, int | float) else np.nan
