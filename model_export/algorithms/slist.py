"""SLIST: a linear model of items in the same session and of the next item.

X contains the items of each session. S contains the items before each interaction, with weights that decrease with the
distance. T contains the item of the interaction. With t = `together`, B minimises t |X - XB|^2 + (1 - t) |T - SB|^2 +
lambda |B|^2 and has an empty diagonal: (A + lambda I) B = R, where A = t X'X + (1 - t) S'S and R = t X'X + (1 - t) S'T.
Each item is regressed only on its strongest sources (`local_ridge`).

References
----------
M. Choi, J. Kim, J. Lee, H. Shim, J. Lee, "Session-aware linear item-item models for session-based recommendation",
WWW 2021, equations 9 to 11 (which weigh sessions by age as well, and solve for all items at once).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.algorithms.building_blocks.local_ridge import local_ridge
from model_export.api import Algorithm
from model_export.data.interactions import Interactions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slist(Algorithm):
    """Settings of the algorithm `slist`.

    Attributes
    ----------
    together
        Weight of items in the same session. The next item has the remaining weight.
    gap_decay
        Weight of an interaction relative to the next closer interaction.
    max_gap
        Maximum number of interactions before the target.
    session
        Maximum length of a session. Longer histories are split.
    ridge
        Lambda, in interactions.
    sources
        Number of items that each item is regressed on.
    targets
        Number of targets per item.
    max_pairs
        Maximum number of pairs of items, summed over all sessions and over the `max_gap` interactions before each
        target. Memory holds the distinct pairs.
    """

    name: ClassVar[str] = "slist"
    position_decay: float = 0.6
    together: float = 0.2
    gap_decay: float = 0.8
    max_gap: int = 13
    session: int = 50
    ridge: float = 100.0
    sources: int = 32
    targets: int = 100
    max_pairs: int = 100_000_000

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 1.0))

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        place = np.arange(len(interactions)) - interactions.offsets[interactions.user]
        together = np.diff(interactions.sessions(maximum=self.session).indptr).astype(np.int64)
        pairs = int((together**2).sum() + (np.minimum(place, self.max_gap) ** 2).sum())
        pairs = min(pairs, interactions.items**2)
        if pairs <= self.max_pairs:
            return None
        return f"its limit is {self.max_pairs:,} pairs of items, and there may be {pairs:,}; transitions has no limit"

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        together = interactions.sessions(maximum=self.session)
        earlier, later = _steps(interactions, gap_decay=self.gap_decay, max_gap=self.max_gap)
        pairs = (together.T @ together) * np.float32(self.together)
        rest = np.float32(1.0 - self.together)
        gram = sp.csr_array(pairs + (earlier.T @ earlier) * rest)
        # Rows are targets, columns are sources. `pairs` is symmetric, so it needs no transposition.
        cross = sp.csr_array(pairs + (later.T @ earlier) * rest)
        solved = local_ridge(gram, cross, ridge=self.ridge, sources=self.sources)
        rows = ItemRows.from_blocks([sp.csr_array(solved[1:])], items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)


def _steps(interactions: Interactions, *, gap_decay: float, max_gap: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Return S and T, `(interactions, items + 1)`. Both have an empty row for a user's first interaction."""
    user, item = interactions.user, interactions.item
    rows, columns, values = [], [], []
    for gap in range(1, min(max_gap, len(interactions) - 1) + 1):
        row = np.flatnonzero(user[gap:] == user[:-gap]) + gap
        rows.append(row)
        columns.append(item[row - gap])
        values.append(np.full(len(row), gap_decay ** (gap - 1), np.float32))
    shape = (len(interactions), interactions.items + 1)
    earlier: Any = sp.csr_array(shape, dtype=np.float32)
    if not rows:
        return earlier, earlier
    earlier = sp.csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    later = sp.csr_array((np.ones(len(rows[0]), np.float32), (rows[0], item[rows[0]])), shape=shape)
    return earlier, later
