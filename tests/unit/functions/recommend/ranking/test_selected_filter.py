"""Filters of the configuration in responses."""

import time
from typing import Any

import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN

COLUMNS = {
    "columns": {"price": "number", "title": "string", "categoryL1": "string", "tags": "list", "launched": "timestamp"}
}
USER_COLUMNS = {"columns": {"age": "number", "likes": "list"}}
FILTERS = {
    "cheap": "INCLUDE ItemID WHERE Items.PRICE < 2",
    "up-to": "INCLUDE ItemID WHERE Items.PRICE <= $PRICE",
    "without": "EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY)",
    "unbought": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
    "cheaper": "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE",
    "alike": "INCLUDE ItemID WHERE Items.TAGS IN CurrentItem.TAGS",
    "sober": "EXCLUDE ItemID WHERE Items.TITLE = \"Wine\" IF CurrentUser.LIKES IN (\"water\")",
    "adults": "EXCLUDE ItemID WHERE Items.TITLE = \"Wine\" AND NOT CurrentUser.AGE >= 18",
    "favourites": "INCLUDE ItemID WHERE Items.TAGS IN CurrentUser.LIKES",
    "affordable": "INCLUDE ItemID WHERE Items.PRICE <= CurrentUser.AGE",
    "not-lately": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") AND '
    'Interactions.TIMESTAMP > NOW - $DAYS DAYS',
    "free": "INCLUDE ItemID WHERE Items.PRICE <= 0",
    "new": "INCLUDE ItemID WHERE Items.LAUNCHED > NOW - 1 DAY",
    "grown-up": "EXCLUDE ItemID WHERE Items.TITLE = \"Wine\" IF CurrentUser.AGE < 18",
}  # fmt: skip
CATALOGUE: dict[str, dict[str, Any]] = {
    "pear": {"price": 1, "categoryL1": "fruit", "tags": "green|soft"},
    "plum": {"price": 2, "title": "Wine", "tags": ["blue"]},
    "fig": {"price": 3, "categoryL1": "fruit", "tags": ["soft"]},
}


@pytest.fixture
def filtered(shop):
    """Return a shop in which Anna viewed a pear. The model ranks fig and plum, and other items fill the list."""
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.catalogue(CATALOGUE)
    shop.configure(items=COLUMNS, users=USER_COLUMNS, filters=FILTERS)
    return shop


def test_filter_is_the_last_part_of_its_arn(filtered):
    assert filtered.items("cheap") == ["pear"]
    assert filtered.items("unbought") == ["fig", "plum", "pear", "kiwi"]


def test_filter_does_not_shorten_the_list(filtered):
    assert filtered.items("up-to", filterValues={"PRICE": "2"}, numResults=1) == ["plum"]


def test_fill_items_pass_the_filter_and_are_counted(filtered):
    """The model ranks fig and plum.

    The filter `cheap` passes neither, and `up-to` with a price of 2 passes the plum.
    """
    _, popular = filtered.ask(filterArn=f"{ARN}:filter/cheap")
    items, filled = filtered.listed(filterArn=f"{ARN}:filter/up-to", filterValues={"PRICE": "2"})

    assert popular["x-alsolike-source"] == "popular"
    assert items == ["plum", "pear"]
    assert (filled["x-alsolike-source"], filled["x-alsolike-filled"]) == ("model", "1")


@pytest.mark.parametrize("user", ["anna", "nobody"])
def test_empty_list_after_a_filter_has_source_none(filtered, user):
    items, headers = filtered.ask(filterArn=f"{ARN}:filter/free", userId=user)

    assert items == []
    assert headers["x-alsolike-source"] == "none"
    assert "x-alsolike-degraded" not in headers


def test_filter_parameters_come_from_the_request(filtered):
    assert filtered.items("up-to", filterValues={"PRICE": '"3"'}) == ["fig", "plum", "pear"]
    assert filtered.items("without", filterValues={"CATEGORY": '"fruit","nuts"'}) == ["plum", "kiwi"]
    assert filtered.items("without") == ["fig", "plum", "pear", "kiwi"]


def test_filter_uses_the_interactions_of_the_user(filtered):
    filtered.remember("u#anna", "fig", "purchase")

    assert filtered.items("unbought") == ["plum", "pear", "kiwi"]


def test_popular_list_is_filtered_and_filled(filtered):
    """Fig, pear and kiwi are popular. The plum passes the filter too."""
    assert filtered.items("cheap", userId="unknown-user") == ["pear"]
    assert filtered.items("up-to", userId="unknown-user", filterValues={"PRICE": "2"}) == ["pear", "plum"]
    assert filtered.items("up-to", userId="unknown-user", filterValues={"PRICE": "2"}, numResults=1) == ["pear"]


def test_current_item_of_a_filter_comes_from_the_request(filtered):
    assert filtered.items("cheaper", itemId="plum") == ["pear"]
    assert filtered.items("cheaper", itemId="unknown") == []


def test_filter_compares_user_and_item_columns(filtered):
    filtered.register("young", age=2, likes="green")
    filtered.register("old", age=18, likes=["soft", "blue"])

    assert "plum" not in filtered.items("adults", userId="young", numResults=4)
    assert "plum" not in filtered.items("adults", userId="unknown", numResults=4)  # The user's age is unknown.
    assert "plum" in filtered.items("adults", userId="old", numResults=4)
    assert sorted(filtered.items("favourites", userId="young")) == ["pear"]
    assert sorted(filtered.items("favourites", userId="old")) == ["fig", "pear", "plum"]
    assert filtered.items("favourites", userId="unknown") == []
    assert sorted(filtered.items("affordable", userId="young")) == ["pear", "plum"]


def test_filter_now_is_the_time_of_the_request(filtered):
    """The fig was bought a day ago. The pear was launched an hour ago, and the plum half a year ago."""
    now_ms = time.time_ns() // 1_000_000
    bought = RecentInteraction(now_ms - DAY_MS, "bought", "fig", "purchase")
    ProfileStore(filtered.dynamodb, filtered.profiles_table).add("u#anna", [bought], now_ms=now_ms)
    launched = {"pear": now_ms - DAY_MS // 24, "plum": now_ms - 180 * DAY_MS}
    filtered.catalogue(
        {item: {**CATALOGUE[item], "launched": ms // 1000} for item, ms in launched.items()}, at_ms=now_ms
    )

    assert filtered.items("not-lately", filterValues={"DAYS": "30"}) == ["plum", "pear", "kiwi"]
    assert "fig" in filtered.items("not-lately", filterValues={"DAYS": "0.5"})
    assert "fig" in filtered.items("not-lately")  # Without a value for the parameter, the expression does not apply.
    assert filtered.items("new") == ["pear"]


def test_string_with_bars_is_a_list_for_current_item_and_user(filtered):
    filtered.register("anna", likes="water|tea")
    filtered.register("bob", likes="wine")

    assert filtered.items("alike", itemId="pear") == ["fig", "pear"]
    assert "plum" not in filtered.items("sober", userId="anna")
    assert "plum" in filtered.items("sober", userId="bob", numResults=4)


def test_filter_ignores_properties_of_an_erased_user(filtered):
    filtered.register("young", age=17)
    profiles = ProfileStore(filtered.dynamodb, filtered.profiles_table)

    profiles.erase("u#young", now_ms=NOW_MS)

    assert "plum" in filtered.items("grown-up", userId="young", numResults=4)


@pytest.mark.parametrize("name", ["grown-up", "adults", "favourites", "affordable"])
def test_unreadable_user_gives_an_empty_degraded_list_with_user_filters(filtered, counted, name):
    filtered.dynamodb.delete_table(TableName=filtered.users_table)

    items, headers = filtered.ask(filterArn=f"{ARN}:filter/{name}")

    assert items == []
    assert headers["x-alsolike-source"] == "none"
    assert headers["x-alsolike-degraded"] == "user-unavailable"
    assert counted()["RecommendationsDegraded"] == 1
    assert filtered.items("cheap") == ["pear"]


@pytest.mark.parametrize("recommender", ["for-you", "similar-items", "buy-again", "trending", "popular"])
def test_unreadable_profile_gives_an_empty_list_with_interaction_filters(filtered, recommender):
    """The pear was bought. Without the profile, an EXCLUDE filter on interactions would pass the pear."""
    filtered.remember("u#anna", "pear", "purchase")
    filtered.dynamodb.delete_table(TableName=filtered.profiles_table)
    requested = {"recommenderArn": f"{ARN}:recommender/{recommender}", "itemId": "fig"}

    items, headers = filtered.ask(filterArn=f"{ARN}:filter/unbought", **requested)

    assert items == []
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("none", "profile-unavailable")
    assert filtered.items("cheap") == ["pear"]


def test_deleted_item_unknown_to_the_model_is_not_in_filtered_trends(filtered):
    """The filter `without` passes all items without a category, such as durian and salak."""
    filtered.count(durian=30, salak=20)
    filtered.catalogue({"durian": None})
    requested = {
        "recommenderArn": f"{ARN}:recommender/trending",
        "filterValues": {"CATEGORY": "fruit"},
        "numResults": 1,
    }

    assert filtered.items("without", **requested) == ["salak"]


def test_recommender_filter_applies_unless_the_request_names_one(filtered):
    filtered.configure(items=COLUMNS, filters=FILTERS, recommenders={"for-you": {"filter": "cheap"}})

    assert filtered.items() == ["pear"]
    assert filtered.items(recommenderArn=f"{ARN}:recommender/for-you") == ["pear"]
    assert filtered.items("unbought") == ["fig", "plum", "pear", "kiwi"]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"filterArn": f"{ARN}:filter/other"}, 404, "filterArn ends in 'other', expected adults, affordable, alike, "),
        ({"filterArn": "cheap"}, 400, 'filterArn is "cheap", expected arn:aws:personalize:<region>:<account>:filter/'),
        ({"filterArn": f"{ARN}:filter/up-to"}, 400, "filterValues.PRICE is missing, expected a value: filter up-to"),
        ({"filterValues": {"A": "1"}}, 400, "filterValues is given without a filter, and for-you has none"),
        ({"filterArn": f"{ARN}:filter/cheaper"}, 400, "itemId is missing, expected an item: the filter compares with"),
    ],
)
def test_inapplicable_filter_is_refused_with_its_reason(filtered, fields, status, message):
    found_status, found = filtered.refusal(**fields)

    assert (found_status, found[: len(message)]) == (status, message)
