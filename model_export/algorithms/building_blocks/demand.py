"""Demand: recent repeat purchases relative to the number expected from the users' histories."""

from __future__ import annotations

import numpy as np

from alsolike.declarations.times import DAY_MS
from model_export.data.interactions import Floats, Interactions, Ints, distinct

PRIOR = 10.0
"""Smoothing of an item's rate or ratio: number of additional observations with the mean of all items."""

BATCH_INTERACTIONS = 4_000_000
"""Maximum number of interactions per chunk of users, unless a single user has more. A single chunk of 100,000,000
interactions would take 13 GB.
"""

DEMAND_HALF_LIFE_DAYS = 120.0
"""Half-life of past interactions in the expected number, in days. It is independent of the half-life of histories."""


def demand(interactions: Interactions, *, days: float) -> Floats:
    """Return the smoothed ratio of observed to expected repeat purchases per item, float32 `(items + 1,)`."""
    if not len(interactions):
        return np.ones(interactions.items + 1, np.float32)
    columns, past_ms = interactions.items + 1, latest_of_past(interactions, days=days)
    observed, expected = np.zeros(columns), np.zeros(columns)
    for part in interactions.by_users(maximum=BATCH_INTERACTIONS):
        late = part.time_ms > past_ms
        key, age_days = pairs(part), (past_ms - part.time_ms[~late]) / DAY_MS
        weights = part.weight[~late] * np.exp2(-age_days / DEMAND_HALF_LIFE_DAYS)
        before, within = key[~late], distinct(key[late])
        if not len(before):
            continue
        order = np.argsort(before, kind="stable")
        before = before[order]
        first = np.flatnonzero(np.diff(before, prepend=-1))
        own = np.add.reduceat(weights[order], first)  # (pairs,)
        user, item = np.divmod(before[first], columns)
        again = np.isin(before[first], within, assume_unique=True).astype(np.float64)
        user -= user[0]
        bought, total = (np.bincount(user, weights=values) for values in (again, own))
        expected += np.bincount(item, weights=bought[user] * own / total[user], minlength=columns)
        observed += np.bincount(item, weights=again, minlength=columns)
    demand: Floats = ((observed + PRIOR) / (expected + PRIOR)).astype(np.float32)
    return demand


def latest_of_past(interactions: Interactions, *, days: float) -> int:
    """Return the time of the latest interaction before the last `days`.

    If these days contain more than half of the interactions, return the median time.
    """
    time_ms = interactions.time_ms
    start_ms = max(time_ms.max() - days * DAY_MS, np.quantile(time_ms, 0.5, method="lower"))
    return int(time_ms.max(where=time_ms <= start_ms, initial=time_ms.min()))


def pairs(interactions: Interactions) -> Ints:
    """Return a number that identifies the user and item of each interaction."""
    return interactions.user.astype(np.int64) * (interactions.items + 1) + interactions.item
