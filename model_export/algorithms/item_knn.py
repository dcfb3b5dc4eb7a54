"""Item-kNN: the items whose customers are most alike.

sim(i, j) = n_ij / (n_i^(1 - a) * n_j^a + shrink), with n_i the sessions that have item i and n_ij those that have
both; the nearest of each item are kept. With a = 1/2 it is the cosine; the shrinkage keeps pairs that met by chance
from the top.

References
----------
B. Sarwar, G. Karypis, J. Konstan, J. Riedl, "Item-based collaborative filtering recommendation algorithms", WWW 2001
(the cosine); F. Aiolli, "Efficient top-n recommendation for very large scale binary rated datasets", RecSys 2013,
equation 6 (the asymmetric cosine).
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

ROWS_AT_ONCE = 1 << 17
"""Interactions whose pairs are in memory at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemKnn(Algorithm):
    """Settings.

    Attributes
    ----------
    target_power
        a: how much a target's own frequency counts against it.
    shrink
        In sessions.
    session
        Longest session; a longer history is several, one after the other.
    targets
        Targets kept an item.
    """

    name: ClassVar[str] = "item_knn"
    position_decay: float = 0.6
    target_power: float = 0.5
    shrink: float = 10.0
    session: int = 50
    targets: int = 100

    def param_grid(self) -> Sequence[Self]:
        """Return short to long memories of the history."""
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 1.0))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        """Count who goes with whom, some sources at a time."""
        rows = ItemRows.of_every_item(self._blocks(interactions), items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)

    def fit_from_statistics(self, statistics: Statistics) -> ItemRowsModel:
        """Read who goes with whom from the Gram matrix."""
        statistics.require(self.name, most=self.targets, session=self.session)
        sources = np.arange(1, statistics.items + 1)
        table = self._normalised(sp.csr_array(statistics.gram[1:]), sources, counts=statistics.sessions)
        rows = ItemRows.of_every_item([table], items=statistics.items, n=self.targets)
        return ItemRowsModel(settings=self, items=statistics.items, rows=rows)

    def _blocks(self, interactions: Interactions) -> Iterator[sp.csr_array]:
        """Yield the rows of the similarities."""
        together = interactions.sessions(most=self.session)
        items_sessions = sp.csr_array(together.T)
        counts = np.diff(items_sessions.indptr)
        for sources in source_blocks(np.diff(items_sessions.indptr), most=ROWS_AT_ONCE):
            similar = sp.csr_array(items_sessions[sources.start : sources.stop] @ together)
            yield self._normalised(similar, np.arange(sources.start, sources.stop), counts=counts)

    def _normalised(self, together: sp.csr_array, sources: Ints, *, counts: npt.NDArray[Any]) -> sp.csr_array:
        """Make rows of similarities of rows of n_ij, in place."""
        n = counts.astype(np.float32)
        source = np.repeat(sources, np.diff(together.indptr))
        source_norm, target_norm = n ** (1.0 - self.target_power), n**self.target_power
        together.data /= source_norm[source] * target_norm[together.indices] + self.shrink
        together.data[together.indices == source] = 0.0
        return together
