"""Boosts, which find the best boosted scores among all items, and pairs of neighbouring items in random order."""

import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.profiles.profile import RecentInteraction
from alsolike.snapshot.snapshot import EMPTY
from functions.recommend.ranking.for_you import boosted, factor_groups, rank
from functions.recommend.ranking.inputs import Boost
from functions.recommend.rules import apply
from functions.recommend.rules.swaps import in_random_pairs
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Budget, Model
from tests.builders.bundles import write_bundle
from tests.builders.lambda_events import NOW_MS

ITEMS = [f"i{number}" for number in range(40)]
INF = np.float32(np.inf)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a model in which item n has the score 40 - n after i0."""
    directory: Path = tmp_path_factory.mktemp("bundle") / "v1"
    scores = {("i0", item_id): float(40 - number) for number, item_id in enumerate(ITEMS) if number}
    write_bundle(directory, item_ids=ITEMS, transitions=scores, popular=ITEMS[:3])
    return Model(directory)


def passing(*numbers):
    """Return a mask that excludes all items except the given ones. Item n has the position n + 1."""
    bias = np.full(len(ITEMS) + 1, -INF, np.float32)
    bias[[number + 1 for number in numbers]] = 0
    return bias


def test_factor_groups_split_items_by_the_product_of_their_factors():
    allowed = passing(0, 1, 2, 3)

    parts = factor_groups([Boost(2.0, passing(1, 2, 9)), Boost(2.0, passing(2, 3))], allowed=allowed)

    assert sorted(np.flatnonzero(part == 0).tolist() for part in parts) == [[1], [2, 4], [3]]


@settings(max_examples=25, deadline=None)
@given(
    filters=st.lists(
        st.tuples(st.lists(st.integers(1, 39), unique=True, max_size=15), st.sampled_from([0.1, 0.5, 2.0, 3.0, 30.0])),
        min_size=1,
        max_size=4,
    ),
    k=st.integers(1, 8),
)
def test_boosted_list_has_the_best_boosted_scores_of_all_items(model, filters, k):
    catalogue = ModelCatalogue(EMPTY, model, DEFAULT)
    recent = [RecentInteraction(NOW_MS, "e", "i0", "view")]
    factor = {number: math.prod(by for members, by in filters if number in members) for number in range(1, 40)}
    parts = factor_groups([Boost(by, passing(*members)) for members, by in filters], allowed=catalogue.neutral())

    found = rank(model, catalogue, model.history(recent, catalogue.positions(["i0"])), parts, k=k, now_ms=NOW_MS)

    scores = sorted((boosted(item.score, factor[item.position - 1]) for item in found), reverse=True)
    best = sorted((factor[number] * (40 - number) for number in range(1, 40)), reverse=True)
    assert scores[:k] == pytest.approx(best[:k])


@pytest.mark.parametrize(("score", "factor", "expected"), [(2.0, 3.0, 6.0), (-2.0, 4.0, -0.5), (0.0, 9.0, 0.0)])
def test_boost_raises_negative_scores_too(score, factor, expected):
    assert boosted(score, factor) == expected


def boosted_shop(shop):
    """Return a shop that boosts the plum, which the model ranks second, by a factor of 30."""
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.catalogue({"plum": {"price": 2}})
    shop.configure(
        items={"columns": {"price": "number"}},
        filters={"priced": "INCLUDE ItemID WHERE Items.PRICE > 0"},
        rules={"r": {"boosts": [{"filter": "priced", "factor": 30}]}},
        recommenders={"for-you": {"rules": "r"}},
    )
    return shop


def test_boosted_item_outside_the_candidate_pool_is_found(shop, monkeypatch):
    monkeypatch.setattr(apply, "MIN_POOL", 1)
    monkeypatch.setattr(apply, "CANDIDATES_A_PLACE", 1)

    found, headers = boosted_shop(shop).ask(numResults=1)

    assert [(item["itemId"], item["score"]) for item in found] == [("plum", 30.0)]
    assert "x-alsolike-rules-unmet" not in headers


def test_boosts_are_limited_to_the_pool_if_the_model_is_slow(shop, monkeypatch):
    monkeypatch.setattr(Model, "expected_ms", lambda self, *, with_bias: 60.0 if with_bias else 0.0)
    monkeypatch.setattr(apply, "MIN_POOL", 1)
    monkeypatch.setattr(apply, "CANDIDATES_A_PLACE", 1)
    monkeypatch.setattr(Budget, "allows", lambda self, expected_ms: expected_ms < 100)

    found, headers = boosted_shop(shop).ask(numResults=1)

    assert [item["itemId"] for item in found] == ["fig"]
    assert headers["x-alsolike-rules-unmet"] == "boost:priced partly"


RANKED = [ScoredItem(position, 1 / position) for position in range(1, 7)]
SWAPPED = {"recommenders": {"for-you": {"swaps": 1}}}


def test_items_of_a_pair_have_equal_chances_at_both_positions():
    lists = Counter(
        tuple(item.position for item in in_random_pairs(RANKED[:3], random=random.Random(seed)))
        for seed in range(4_000)
    )

    # Pairs start at the first or second item, and each pair is swapped or not, all with probability 1/2. Both starts
    # can give (1, 2, 3).
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
