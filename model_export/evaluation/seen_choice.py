"""Selection of the items in a user's history that are not recommended again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Interactions, Ints
from model_export.evaluation.ranking import Seen

MIN_REPEAT_SHARE = 0.1
"""Minimum share of repeats for which items of the history may be recommended again."""


def choose_seen(*, repeat_share: float, repurchase_share: float | None) -> Seen:
    """Return the treatment of items in the history.

    If users repeat views but not purchases, only purchased items are masked. `repeat_share` is the share of the
    validation's targets that are in the history.
    """
    if repeat_share < MIN_REPEAT_SHARE:
        return "masked"
    if repurchase_share is None or repurchase_share >= MIN_REPEAT_SHARE:
        return "allowed"
    return "masked if bought"


def repurchase_share(interactions: Interactions) -> float | None:
    """Return the share of repeat purchases among the purchases after each user's first order.

    An order is all purchases of a user at the same time. Return None if there are no purchases.
    """
    bought = interactions.select(interactions.purchases())
    if not len(bought):
        return None
    is_later = bought.time_ms > _first_ms(bought.user, bought.time_ms)
    pair = bought.user.astype(np.int64) * (bought.items + 1) + bought.item
    is_repeat = bought.time_ms > _first_ms(pair, bought.time_ms)
    return float(is_repeat.sum() / max(1, is_later.sum()))


def _first_ms(groups: npt.NDArray[np.int32] | Ints, time_ms: Ints) -> Ints:
    """Return the earliest time of each row's group, one value per row."""
    _, place = np.unique(groups, return_inverse=True)
    first_ms = np.full(int(place.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_ms, place, time_ms)
    return first_ms[place]
