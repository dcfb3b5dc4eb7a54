"""Content: items with similar properties to the items of the history, independent of other users.

sim(i, j) is the cosine of the items' TF-IDF vectors (`model_export.data.item_content`). The model keeps the nearest
items of each item. Unlike counts of interactions, it scores items without interactions. Frequent tokens carry little
information and cost the square of their number of items, so only the rarest tokens are used, up to `max_pairs`.

References
----------
P. Lops, M. de Gemmis, G. Semeraro, "Content-based recommender systems: state of the art and trends", Recommender
Systems Handbook 2011, section 3.3.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, Self

import scipy.sparse as sp

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.api import Algorithm
from model_export.data.interactions import Interactions
from model_export.data.item_content import MAX_PAIRS, alike


@dataclasses.dataclass(frozen=True, kw_only=True)
class Content(Algorithm):
    """Settings of the algorithm `content`.

    Attributes
    ----------
    targets
        Number of nearest items per item.
    max_pairs
        Maximum number of pairs of items with a common token, summed over tokens, rarest tokens first.
    """

    name: ClassVar[str] = "content"
    position_decay: float = 0.6
    targets: int = 50
    max_pairs: int = MAX_PAIRS

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        table = alike(interactions, maximum=self.targets, max_pairs=self.max_pairs)
        rows = ItemRows.from_blocks([sp.csr_array(table[1:])], items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)
