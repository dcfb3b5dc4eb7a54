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
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from model_export.algorithm import Algorithm
from model_export.interactions import Interactions
from model_export.item_rows import ItemRows, ItemRowsModel


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

    def alternatives(self) -> Sequence[Self]:
        """Return short to long memories of the history."""
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 1.0))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        """Count who goes with whom."""
        together = interactions.sessions(most=self.session)
        counts = together.sum(axis=0)
        similar = sp.csr_array(together.T @ together)
        source_norm = counts ** (1.0 - self.target_power)
        target_norm = counts**self.target_power
        similar.data /= np.repeat(source_norm, np.diff(similar.indptr)) * target_norm[similar.indices] + self.shrink
        similar.setdiag(0.0)
        rows = ItemRows.of_every_item(similar, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)
