"""Parts of a model that any visitor may read: an item-to-item table and popular items, without rare combinations."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged
from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.bundle.related import RelatedTable
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot
from alsolike.runtime.struct import struct

FORMAT = "alsolike-public-1"

MIN_USERS = 5
"""Minimum number of distinct users of a published item, and of a published pair of items."""

_TYPES = ["uint32", "int32", "float32", "int32"]


@struct
class PublicLists:
    """The public parts of a model.

    Attributes
    ----------
    table
        Related items with at least `MIN_USERS` users in common with the item, and their float32 scores. The score of an
        item for a history is the sum of these scores times the history's weights.
    popular
        Positions of popular items with at least `MIN_USERS` users, best first, int32.
    position_decay
        Weight of an interaction relative to the next later interaction.
    """

    table: RelatedTable
    popular: npt.NDArray[np.int32]
    position_decay: float

    @classmethod
    def none(cls, items: int) -> Self:
        table = RelatedTable(Ragged(np.zeros(items + 2, np.uint32), np.zeros(0, np.int32)), np.zeros(0, np.float32))
        return cls(table, np.zeros(0, np.int32), 1.0)

    def write(self, path: Path) -> None:
        arrays = {
            "offsets": self.table.targets.offsets,
            "items": self.table.targets.data,
            "scores": self.table.scores,
            "popular": self.popular,
        }
        with path.open("wb") as file:
            write_tensors(file, arrays, metadata={"format": FORMAT, "position_decay": repr(self.position_decay)})

    @classmethod
    def map(cls, path: Path, *, items: int) -> Self:
        try:
            arrays, metadata = map_tensors(path, FORMAT)
            offsets, targets, scores, popular = (arrays[name] for name in ("offsets", "items", "scores", "popular"))
            if (types := [str(array.dtype) for array in (offsets, targets, scores, popular)]) != _TYPES:
                raise ValueError(f"the types are {', '.join(types)}, expected {', '.join(_TYPES)}")
            if len(offsets) != items + 2 or (offsets[0], offsets[-1]) != (0, len(targets)):
                raise ValueError(f"the rows are of {len(offsets) - 2} items and end at {offsets[-1]}")
            if len(popular) and not 1 <= popular.min() <= popular.max() <= items:
                raise ValueError(f"popular items lie in {popular.min()}..{popular.max()}, expected 1..{items}")
            table = RelatedTable(Ragged(offsets, targets), scores)
            table.check()
            return cls(table, popular, float(metadata["position_decay"]))
        except (InvalidSnapshot, KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{path.name} holds no public lists of {items} items: {error}") from error
