"""Comparison of rules with the catalogue, by direct invocation."""

import json

import pytest

from functions.recommend import handler
from tests.builders.lambda_events import LambdaContext

COLUMNS = {"columns": {"title": "string", "stock": "boolean"}}
FIGS = 'INCLUDE ItemID WHERE Items.TITLE = "Fig"'
NONE = 'INCLUDE ItemID WHERE Items.TITLE = "Melon"'
IN_STOCK = "INCLUDE ItemID WHERE Items.STOCK = true"
PIN = ("rules", "spring", "pins", 0, "item")


@pytest.fixture
def stocked(shop):
    shop.publish()
    shop.configure(items=COLUMNS)
    shop.catalogue({"fig": {"title": "Fig", "stock": True}, "plum": {"title": "Plum", "stock": False}})
    return shop


def warnings(rules=None, **parts):
    configuration = {"format": 1, "items": COLUMNS, "rules": {"spring": rules or {}}, **parts}
    event = {"ruleCheck": {"configuration": configuration}}
    document = handler.lambda_handler(json.loads(json.dumps(event)), LambdaContext())
    return [(tuple(warning["path"]), warning["message"]) for warning in document["warnings"]]


def test_rules_that_the_catalogue_satisfies_have_no_warning(stocked):
    rules = {"pins": [{"item": "fig", "position": 1}], "promotions": [{"filter": "figs", "share": 0.5}]}

    assert (
        warnings(rules, filters={"figs": FIGS}, recommenders={"for-you": {"filter": "figs", "rules": "spring"}}) == []
    )


@pytest.mark.parametrize("filter_", [None, "in-stock"])
def test_pin_of_an_unknown_item_has_a_warning(stocked, filter_):
    parts = {"filters": {"in-stock": IN_STOCK}, "recommenders": {"for-you": {"rules": "spring", "filter": filter_}}}
    parts = parts if filter_ else {}

    found = warnings({"pins": [{"item": "melon", "position": 1}]}, **parts)

    assert found == [(PIN, 'is "melon", which is not in the catalogue, so the rule has no effect')]


def test_pin_of_a_deleted_item_has_a_warning(stocked):
    stocked.catalogue({"plum": None})

    found = warnings({"pins": [{"item": "plum", "position": 1}]})

    assert found == [(PIN, 'is "plum", which was deleted, so the rule has no effect')]


def test_pin_that_the_recommenders_filter_excludes_has_a_warning(stocked):
    recommenders = {"for-you": {"filter": "in-stock", "rules": "spring"}, "popular": {"filter": "in-stock"}}

    found = warnings(
        {"pins": [{"item": "plum", "position": 1}]}, filters={"in-stock": IN_STOCK}, recommenders=recommenders
    )

    assert found == [(PIN, "does not pass the filter in-stock of for-you, so the rule has no effect there")]


@pytest.mark.parametrize(
    ("part", "fields"), [("promotions", {"share": 0.5}), ("boosts", {"factor": 2}), ("demotions", {"factor": 0.5})]
)
def test_rule_whose_filter_passes_no_item_has_a_warning(stocked, part, fields):
    found = warnings({part: [{"filter": "none", **fields}]}, filters={"none": NONE})

    assert found == [
        (("filters", "none"), "passes no item of the catalogue"),
        (("rules", "spring", part, 0, "filter"), "passes no item of the catalogue, so the rule has no effect"),
    ]


@pytest.mark.parametrize(
    "rules",
    [
        {"pins": [{"item": "melon", "position": 1, "until": "2020-01-01"}]},
        {"boosts": [{"filter": "none", "factor": 2, "until": "2020-01-01"}]},
    ],
)
def test_rule_that_has_ended_is_not_compared(stocked, rules):
    assert all(path[0] == "filters" for path, _ in warnings(rules, filters={"none": NONE}))


@pytest.mark.parametrize(
    "expression",
    [
        'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
        "INCLUDE ItemID WHERE Items.TITLE = $TITLE",
        "INCLUDE ItemID WHERE Items.TITLE = CurrentUser.COUNTRY",
    ],
)
def test_filter_that_depends_on_the_request_is_not_compared(stocked, expression):
    users = {"columns": {"country": "string"}}

    assert warnings(filters={"mine": expression}, users=users) == []


def test_shop_without_items_has_no_warning(shop):
    assert warnings({"pins": [{"item": "melon", "position": 1}]}, filters={"none": NONE}) == []
