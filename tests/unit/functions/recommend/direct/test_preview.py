"""Previews of rules by direct invocation."""

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
        ({"numResults": 51}, InvalidInput, "preview.numResults is 51, expected a whole number from 1 to 50"),
        ({"userId": None}, InvalidInput, "userId is missing"),
        ({"configuration": {"format": 2}}, InvalidInput, "format is 2, expected a whole number from 1 to 1"),
        ({"cart": ["fig"]}, InvalidInput, "cart is given, expected none: only bought-together completes a cart"),
        ({"surprise": 1}, InvalidInput, "preview.surprise is not a known field"),
    ],
)
def test_invalid_preview_is_refused(ruled, fields, error, says):
    refused = preview(**{"userId": "anna", **fields})["refused"]

    assert refused["type"] == error.__name__
    assert re.search(says, refused["message"])
