"""Item-to-item tables of a bundle: similar items, and items bought together.

Serving reads a row without running the graph. The file is memory-mapped, so a request does not read the whole file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged
from alsolike.arrays.tensors import Array, map_tensors, write_tensors
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot
from alsolike.runtime.struct import struct

FORMAT = "alsolike-related-1"

SIMILAR = "similar"

TOGETHER = "together"

KINDS = (SIMILAR, TOGETHER)

BYTES_AN_ENTRY = 6
BYTES_A_ROW = 4

_TYPES = ["uint32", "int32", "float16"]

Row = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]
NO_ROW: Row = (np.zeros(0, np.int32), np.zeros(0, np.float32))


@struct
class RelatedTable:
    """Table with one row of related items per position 0..N. Row 0 is padding and empty.

    Attributes
    ----------
    targets
        Positions of related items, best first, int32.
    scores
        Scores of the targets, above 0 and descending within a row, float16 (float32 in `PublicLists`).
    """

    targets: Ragged
    scores: Array

    def __len__(self) -> int:
        return len(self.targets)

    def row(self, position: int) -> Row:
        """Return the positions and scores of a row. Entries that `check` rejects are left out."""
        if not 0 <= position < len(self):
            raise IndexError(f"position is {position}, expected 0 to {len(self) - 1}")
        begin, end = int(self.targets.offsets[position]), int(self.targets.offsets[position + 1])
        targets, scores = self.targets.data[begin:end], self.scores[begin:end].astype(np.float32)
        usable = self._usable(targets, scores)
        return (targets, scores) if usable.all() else (targets[usable], scores[usable])

    def check(self) -> None:
        if (np.diff(self.targets.offsets.astype(np.int64)) < 0).any():
            raise ValueError("a row ends before it begins")
        if unusable := int((~self._usable(self.targets.data, self.scores)).sum()):
            raise ValueError(f"{unusable} entries are not items of the model, or have no score")

    def _usable(self, targets: Array, scores: Array) -> npt.NDArray[np.bool_]:
        return (targets > 0) & (targets < len(self)) & np.isfinite(scores)


@struct
class RelatedItems:
    tables: Mapping[str, RelatedTable]

    @classmethod
    def none(cls, items: int) -> Self:
        offsets = np.zeros(items + 2, np.uint32)
        empty = RelatedTable(Ragged(offsets, np.zeros(0, np.int32)), np.zeros(0, np.float16))
        return cls(dict.fromkeys(KINDS, empty))

    def row(self, kind: str, position: int) -> Row:
        return self.tables[kind].row(position)

    def check(self) -> None:
        for kind, table in self.tables.items():
            try:
                table.check()
            except ValueError as error:
                raise InvalidBundle(f"the related items are unusable, {kind}: {error}") from error

    def write(self, path: Path) -> None:
        arrays = {}
        for kind, table in self.tables.items():
            arrays[f"{kind}.offsets"] = table.targets.offsets
            arrays[f"{kind}.items"] = table.targets.data
            arrays[f"{kind}.scores"] = table.scores
        with path.open("wb") as file:
            write_tensors(file, arrays, metadata={"format": FORMAT})

    @classmethod
    def map(cls, path: Path, *, items: int) -> Self:
        try:
            arrays, _ = map_tensors(path, FORMAT)
            tables = {kind: _mapped(arrays, kind) for kind in KINDS}
        except (InvalidSnapshot, KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{path.name} holds no related items: {error!r}") from error
        for kind, table in tables.items():
            if len(table) != items + 1:
                raise InvalidBundle(f"{path.name} has {kind} of {len(table) - 1} items, the model has {items}")
        return cls(tables)


def _mapped(arrays: Mapping[str, Array], kind: str) -> RelatedTable:
    offsets, targets, scores = (arrays[f"{kind}.{name}"] for name in ("offsets", "items", "scores"))
    if (types := [str(array.dtype) for array in (offsets, targets, scores)]) != _TYPES:
        raise ValueError(f"{kind} has types {', '.join(types)}, expected {', '.join(_TYPES)}")
    if (offsets[0], offsets[-1]) != (0, len(targets)) or len(scores) != len(targets):
        raise ValueError(f"{kind} has {len(targets)} items and {len(scores)} scores, its rows end at {offsets[-1]}")
    return RelatedTable(Ragged(offsets, targets), scores)
