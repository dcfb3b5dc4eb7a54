"""Configuration and catalogue changes are effective in responses within seconds.

Some tests need the state that earlier tests left.
"""

import json

import pytest

from tests.booted.shop import eventually

CHEAP = "item-07"
"""Item whose price changes. All items cost 1.5 at the start."""

CONFIGURATION = """\
format: 1
items:
  columns: {price: number}
filters:
  up-to: INCLUDE ItemID WHERE Items.PRICE <= $PRICE
"""


@pytest.fixture(scope="module", autouse=True)
def restored(shop):
    shown = shop.administer("GET", f"/items/{CHEAP}").document
    yield
    row = {"itemId": CHEAP, "properties": json.dumps(shown["properties"])}
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": [row]}).status == 200
    assert CHEAP in eventually(lambda: ask(shop), holds=lambda found: CHEAP in found.items).items


def ask(shop, **fields):
    return shop.post("/recommendations", {"userId": "somebody", "numResults": 30, **fields})


def filtered(shop, price):
    arn = "arn:aws:personalize:us-east-1:123456789012:filter/up-to"
    return ask(shop, filterArn=arn, filterValues={"PRICE": price})


def test_filter_is_unknown_before_it_is_applied(shop):
    answer = filtered(shop, "2")

    assert answer.status == 404
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_applied_filter_is_effective_within_seconds(shop, tmp_path):
    file = tmp_path / "alsolike.yaml"
    file.write_text(CONFIGURATION)

    shop.alsolike("config", "apply", file, "--reason", "cheap things first")
    answer = eventually(lambda: filtered(shop, "1.5"), holds=lambda found: found.status == 200 and bool(found.items))

    assert answer.items == ask(shop).items
    assert "x-alsolike-degraded" not in answer.headers
    assert filtered(shop, "1").items == []


def test_changed_price_changes_the_filtered_list(shop):
    change = shop.administer("PATCH", f"/items/{CHEAP}", {"price": 0.5})
    assert change.status == 200, change.document

    answer = eventually(lambda: filtered(shop, "1"), holds=lambda found: bool(found.items))
    shown = ask(shop, metadataColumns={"ITEMS": ["PRICE"]})

    assert answer.items == [CHEAP]
    prices = {item["itemId"]: item["metadata"].get("PRICE") for item in shown.document["itemList"]}
    assert len(prices) > 20
    assert prices == {item: "0.5" if item == CHEAP else "1.5" for item in prices}


def test_deleted_item_is_removed_from_every_list(shop):
    assert CHEAP in ask(shop).items
    assert shop.administer("DELETE", f"/items/{CHEAP}").status == 200

    answer = eventually(lambda: ask(shop), holds=lambda found: CHEAP not in found.items)

    assert len(answer.items) > 20
    assert CHEAP not in answer.items
    assert filtered(shop, "1").items == []
