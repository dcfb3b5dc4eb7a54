"""Baskets: a user's purchases that follow each other closely."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from model_export.data.interactions import Interactions, Ints, distinct

PURCHASE = "purchase"

MOST_GAP_MS = 30 * 60_000
"""Longest time between a purchase and the next one of the same basket; web analytics end a session after as long."""

MOST_ITEMS = 100
"""Items of a basket that are counted with each other. A larger one, a wholesaler's order, is dealt into several, so
that it has no more than that many pairs an item."""


def purchases(interactions: Interactions, event_weights: Mapping[str, float]) -> Interactions:
    """Return the interactions that weigh what a purchase weighs, or the heaviest type where no type is called so."""
    weight = event_weights.get(PURCHASE, max(event_weights.values(), default=0.0))
    return interactions.select(interactions.weight == np.float32(weight))


def basket_numbers(bought: Interactions) -> Ints:
    """Return the basket of each purchase, numbered from 0 on in their order, int64 `(n,)`."""
    another_user = np.diff(bought.user, prepend=-1) != 0
    later = np.diff(bought.time_ms, prepend=0) > MOST_GAP_MS
    return np.cumsum(another_user | later) - 1


def basket_items(bought: Interactions, *, seed: int) -> sp.csr_array:
    """Return which items each basket has, float32 0 or 1, `(baskets, items + 1)`; large ones are several rows.

    Parameters
    ----------
    seed
        Of the order in which the items of a large basket are dealt.
    """
    baskets, items = np.divmod(
        distinct(basket_numbers(bought) * (bought.items + 1) + bought.item), bought.items + 1
    )  # fmt: skip
    sizes = np.bincount(baskets)
    pieces = -(-sizes // MOST_ITEMS)
    first = np.cumsum(pieces) - pieces
    row = first[baskets]
    if (large := pieces[baskets] > 1).any():
        shuffled = np.flatnonzero(large)[np.random.default_rng(seed).permutation(int(large.sum()))]
        shuffled = shuffled[np.argsort(baskets[shuffled], kind="stable")]
        starts = np.searchsorted(baskets[shuffled], baskets[shuffled])
        row[shuffled] += (np.arange(len(shuffled)) - starts) % pieces[baskets[shuffled]]
    ones = np.ones(len(items), np.float32)
    return sp.csr_array((ones, (row, items)), shape=(int(pieces.sum()), bought.items + 1))
