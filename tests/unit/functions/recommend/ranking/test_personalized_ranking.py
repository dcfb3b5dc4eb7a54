"""Personalized ranking, which sorts given items by the model."""

import orjson

from alsolike.configuration import recommendation_id
from tests.unit.functions.recommend.shop import ARN


def test_ranking_orders_the_given_items(stocked):
    """After the pear, the model ranks fig and plum.

    The model also contains the kiwi, but neither the durian nor the salak.
    """
    stocked.remember("u#anna", "pear")
    stocked.catalogue({"gone": None})

    document = rank(stocked, ["durian", "kiwi", "gone", "plum", "salak", "fig", "plum"])

    assert [(item["itemId"], item["score"]) for item in document["personalizedRanking"]] == [
        ("fig", 2.0), ("plum", 1.0), ("kiwi", 0.0), ("durian", 0.0), ("salak", 0.0),
    ]  # fmt: skip
    assert recommendation_id.parse(document["recommendationId"]).recommender == "personalized-ranking"


def test_ranking_includes_seen_items(shop):
    shop.publish(exclude_seen=True)
    shop.remember("u#anna", "fig")
    shop.remember("u#anna", "pear")

    assert [item["itemId"] for item in rank(shop, ["plum", "fig"])["personalizedRanking"]] == ["fig", "plum"]


def test_ranking_omits_filtered_items(stocked):
    stocked.configure(filters={"no-fig": 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("fig")'})
    stocked.remember("u#anna", "pear")

    document = rank(stocked, ["plum", "fig"], filterArn=f"{ARN}:filter/no-fig")

    assert [item["itemId"] for item in document["personalizedRanking"]] == ["plum"]


def rank(shop, items, **fields):
    body = {"campaignArn": f"{ARN}:campaign/personalized-ranking", "userId": "anna", "inputList": items, **fields}
    answer = shop.post(body, route="POST /personalize-ranking")
    assert answer["statusCode"] == 200, answer["body"]
    return orjson.loads(answer["body"])
