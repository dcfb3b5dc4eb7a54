"""Transitions: decayed counts of pairs of items, up to `max_gap` interactions apart.

Two interactions of a user at positions p < q, at most `max_gap` apart, with items a and b add w * gap_decay ** (q - p -
1) to C[a, b], where w is the event weight of the later interaction. They add `backward` times this value to C[b, a].
Rows are divided by their sum ** source_power, so that frequent items do not dominate. Score = positionally decayed
history times C.

References
----------
S. Rendle, C. Freudenthaler, L. Schmidt-Thieme, "Factorizing personalized Markov chains", WWW 2010 (the first-order
chain); M. Ludewig, D. Jannach, "Evaluation of session-based recommendation algorithms", UMUAI 2018 (sequential
rules, whose weight decreases with the gap).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel, source_blocks
from model_export.api import Algorithm
from model_export.data.interactions import Interactions, Ints
from model_export.data.statistics import Statistics

BATCH_ROWS = 1 << 15
"""Maximum number of interactions per chunk of pairs in memory."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transitions(Algorithm):
    """Settings of the algorithm `transitions`.

    Attributes
    ----------
    gap_decay
        Weight of a pair relative to a pair that is closer by one interaction.
    max_gap
        Maximum distance of the interactions of a pair.
    backward
        Share of a pair's weight that counts in the other direction.
    source_power
        Exponent of the row sums that rows are divided by.
    repeats
        True to keep pairs of an item with itself.
    targets
        Number of targets per item.
    """

    name: ClassVar[str] = "transitions"
    position_decay: float = 0.6
    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    source_power: float = 0.4
    repeats: bool = False
    targets: int = 100

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 0.97))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        rows = ItemRows.from_blocks(self._blocks(interactions), items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)

    def fit_from_statistics(self, statistics: Statistics) -> ItemRowsModel:
        statistics.require(
            self.name, maximum=self.targets, gap_decay=self.gap_decay, max_gap=self.max_gap, backward=self.backward
        )
        sources = np.arange(1, statistics.items + 1)
        table = self._divided(sp.csr_array(statistics.transitions[1:]), sources, sums=statistics.sums[1:])
        rows = ItemRows.from_blocks([table], items=statistics.items, n=self.targets)
        return ItemRowsModel(settings=self, items=statistics.items, rows=rows)

    def _blocks(self, interactions: Interactions) -> Iterator[sp.csr_array]:
        by_item = np.argsort(interactions.item, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(interactions.item, minlength=interactions.items + 1)))
        offsets = interactions.offsets
        for sources in source_blocks(np.diff(starts), maximum=BATCH_ROWS):
            counts: Any = sp.csr_array((len(sources), interactions.items + 1), dtype=np.float64)
            for first in range(starts[sources.start], starts[sources.stop], BATCH_ROWS):
                rows = by_item[first : min(first + BATCH_ROWS, starts[sources.stop])]
                pairs = self._pairs(interactions, offsets, rows)
                begins = np.searchsorted(interactions.item[rows], np.append(sources, sources.stop))
                source_rows = sp.csr_array((np.ones(len(rows)), np.arange(len(rows)), begins))
                counts = counts + source_rows @ pairs
            yield self._divided(counts, np.arange(sources.start, sources.stop), sums=counts.sum(axis=1))

    def _divided(self, counts: sp.csr_array, sources: Ints, *, sums: npt.NDArray[np.float64]) -> sp.csr_array:
        """Divide rows of C by a power of the sums, in place."""
        scale = np.where(sums > 0, np.maximum(sums, 1e-30) ** -self.source_power, 0.0)
        counts.data *= np.repeat(scale, np.diff(counts.indptr))
        if not self.repeats:
            counts.data[counts.indices == np.repeat(sources, np.diff(counts.indptr))] = 0.0
        return counts

    def _pairs(self, interactions: Interactions, offsets: Ints, rows: Ints) -> sp.csr_array:
        """Return the decayed weights of each interaction's pairs by target item, float64 `(len(rows), items + 1)`.

        `rows` are the indices of the source interactions. Each pair has the event weight of its later interaction.
        """
        gaps = np.arange(1, self.max_gap + 1)
        steps = np.append(gaps, -gaps) if self.backward else gaps
        decay = self.gap_decay ** (np.abs(steps) - 1.0) * np.where(steps > 0, 1.0, self.backward)
        user, places = interactions.user[rows], rows[:, None] + steps
        inside = (places >= offsets[user, None]) & (places < offsets[user + 1, None])
        later = np.maximum(places, rows[:, None])[inside]
        values = np.broadcast_to(decay, places.shape)[inside] * interactions.weight[later]
        ends = np.append(0, np.cumsum(inside.sum(axis=1)))
        shape = (len(rows), interactions.items + 1)
        return sp.csr_array((values, interactions.item[places[inside]], ends), shape=shape)
