"""Item-kNN: nearest items by co-occurrence in sessions.

sim(i, j) = n_ij / (n_i^(1 - a) * n_j^a + shrink). n_i is the number of sessions with item i, and n_ij the number of
sessions with both items. The model keeps the nearest items of each item. If a is 1/2 and `shrink` is 0, sim is the
cosine. `shrink` lowers the rank of pairs that co-occur by chance.

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

BATCH_ROWS = 1 << 16
"""Maximum number of pairs of item and session per block of source items, which limits memory. A single item may have
more.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemKnn(Algorithm):
    """Settings of the algorithm `item_knn`.

    Attributes
    ----------
    target_power
        Exponent a of the target's frequency. A higher value lowers the scores of frequent targets.
    shrink
        Shrinkage, as a number of sessions.
    session
        Maximum length of a session. Longer histories are split.
    targets
        Number of targets per item.
    """

    name: ClassVar[str] = "item_knn"
    position_decay: float = 0.6
    target_power: float = 0.5
    shrink: float = 10.0
    session: int = 50
    targets: int = 100

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 1.0))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        rows = ItemRows.from_blocks(self._blocks(interactions), items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)

    def fit_from_statistics(self, statistics: Statistics) -> ItemRowsModel:
        statistics.require(self.name, maximum=self.targets, session=self.session)
        sources = np.arange(1, statistics.items + 1)
        table = self._normalised(sp.csr_array(statistics.gram[1:]), sources, counts=statistics.sessions)
        rows = ItemRows.from_blocks([table], items=statistics.items, n=self.targets)
        return ItemRowsModel(settings=self, items=statistics.items, rows=rows)

    def _blocks(self, interactions: Interactions) -> Iterator[sp.csr_array]:
        together = interactions.sessions(maximum=self.session)
        items_sessions = sp.csr_array(together.T)
        counts = np.diff(items_sessions.indptr)
        for sources in source_blocks(np.diff(items_sessions.indptr), maximum=BATCH_ROWS):
            similar = sp.csr_array(items_sessions[sources.start : sources.stop] @ together)
            yield self._normalised(similar, np.arange(sources.start, sources.stop), counts=counts)

    def _normalised(self, together: sp.csr_array, sources: Ints, *, counts: npt.NDArray[Any]) -> sp.csr_array:
        """Convert rows of n_ij to rows of sim in place. The similarity of an item to itself is 0."""
        n = counts.astype(np.float32)
        source = np.repeat(sources, np.diff(together.indptr))
        source_norm, target_norm = n ** (1.0 - self.target_power), n**self.target_power
        together.data /= source_norm[source] * target_norm[together.indices] + self.shrink
        together.data[together.indices == source] = 0.0
        return together
