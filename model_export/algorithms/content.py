"""Content: the items whose columns say the same as those of the history, whoever had them.

sim(i, j) is the cosine of the items' TF-IDF vectors (`model_export.item_content`); the nearest of each item are kept.
It is the one algorithm here that knows items without interactions. Tokens that very many items have cost the square of
their number and say little: the rarest take part, as many as `max_pairs` allows.

References
----------
P. Lops, M. de Gemmis, G. Semeraro, "Content-based recommender systems: state of the art and trends", Recommender
Systems Handbook 2011, section 3.3.1.
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

ITEMS_AT_ONCE = 2048


@dataclasses.dataclass(frozen=True, kw_only=True)
class Content(Algorithm):
    """Settings.

    Attributes
    ----------
    targets
        Nearest items kept an item.
    max_pairs
        Pairs of items with a token in common, summed over tokens, up to which tokens take part, rarest first.
    """

    name: ClassVar[str] = "content"
    position_decay: float = 0.6
    targets: int = 50
    max_pairs: int = 2_000_000_000

    def alternatives(self) -> Sequence[Self]:
        """Return short to long memories of the history."""
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9))

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        """Find each item's nearest."""
        known: Any = interactions.content
        if known is None:
            known = sp.csr_array((interactions.items + 1, 0), dtype=np.float32)
        vectors = _rarest(known, self.max_pairs)
        tokens_items = sp.csr_array(vectors.T)
        pieces = []
        for first in range(0, vectors.shape[0], ITEMS_AT_ONCE):
            similar = sp.csr_array(vectors[first : first + ITEMS_AT_ONCE] @ tokens_items)
            row = np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))
            similar.data[similar.indices == row + first] = 0.0  # nothing leads to itself
            pieces.append(_strongest(similar, self.targets))
        rows = ItemRows.of_every_item(sp.csr_array(sp.vstack(pieces)), n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)


def _rarest(vectors: sp.csr_array, max_pairs: int) -> sp.csr_array:
    """Leave out the most frequent tokens, so that the others make at most `max_pairs`."""
    counts = np.bincount(vectors.indices, minlength=vectors.shape[1]).astype(np.int64)
    order = np.argsort(counts, kind="stable")
    kept = order[np.cumsum(counts[order] ** 2) <= max_pairs]
    return vectors if len(kept) == len(counts) else sp.csr_array(vectors[:, np.sort(kept)])


def _strongest(table: sp.csr_array, n: int) -> sp.csr_array:
    """Leave out what is below the n-th largest value of its row."""
    lowest = np.zeros(table.shape[0], np.float32)
    for row in np.flatnonzero(np.diff(table.indptr) > n):
        values = table.data[table.indptr[row] : table.indptr[row + 1]]
        lowest[row] = np.partition(values, len(values) - n)[len(values) - n]
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    kept = table.data >= np.maximum(lowest[rows], np.float32(1e-6))
    return sp.csr_array((table.data[kept], (rows[kept], table.indices[kept])), shape=table.shape)
