"""Comparison of rules with the catalogue, by direct invocation."""

import pytest

from tests.unit.functions.recommend.shop import invoke

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
    found = invoke(ruleCheck={"configuration": configuration})["warnings"]
    return [(tuple(warning["path"]), warning["message"]) for warning in found]


def test_rules_that_the_catalogue_satisfies_have_no_warning(stocked):
    rules = {"pins": [{"item": "fig", "position": 1}], "promotions": [{"filter": "figs", "share": 0.5}]}
    recommenders = {"for-you": {"filter": "figs", "rules": "spring"}}

    assert warnings(rules, filters={"figs": FIGS}, recommenders=recommenders) == []


SPRING_IN_STOCK = {
    "filters": {"in-stock": IN_STOCK},
    "recommenders": {"for-you": {"filter": "in-stock", "rules": "spring"}, "popular": {"filter": "in-stock"}},
}


@pytest.mark.parametrize(
    ("item", "parts", "message"),
    [
        ("melon", {}, 'is "melon", which is not in the catalogue, so the rule has no effect'),
        ("melon", SPRING_IN_STOCK, 'is "melon", which is not in the catalogue, so the rule has no effect'),
        ("kiwi", {}, 'is "kiwi", which was deleted, so the rule has no effect'),
        ("plum", SPRING_IN_STOCK, "does not pass the filter in-stock of for-you, so the rule has no effect there"),
    ],
)
def test_pin_without_an_effect_has_a_warning(stocked, item, parts, message):
    stocked.catalogue({"kiwi": None})

    assert warnings({"pins": [{"item": item, "position": 1}]}, **parts) == [(PIN, message)]


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
