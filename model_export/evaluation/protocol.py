"""Selection of the split for validation and test, and of the seen items that are not recommended again."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import numpy.typing as npt

from alsolike.runtime.errors import InvalidDataset, InvalidInput
from alsolike.training.dataset import MIN_TEST_USERS
from model_export.data.interactions import Interactions, Ints
from model_export.data.statistics import Counts
from model_export.evaluation import splits
from model_export.evaluation.ranking import Seen, with_open_targets


def split_for(interactions: Interactions, *, holdout_days: float | None) -> splits.Split:
    """Hold out the last days, or each user's last interactions if too few users were active on these days.

    For models that are fitted from counts, hold out the windows of the counts.
    """
    if interactions.counts is not None:
        return _counted_split(interactions, interactions.counts, holdout_days=holdout_days)
    holdout_ms = splits.holdout_ms(interactions, days=holdout_days)
    split = splits.temporal(interactions, holdout_ms=holdout_ms)
    if _minimum_queries(split) >= MIN_TEST_USERS:
        return split
    split = splits.leave_one_out(interactions)
    if (queries := _minimum_queries(split)) < MIN_TEST_USERS:
        raise InvalidDataset(
            f"{queries} users have 3 interactions or more; comparing algorithms needs at least {MIN_TEST_USERS}, "
            f"{MIN_TEST_USERS - queries} more"
        )
    return split


def split_after(split: splits.Split, interactions: Interactions, *, trained_until_ms: int) -> splits.Split:
    """Return the split, with a test that begins no earlier than the end of a model's training data.

    A temporal test replaces the test of the protocol leave-one-out.
    """
    if split.selected_until_ms and trained_until_ms <= split.selected_until_ms:
        return split
    last_ms = int(interactions.time_ms.max())
    test = splits.window(interactions, learned_ms=trained_until_ms, after_ms=trained_until_ms, until_ms=last_ms)
    if (queries := len(test.queries)) < MIN_TEST_USERS:
        earlier = f"Train it with interactions up to {_minute(split.selected_until_ms)}, or import"
        raise InvalidDataset(
            f"the imported graph is trained until {_minute(trained_until_ms)}, and {queries} users have interactions "
            f"before and after that, expected at least {MIN_TEST_USERS}. "
            f"{earlier if split.selected_until_ms else 'Import'} it later"
        )
    return dataclasses.replace(
        split, protocol="temporal", test=test, selected_until_ms=trained_until_ms, tested_until_ms=last_ms
    )


def _minute(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC):%Y-%m-%d %H:%M} UTC"


def _counted_split(interactions: Interactions, counts: Counts, *, holdout_days: float | None) -> splits.Split:
    if holdout_days is not None:
        raise InvalidInput(f"holdout_days is {holdout_days:g}, expected none where models are fitted from statistics")
    split = splits.counted(interactions, counts)
    if (queries := _minimum_queries(split)) < MIN_TEST_USERS:
        raise InvalidDataset(
            f"{queries} of {interactions.users} sampled users have interactions in an evaluation window, expected at "
            f"least {MIN_TEST_USERS}. Raise spark_sample_interactions or turn spark_statistics off"
        )
    return split


def _minimum_queries(split: splits.Split) -> int:
    return min(len(split.validation.queries), len(split.test.queries))


def require_targets(split: splits.Split, seen: Seen) -> None:
    """Raise `InvalidDataset` if too few validation users have a target that may be recommended."""
    queries = len(with_open_targets(split.validation.queries, seen))
    if queries < MIN_TEST_USERS:
        left_out = "bought" if seen == "masked if bought" else "seen"
        raise InvalidDataset(
            f"{queries} users have an item in the validation part that is new to them; comparing algorithms without "
            f"{left_out} items needs at least {MIN_TEST_USERS}, {MIN_TEST_USERS - queries} more"
        )


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
