"""Selection between excluding seen items, excluding bought items, and excluding no items."""

import dataclasses

import numpy as np
import pytest

from model_export.algorithms.buy_again import BuyAgain
from model_export.data.features import Feature
from model_export.evaluation import splits
from model_export.evaluation.paired_comparison import wanted_of
from model_export.evaluation.protocol import choose_seen, repurchase_share
from model_export.evaluation.ranking import evaluate
from tests.unit.model_export.shops import interactions

VIEW, PURCHASE = 2, 1
NAMES = ("purchase", "view")


def shop(*users, step_ms=1000):
    """Return interactions of users, each given as a string: `1v 1p` is a view of item 1 and then its purchase."""
    words = [user.split() for user in users]
    data = interactions([[int(word[:-1]) for word in user] for user in words], step_ms=step_ms, items=9)
    codes = [PURCHASE if word.endswith("p") else VIEW for user in words for word in user]
    return dataclasses.replace(data, features={"event_type": Feature(NAMES, np.array(codes, np.uint8))})


@pytest.mark.parametrize(
    ("users", "share"),
    [
        (["1v 1v 2v"], None),  # There are no purchases.
        (["1p", "2p"], 0.0),  # Each user has one order.
        (["1v 1p 1v 2v 2p 3p"], 0.0),  # The items were viewed again, but bought once.
        (["1p 1p 2p"], 1 / 2),
        (["1p 2p 1p 2p", "3p 4p 3v"], 2 / 4),
        (["1p 1v 1v 1p"], 1 / 1),
    ],
)
def test_repurchase_share_counts_purchases_after_the_first_order(users, share):
    assert repurchase_share(shop(*users)) == share


def test_purchases_at_one_time_are_one_order():
    assert repurchase_share(shop("1p 1p 2p", step_ms=0)) == 0.0


def test_data_without_event_types_have_no_repurchase_share():
    assert repurchase_share(interactions([[1, 1, 2]])) is None


@pytest.mark.parametrize(
    ("repeat_share", "repurchases", "seen"),
    [
        (0.05, None, "masked"),
        (0.05, 0.5, "masked"),
        (0.5, None, "allowed"),
        (0.5, 0.1, "allowed"),
        (0.5, 0.09, "masked if bought"),
        (0.1, 0.0, "masked if bought"),
    ],
)
def test_repeat_and_repurchase_shares_choose_the_exclusion(repeat_share, repurchases, seen):
    assert choose_seen(repeat_share=repeat_share, repurchase_share=repurchases) == seen


def test_bought_items_are_not_recommended_and_not_targets():
    test = splits.leave_one_out(shop("1v 2p 3v 1v", "1v 2p 3v 2v")).test

    assert [targets.tolist() for targets in wanted_of(test.queries, "masked if bought")] == [[1], []]
    quality = evaluate(BuyAgain().fit(test.fit), test.queries, k=1, seen=["masked if bought", "allowed", "masked"])
    assert {seen: found.queries for seen, found in quality.items()} == {
        "masked if bought": 1, "allowed": 2, "masked": 0,
    }  # fmt: skip
    assert quality["allowed"].coverage > quality["masked"].coverage == 0
