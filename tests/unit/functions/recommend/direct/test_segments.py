"""Scores of users for the lines of a segment job."""

import json

import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from functions.recommend.direct.segments import interactions_per_day
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import invoke


@pytest.fixture
def known(shop):
    """Return a shop in which figs and plums follow pears. Anna viewed a pear, and Kim a kiwi."""
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.remember("u#kim", "kiwi")
    return shop


def scores_of(shop, *lines, users=("anna",), **fields):
    """Return the scores of each user, by line number as a string."""
    shop.put("batch/r/segments.json", json.dumps(lines).encode())
    given = {"users": users, "recommender": "segments", "segments": {"key": "batch/r/segments.json"}, **fields}
    return [{item["itemId"]: item["score"] for item in row["itemList"]} for row in invoke(batch=given)["results"]]


def test_score_is_the_sum_over_the_items_of_the_line(known):
    known.configure(
        items={"columns": {"TITLE": "string"}}, filters={"figs": 'INCLUDE ItemID WHERE Items.TITLE = "Fig"'}
    )
    known.catalogue({"fig": {"title": "Fig"}, "plum": {"title": "Plum"}})

    (scores,) = scores_of(
        known, {"itemId": "fig"}, {"itemId": "plum"}, {"itemAttributes": 'ITEMS.TITLE IN ("Fig", "Plum")'},
        {"filter": "figs"}, {"itemId": "unknown"}, numResults=1_000_000,
    )  # fmt: skip

    assert scores["0"] > scores["1"] > 0
    assert scores["2"] == pytest.approx(scores["0"] + scores["1"])
    assert scores["3"] == scores["0"]
    assert "4" not in scores


def test_users_without_interactions_and_erased_users_have_no_score(known):
    known.remember("u#gone", "pear")
    ProfileStore(known.dynamodb, known.profiles_table).erase("u#gone", now_ms=NOW_MS)

    anna, stranger, gone = scores_of(known, {"itemId": "fig"}, users=("anna", "stranger", "gone"))

    assert anna["0"] > 0
    assert stranger == gone == {}


def test_list_attribute_matches_a_text_with_equality(known):
    known.configure(items={"columns": {"TAGS": "list"}})
    known.catalogue({"fig": {"tags": ["sweet", "soft"]}, "plum": {"tags": ["sweet"]}})

    (scores,) = scores_of(
        known, {"itemId": "fig"}, {"itemAttributes": 'ITEMS.TAGS = "sweet" AND ITEMS.TAGS = "soft"'}
    )  # fmt: skip

    assert scores["1"] == scores["0"]


def test_frequent_shopper_scores_above_a_rare_one_with_equal_taste(known):
    for number in range(1, 5):
        known.remember("u#often", "pear", before_ms=number * DAY_MS)
    known.remember("u#rare", "pear", before_ms=60 * DAY_MS)

    often, rare = scores_of(known, {"itemId": "fig"}, users=("often", "rare"))

    assert often["0"] > 4 * rare["0"]


@pytest.mark.parametrize(("days", "per_day"), [((30, 20, 10), 3 / 30), ((0,), 1 / 7), ((7,), 1 / 7), ((400,), 1 / 400)])
def test_frequency_is_counted_over_at_least_a_week(days, per_day):
    recent = [RecentInteraction(NOW_MS - day * DAY_MS, str(day), "pear", "view") for day in days]

    assert interactions_per_day(recent, now_ms=NOW_MS) == pytest.approx(per_day)


def test_items_of_a_personal_filter_are_selected_per_user(known):
    known.remember("u#bert", "pear")
    known.remember("u#bert", "fig", "purchase")
    known.configure(filters={"new": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")'})

    anna, bert = scores_of(known, {"filter": "new"}, {"itemId": "fig"}, users=("anna", "bert"))

    assert anna["0"] > anna["1"] > 0
    assert bert["0"] < anna["0"]


def test_users_of_an_experiment_are_scored_by_the_champion(known):
    (expected,) = scores_of(known, {"itemId": "fig"})
    arms = {"control": {"share": 0.01}, "new": {"share": 0.99, "recommender": "popular"}}
    known.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})

    assert scores_of(known, {"itemId": "fig"}) == [pytest.approx(expected)]


@pytest.mark.parametrize(
    ("lines", "fields", "error", "problem"),
    [
        (({"filter": "rare"},), {}, NotFound, "line 1.filter is 'rare', expected a filter"),
        (({"itemAttributes": "Items.SIZE > 3"},), {}, InvalidInput, "line 1: Items.SIZE is not declared"),
        (({"itemId": ""},), {}, InvalidInput, "line 1.itemId"),
        ((), {}, InvalidInput, r"the lines of the segment job are \[\], expected a JSON list"),
        (({"itemId": "fig"},), {"segments": None}, InvalidInput, "expected batch.segments and no filter"),
        (({"itemId": "fig"},), {"filter": "rare"}, InvalidInput, "expected batch.segments and no filter"),
    ],
)
def test_invalid_lines_fail_the_whole_batch(known, lines, fields, error, problem):
    with pytest.raises(error, match=problem):
        scores_of(known, *lines, **fields)


def test_segments_without_a_model_are_retried(shop):
    with pytest.raises(Unavailable, match="no-model"):
        scores_of(shop, {"itemId": "fig"})
