"""Previews of rules, and their comparison with the catalogue, by direct invocation."""

import re

import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.client_resources import OwnNames
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.runtime.errors import InvalidInput, NotFound
from functions.recommend.state import catalogue
from tests.unit.functions.recommend.shop import invoke

RULES = {"spring": {"pins": [{"item": "kiwi", "position": 1}]}}


def preview(**fields):
    return invoke(preview=fields)


@pytest.fixture
def ruled(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.catalogue({"fig": {"title": "Fig"}})
    shop.configure(rules=RULES, recommenders={"for-you": {"rules": "spring"}})
    return shop


def test_preview_has_the_list_with_and_without_rules(ruled):
    found = preview(userId="anna", numResults=2, metadata=["TITLE"])

    assert found == {
        "recommender": "for-you",
        "rules": "spring",
        "before": [
            {"itemId": "fig", "score": 2.0, "origin": "ranked", "metadata": {"TITLE": "Fig"}},
            {"itemId": "plum", "score": 1.0, "origin": "ranked", "metadata": {"TITLE": "Plum"}},
        ],
        "after": [
            {"itemId": "kiwi", "score": 1 / 3, "origin": "pinned"},
            {"itemId": "fig", "score": 2.0, "origin": "ranked", "metadata": {"TITLE": "Fig"}},
        ],
        "beforeIsLive": False,
        "unmetRules": [],
        "degraded": [],
        "source": "model",
        "modelVersion": "v1",
    }


def test_preview_for_a_cart_has_no_items_of_the_cart(ruled):
    found = preview(recommender="bought-together", cart=["fig", "pear"])

    for part in ("before", "after"):
        assert not {"fig", "pear"} & {item["itemId"] for item in found[part]}


def test_preview_accepts_a_configuration_that_is_not_applied(ruled):
    draft = {"format": 1, "rules": {"autumn": {"pins": [{"item": "nobody", "position": 1}]}}}

    found = preview(userId="anna", configuration=draft, rules="autumn")
    own = preview(userId="anna", configuration=draft)

    assert (found["rules"], found["unmetRules"]) == ("autumn", ["pin:nobody unknown"])
    assert (own["rules"], own["before"] == own["after"]) == (None, False)
    assert ruled.ask()[1]["x-alsolike-rules"] == "spring"


def test_preview_of_a_draft_and_a_rule_set_starts_from_the_live_list(ruled):
    ruled.configure(
        filters={"plums": 'INCLUDE ItemID WHERE Items.ITEM_ID IN ("plum")'},
        rules={**RULES, "plain": {}},
        recommenders={"for-you": {"rules": "spring"}},
    )
    draft = {
        "format": 1,
        "filters": {"figs": 'INCLUDE ItemID WHERE Items.ITEM_ID IN ("fig")'},
        "recommenders": {"for-you": {"filter": "figs"}},
    }
    live = preview(userId="anna", numResults=2)["after"]

    draft_list = preview(userId="anna", numResults=2, configuration=draft)
    with_new_filter = preview(userId="anna", numResults=2, configuration=draft, filter="figs")
    rules_list = preview(userId="anna", numResults=2, rules="plain")

    assert [item["itemId"] for item in live] == ["kiwi", "fig"]
    assert draft_list["before"] == with_new_filter["before"] == rules_list["before"] == live
    assert draft_list["beforeIsLive"]
    assert rules_list["beforeIsLive"]
    assert [item["itemId"] for item in draft_list["after"]] == ["fig"]
    assert [item["itemId"] for item in rules_list["after"]] == ["fig", "plum"]


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ('INCLUDE ItemID WHERE Items.ITEM_ID IN ("plum")', {}),
        ("INCLUDE ItemID WHERE Items.COST < 5", {"cost": ColumnType.NUMBER}),
    ],
)
def test_draft_may_use_filters_and_columns_of_personalize_clients(ruled, expression, columns):
    names = OwnNames({}, {"own": expression}, columns)
    ruled.put(OWN_NAMES_KEY, names.to_json())
    ruled.catalogue({"fig": {"cost": 9}, "plum": {"cost": 1}})

    found = preview(userId="anna", configuration={"format": 1}, filter="own")

    assert [item["itemId"] for item in found["after"]] == ["plum"]


def test_preview_reads_columns_that_are_not_applied(ruled, monkeypatch):
    ruled.catalogue({"fig": {"title": "Fig"}, "lime": {"onSale": True}, "kiwi": {"onSale": False}})
    draft = {
        "format": 1,
        "items": {"columns": {"ON_SALE": "boolean"}},
        "filters": {"on-sale": "INCLUDE ItemID WHERE Items.ON_SALE = true"},
        "rules": {"sale": {"promotions": [{"filter": "on-sale", "share": 0.5}]}},
    }

    found = preview(userId="anna", numResults=2, configuration=draft, rules="sale")

    origins = {item["itemId"]: item["origin"] for item in found["after"]}
    assert list(origins.items()) == [("fig", "ranked"), ("lime", "promoted:on-sale")]
    assert found["unmetRules"] == []
    monkeypatch.setattr(catalogue, "MAX_DRAFT_ROWS", 2)
    refused = preview(userId="anna", configuration=draft, rules="sale")["refused"]
    assert refused["message"] == (
        "the catalogue has no column onSale yet, expected applied columns: apply items.columns, then preview the rules"
    )


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"rules": "autumn"}, NotFound, r'preview.rules is "autumn", expected spring'),
        ({"filter": "none"}, NotFound, "filter is 'none', expected none: the configuration has no filters"),
        ({"userId": None}, InvalidInput, "userId is missing"),
        ({"configuration": {"format": 2}}, InvalidInput, "format is 2, expected a whole number from 1 to 1"),
        ({"cart": ["fig"]}, InvalidInput, "cart is given, expected none: only bought-together completes a cart"),
    ],
)
def test_invalid_preview_is_refused(ruled, fields, error, says):
    refused = preview(**{"userId": "anna", **fields})["refused"]

    assert refused["type"] == error.__name__
    assert re.search(says, refused["message"])


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
