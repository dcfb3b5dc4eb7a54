"""Transitions: what comes after what, up to twenty interactions apart.

Each pair of interactions of one user, a before b and at most `max_gap` apart, adds gap_decay ** (b - a - 1) to
C[a, b] and `backward` of it to C[b, a]. Rows are divided by their sum ** source_power, so that frequent items do not
drown the others. Score = positionally decayed history times C.

References
----------
S. Rendle, C. Freudenthaler, L. Schmidt-Thieme, "Factorizing personalized Markov chains", WWW 2010 (the first-order
chain); M. Ludewig, D. Jannach, "Evaluation of session-based recommendation algorithms", UMUAI 2018 (sequential
rules, whose weight falls with the gap).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from model_export.algorithm import Algorithm
from model_export.interactions import Interactions
from model_export.item_rows import ItemRows, ItemRowsModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transitions(Algorithm):
    """Settings.

    Attributes
    ----------
    gap_decay
        Weight of a pair relative to one that is an interaction closer.
    max_gap
        Largest distance of a pair.
    backward
        Share of a pair's weight that counts in the other direction.
    source_power
        Power of the row sums that rows are divided by.
    repeats
        Whether an item may lead to itself.
    targets
        Targets kept an item.
    """

    name: ClassVar[str] = "transitions"
    position_decay: float = 0.6
    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    source_power: float = 0.4
    repeats: bool = False
    targets: int = 100

    def alternatives(self) -> Sequence[Self]:
        """Return short to long memories of the history."""
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 0.97))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        """Count the decayed pairs."""
        counts = _pairs(interactions, gap_decay=self.gap_decay, max_gap=self.max_gap)
        if self.backward:
            counts = sp.csr_array(counts + counts.T * np.float32(self.backward))
        sums = counts.sum(axis=1)
        scale = np.where(sums > 0, np.maximum(sums, np.float32(1e-30)) ** -self.source_power, 0.0)
        counts.data *= np.repeat(scale.astype(np.float32), np.diff(counts.indptr))
        if not self.repeats:
            counts.setdiag(0.0)
        rows = ItemRows.of_every_item(counts, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)


def _pairs(interactions: Interactions, *, gap_decay: float, max_gap: int) -> sp.csr_array:
    """C[a, b] of the pairs of one user, weighted by the later event's weight, `(items + 1, items + 1)`."""
    shape = (interactions.items + 1, interactions.items + 1)
    counts: Any = sp.csr_array(shape, dtype=np.float32)
    user, item, weight = interactions.user, interactions.item, interactions.weight
    for gap in range(1, min(max_gap, len(interactions) - 1) + 1):
        same = user[:-gap] == user[gap:]
        values = weight[gap:][same] * np.float32(gap_decay ** (gap - 1))
        pairs = sp.coo_array((values, (item[:-gap][same], item[gap:][same])), shape=shape)
        counts = counts + pairs.tocsr()
    return sp.csr_array(counts)
