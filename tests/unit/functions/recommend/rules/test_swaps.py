"""Pairs of neighbouring items in random order."""

import random
from collections import Counter

import pytest

from functions.recommend.rules.swaps import in_random_pairs
from functions.recommend.scored_item import ScoredItem

RANKED = [ScoredItem(position, 1 / position) for position in range(1, 7)]
SWAPPED = {"recommenders": {"for-you": {"swaps": 1}}}


def test_items_of_a_pair_have_equal_chances_at_both_positions():
    lists = Counter(
        tuple(item.position for item in in_random_pairs(RANKED[:3], random=random.Random(seed)))
        for seed in range(4_000)
    )

    # Each start and each order has a probability of 1/2. The order (1, 2, 3) is possible with both starts.
    expected = {(1, 2, 3): 0.5, (2, 1, 3): 0.25, (1, 3, 2): 0.25}
    assert {order: count / 4_000 for order, count in lists.items()} == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("seed", range(20))
def test_pair_positions_keep_their_scores_and_have_propensities(seed):
    paired = in_random_pairs(RANKED, random=random.Random(seed))

    assert [item.score for item in paired] == [item.score for item in RANKED]
    begins_at_second = paired[0].propensity is None
    assert [item.propensity for item in paired] == (
        [None, 0.5, 1.0, 0.5, 1.0, None] if begins_at_second else [0.5, 1.0] * 3
    )
    assert [item.origin for item in paired] == ["ranked" if item.propensity is None else "paired" for item in paired]


@pytest.mark.parametrize("other", [{"origin": "pinned"}, {"origin": "filled"}, {"propensity": 0.9}])
@pytest.mark.parametrize("seed", range(10))
def test_items_of_rules_keep_their_positions(seed, other):
    items = [RANKED[0], RANKED[1]._replace(**other), RANKED[2]]

    assert in_random_pairs(items, random=random.Random(seed)) == items


def test_configured_share_of_responses_has_swapped_pairs(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    assert shop.items(numResults=2) == ["fig", "plum"]

    shop.configure(**SWAPPED)

    lists = Counter(tuple(shop.items(numResults=2)) for _ in range(60))
    assert set(lists) == {("fig", "plum"), ("plum", "fig")}
