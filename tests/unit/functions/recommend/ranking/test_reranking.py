"""The second stage of `for-you`: order, scores, and the log of the first stage's scores."""

import dataclasses

import numpy as np
import orjson

from alsolike.bundle.reranker import FEATURES, HOURS, Reranker
from alsolike.lake.served import read_line
from functions.recommend.dependencies import current_dependencies
from model_export.data.impressions import item_columns
from tests.builders.bundles import ITEMS

PRICES = {"fig": 8, "plum": 2}


def by_price(weight=-1.0):
    weights = np.zeros((1 + len(HOURS), len(FEATURES)))
    weights[0, FEATURES.index("price")] = weight
    columns = item_columns([{"price": PRICES.get(item_id)} for item_id in ITEMS])
    return Reranker(HOURS, np.ones(len(FEATURES)), np.ones(len(FEATURES)), weights, columns)


def test_reranker_orders_items_and_keeps_the_scores_of_positions(shop, capsys):
    shop.publish(reranker=by_price())
    shop.remember("u#anna", "pear")

    items, _ = shop.ask(numResults=3)

    assert [(item["itemId"], item["score"]) for item in items][:2] == [("plum", 2.0), ("fig", 1.0)]
    assert items[2]["score"] < 1.0  # This is a popular item.
    (row,) = (read_line(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"served"'))
    assert row.item_ids[:2] == ("plum", "fig")
    assert row.scores == (1.0, 2.0, None)


def test_device_of_the_context_is_a_feature_and_is_logged(shop, capsys):
    model = by_price(1.0)
    weights = np.vstack([model.weights[0], -2 * model.weights[0]])
    shop.publish(reranker=dataclasses.replace(model, contexts=("device phone",), weights=weights))
    shop.remember("u#anna", "pear")

    assert shop.items(numResults=2, context={"DEVICE": "desktop"}) == ["fig", "plum"]
    assert shop.items(numResults=2, context={"DEVICE": "Phone"}) == ["plum", "fig"]
    assert shop.items(numResults=2, context={"DEVICE": "phone" * 9}) == ["fig", "plum"]

    rows = [read_line(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"served"')]
    assert [row.device for row in rows] == ["desktop", "phone", None]


def test_rules_apply_to_reranked_items(shop):
    shop.publish(reranker=by_price())
    shop.remember("u#anna", "pear")
    shop.configure(
        items={"columns": {"title": "string"}},
        filters={"figs": 'INCLUDE ItemID WHERE Items.TITLE IN ("Fig")'},
        rules={"home": {"boosts": [{"filter": "figs", "factor": 5}]}},
        recommenders={"for-you": {"rules": "home"}},
    )
    shop.catalogue({"fig": {"title": "Fig"}, "plum": {"title": "Plum"}})

    assert shop.items(numResults=2) == ["fig", "plum"]


def test_candidates_beyond_the_list_length_do_not_change_the_list(shop):
    shop.publish(reranker=by_price())
    shop.remember("u#anna", "pear")
    shop.configure(
        rules={"home": {"pins": [{"item": "kiwi", "position": 2}]}}, recommenders={"for-you": {"rules": "home"}}
    )

    assert shop.items(numResults=1) == ["fig"]


def test_number_of_candidates_does_not_change_a_list(shop):
    """A catalogue with product variants raises `candidates_per_place`, so a later request ranks more candidates."""
    shop.publish(reranker=by_price())
    shop.remember("u#anna", "pear")
    shop.catalogue({"fig": {}, "plum": {}})
    first = shop.items(numResults=1)

    current_dependencies().refresher.state(now_ms=0, remaining_ms=lambda: 10_000).catalogue.candidates_per_place = 3.0

    assert shop.items(numResults=1) == first == ["fig"]


def test_other_recommenders_keep_the_order_of_the_model(shop):
    shop.publish(reranker=by_price())

    document = orjson.loads(shop.get("GET /items/{itemId}/similar", path={"itemId": "pear"})["body"])

    assert [item["itemId"] for item in document["itemList"]][:2] == ["fig", "plum"]
