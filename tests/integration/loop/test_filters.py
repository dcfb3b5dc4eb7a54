"""Configuration and catalogue in answers, within seconds of a change.

The tests build on one another, in their order.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest

from alsolike.registry import Registry
from tests.integration.loop.shop import Answer, Shop, eventually
from tests.unit.functions.bundles import MANIFEST, upload_bundle, write_bundle

PRICES = {"fig": 1.0, "pear": 2.0, "kiwi": 3.0}  # the model's popular list, in its order
CONFIGURATION = """\
format: 1
items:
  columns: {price: number}
filters:
  up-to: INCLUDE ItemID WHERE Items.PRICE <= $PRICE
"""


@pytest.fixture(scope="module", autouse=True)
def stocked(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put items into the catalogue and a model into service."""
    s3, bucket = shop.cloud.client("s3"), shop.name("artefact-bucket")
    bundle = tmp_path_factory.mktemp("bundle")
    write_bundle(bundle, manifest=dataclasses.replace(MANIFEST, version="v1"), transitions={("fig", "kiwi"): 1.0})
    upload_bundle(s3, bucket, bundle, version="v1")
    Registry(s3, bucket).promote("v1", reason="test", now_ms=int(time.time() * 1000))
    rows = [{"itemId": item_id, "properties": json.dumps({"price": price})} for item_id, price in PRICES.items()]
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows}).status == 200


def ask(shop: Shop, **fields: Any) -> Answer:
    return shop.post("/recommendations", {"userId": "somebody", **fields})


def filtered(shop: Shop, price: str) -> Answer:
    arn = "arn:aws:personalize:us-east-1:123456789012:filter/up-to"
    return ask(shop, filterArn=arn, filterValues={"PRICE": price})


def test_filter_is_unknown_before_it_is_applied(shop: Shop) -> None:
    answer = filtered(shop, "2")

    assert answer.status == 404
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_applied_filter_is_obeyed_within_seconds(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "alsolike.yaml"
    file.write_text(CONFIGURATION)

    shop.alsolike("config", "apply", file, "--reason", "cheap things first")
    answer = eventually(lambda: filtered(shop, "2"), holds=lambda found: found.status == 200 and len(found.items) == 2)

    assert answer.items == ["fig", "pear"]
    assert "x-alsolike-degraded" not in answer.headers
    assert filtered(shop, "1").items == ["fig"]


def test_changed_price_changes_the_answer(shop: Shop) -> None:
    change = shop.administer("PATCH", "/items/kiwi", {"price": 0.5})
    assert change.status == 200, change.document

    answer = eventually(lambda: filtered(shop, "1"), holds=lambda found: "kiwi" in found.items)
    shown = ask(shop, metadataColumns={"ITEMS": ["PRICE"]})

    assert answer.items == ["fig", "kiwi"]
    assert [item["metadata"].get("PRICE") for item in shown.document["itemList"]] == ["1", "2", "0.5", None]  # the plum


def test_deleted_item_disappears_from_every_answer(shop: Shop) -> None:
    assert shop.administer("DELETE", "/items/fig").status == 200

    answer = eventually(lambda: ask(shop), holds=lambda found: "fig" not in found.items)

    assert answer.items[:2] == ["pear", "kiwi"]
    assert filtered(shop, "9").items == ["pear", "kiwi"]
