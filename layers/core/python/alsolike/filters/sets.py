"""Dense and sparse sets of positions in a model.

A dense set is a mask. A `SparseSet` lists the few positions in the set, or the few positions outside the set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from alsolike.runtime.struct import struct

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

_BITS_OF_MINUS_INFINITY = np.float32(-np.inf).view(np.int32)


@struct
class SparseSet:
    """Set of the listed positions, which may repeat. If `outside` is true, the set of all other positions."""

    positions: Positions
    outside: bool = False

    @property
    def nbytes(self) -> int:
        return self.positions.nbytes


PositionSet: TypeAlias = Mask | SparseSet

NO_POSITIONS: Positions = np.zeros(0, np.int64)
NOTHING = SparseSet(NO_POSITIONS)
EVERYTHING = SparseSet(NO_POSITIONS, outside=True)


def complement(positions: PositionSet) -> PositionSet:
    return SparseSet(positions.positions, not positions.outside) if isinstance(positions, SparseSet) else ~positions


def intersection(sets: Sequence[PositionSet]) -> PositionSet:
    """Return the positions that are in all sets. The result may be an argument, so callers must not modify it."""
    common: PositionSet = EVERYTHING
    for other in sets:
        common = _both(common, other)
    return common


def union(sets: Sequence[PositionSet]) -> PositionSet:
    return complement(intersection([complement(members) for members in sets]))


def bias(positions: PositionSet, size: int) -> npt.NDArray[np.float32]:
    """Return an array, float32 `(size,)`, that is 0 at the positions in the set and -inf at all others."""
    if isinstance(positions, SparseSet):
        inside, others = (-np.inf, 0.0) if positions.outside else (0.0, -np.inf)
        factors = np.zeros(size, np.float32) if positions.outside else np.full(size, others, np.float32)
        factors[positions.positions] = inside
        return factors
    # 1 - 1 has no bits set, and 0 - 1 has all bits set. A bitwise AND of the difference with -inf gives 0 or -inf, and
    # is faster than np.where.
    bits = np.subtract(positions.view(np.int8), 1, dtype=np.int32)
    bits &= _BITS_OF_MINUS_INFINITY
    return bits.view(np.float32)


def _both(one: PositionSet, other: PositionSet) -> PositionSet:
    if isinstance(other, SparseSet):
        one, other = other, one
    if not isinstance(one, SparseSet):
        return one & other  # type: ignore[operator]  # two masks
    if not isinstance(other, SparseSet):
        return _few_of(one, other)
    if one.outside and other.outside:
        return SparseSet(np.concatenate([one.positions, other.positions]), outside=True)
    if one.outside or other.outside:
        inside, out = (other, one) if one.outside else (one, other)
        return SparseSet(inside.positions[~np.isin(inside.positions, out.positions)])
    return SparseSet(np.intersect1d(one.positions, other.positions))


def _few_of(few: SparseSet, mask: Mask) -> PositionSet:
    if not few.outside:
        return SparseSet(few.positions[mask[few.positions]])
    if not len(few.positions):
        return mask
    left = mask.copy()
    left[few.positions] = False
    return left
