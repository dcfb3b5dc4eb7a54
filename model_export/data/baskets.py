"""Baskets: successive purchases of a user, each at most `MAX_GAP_MS` after the previous one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from model_export.data.interactions import Interactions, Ints, distinct

PURCHASE = "purchase"

MAX_GAP_MS = 30 * 60_000
"""Maximum time between successive purchases of a basket in ms. It equals the usual timeout of sessions in web
analytics.
"""

MAX_ITEMS = 100
"""Maximum number of items per basket. Larger baskets, such as orders of wholesalers, are split at random to limit the
number of pairs per item.
"""


def purchases(interactions: Interactions, event_weights: Mapping[str, float]) -> Interactions:
    """Return the interactions with the weight of a purchase, or with the highest weight if there is no type
    `purchase`.
    """
    weight = event_weights.get(PURCHASE, max(event_weights.values(), default=0.0))
    return interactions.select(interactions.weight == np.float32(weight))


def basket_numbers(bought: Interactions) -> Ints:
    """Return the index of each purchase's basket, ascending from 0, int64 `(n,)`."""
    another_user = np.diff(bought.user, prepend=-1) != 0
    later = np.diff(bought.time_ms, prepend=0) > MAX_GAP_MS
    return np.cumsum(another_user | later) - 1


def basket_items(bought: Interactions, *, seed: int) -> sp.csr_array:
    """Return a matrix with 1 for each item of a basket, float32 `(baskets, items + 1)`.

    Large baskets have several rows, split at random.
    """
    baskets, items = np.divmod(
        distinct(basket_numbers(bought) * (bought.items + 1) + bought.item), bought.items + 1
    )  # fmt: skip
    sizes = np.bincount(baskets)
    pieces = -(-sizes // MAX_ITEMS)
    first = np.cumsum(pieces) - pieces
    row = first[baskets]
    if (large := pieces[baskets] > 1).any():
        shuffled = np.flatnonzero(large)[np.random.default_rng(seed).permutation(int(large.sum()))]
        shuffled = shuffled[np.argsort(baskets[shuffled], kind="stable")]
        starts = np.searchsorted(baskets[shuffled], baskets[shuffled])
        row[shuffled] += (np.arange(len(shuffled)) - starts) % pieces[baskets[shuffled]]
    ones = np.ones(len(items), np.float32)
    return sp.csr_array((ones, (row, items)), shape=(int(pieces.sum()), bought.items + 1))
