"""Demand: what users had again of their own items within the last days, beside what their pasts let expect."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from alsolike.bundle import MS_PER_DAY
from model_export.interactions import Floats, Interactions, Ints, distinct

PRIOR = 10.0
"""Users that the mean over all items stands for."""

DEMAND_HALF_LIFE_DAYS = 120.0
"""What demand expects of a user's past does not depend on how a history is read later."""


def demand(interactions: Interactions, *, days: float) -> Floats:
    """Return how often each item was had again beside what users' pasts let expect, `(items + 1,)`."""
    if not len(interactions):
        return np.ones(interactions.items + 1, np.float32)
    columns, late = interactions.items + 1, late_ones(interactions, days=days)
    key, past_ms = pairs(interactions), interactions.time_ms[~late]
    age_days = (past_ms.max() - past_ms) / MS_PER_DAY
    weights = interactions.weight[~late] * np.exp2(-age_days / DEMAND_HALF_LIFE_DAYS)
    before, within = key[~late], distinct(key[late])
    order = np.argsort(before, kind="stable")
    before = before[order]
    first = np.flatnonzero(np.diff(before, prepend=-1))
    own = np.add.reduceat(weights[order], first)  # (pairs,)
    user, item = np.divmod(before[first], columns)
    again = np.isin(before[first], within, assume_unique=True).astype(np.float64)
    bought, total = (np.bincount(user, weights=values, minlength=interactions.users) for values in (again, own))
    expected = np.bincount(item, weights=bought[user] * own / total[user], minlength=columns)
    observed = np.bincount(item, weights=again, minlength=columns)
    demand: Floats = ((observed + PRIOR) / (expected + PRIOR)).astype(np.float32)
    return demand


def late_ones(interactions: Interactions, *, days: float) -> npt.NDArray[np.bool_]:
    """Return which interactions lie within the last days, or in the later half of the data's time."""
    time_ms = interactions.time_ms
    if not len(time_ms):
        return np.zeros(0, np.bool_)
    window_ms = min(days * MS_PER_DAY, int(time_ms.max() - time_ms.min()) / 2)
    late: npt.NDArray[np.bool_] = time_ms > time_ms.max() - window_ms
    return late


def pairs(interactions: Interactions) -> Ints:
    """Return a number for each interaction's user and item."""
    return interactions.user.astype(np.int64) * (interactions.items + 1) + interactions.item
