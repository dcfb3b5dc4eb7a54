"""Requests in which campaigns and recommenders are aliases of the shop."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from botocore.exceptions import EndpointConnectionError

from tests.unit.functions.recommend.shop import ARN

ALIASES = {
    "home": {"recommender": "for-you"},
    "cheap": {"recommender": "for-you", "filter": "cheap"},
    "bestsellers": {"recommender": "popular"},
    "sorted": {"recommender": "personalized-ranking"},
    "explore": {"recommender": "for-you", "exploration": {"share": 1, "new_for_days": 30}},
    "recommended": {"recipe": "aws-ecomm-recommended-for-you"},
}
DOCUMENT: dict[str, Any] = {
    "items": {"columns": {"price": "number", "CREATION_TIMESTAMP": "timestamp"}},
    "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 1", "all": "EXCLUDE ItemID WHERE Items.PRICE > 99"},
    "aliases": ALIASES,
}


@pytest.fixture
def shop(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.configure(**DOCUMENT)
    return shop


def recommend(shop, name, kind="campaign", **more):
    """Return the status of a response, and its items or message."""
    body = {f"{kind}Arn": f"arn:aws:personalize:us-west-2:999999999999:{kind}/{name}", "userId": "anna", **more}
    answer = shop.post({field: value for field, value in body.items() if value is not None})
    document = orjson.loads(answer["body"])
    if answer["statusCode"] != 200:
        return answer["statusCode"], document["message"]
    return 200, [item["itemId"] for item in document["itemList"]]


@pytest.mark.parametrize("kind", ["campaign", "recommender"])
def test_alias_response_equals_that_of_its_recommender(shop, kind):
    assert recommend(shop, "home", kind) == recommend(shop, "for-you", kind)
    assert recommend(shop, "bestsellers", kind, userId=None) == recommend(shop, "popular", kind, userId=None)


def test_alias_filter_applies_unless_the_request_names_one(shop):
    assert recommend(shop, "cheap") == (200, [])

    status, items = recommend(shop, "cheap", filterArn=f"{ARN}:filter/all")

    assert (status, bool(items)) == (200, True)


def test_alias_with_exploration_inserts_new_items(shop):
    shop.catalogue({"kiwi": {"creationTimestamp": time.time() - 60}})

    status, items = recommend(shop, "explore", numResults=1)

    assert (status, items) == (200, ["kiwi"])
    assert recommend(shop, "home", numResults=1) == (200, ["fig"])


def test_alias_recipe_excludes_bought_items(shop):
    before = recommend(shop, "recommended")[1]
    assert "fig" in before

    shop.remember("u#anna", "fig", "purchase")

    _, items = recommend(shop, "recommended")
    assert "fig" not in items
    assert items


def test_unknown_name_returns_404_with_the_known_names(shop):
    status, message = recommend(shop, "homepage")

    assert status == 404
    assert "campaignArn ends in 'homepage'" in message
    assert "/for-you" in message
    assert "/home " in message
    assert "/sorted" not in message


def test_alias_without_a_required_user_is_refused(shop):
    assert recommend(shop, "home", userId=None)[0] == 400


def test_ranking_requires_an_alias_that_ranks(shop):
    def rank(name):
        body = {"campaignArn": f"{ARN}:campaign/{name}", "userId": "anna", "inputList": ["plum", "fig"]}
        answer = shop.post(body, route="POST /personalize-ranking")
        return answer["statusCode"], orjson.loads(answer["body"]).get("personalizedRanking")

    assert rank("sorted")[0] == rank("home")[0] == 200
    assert [item["itemId"] for item in rank("sorted")[1]] == ["fig", "plum"]
    assert rank("bestsellers") == (404, None)
    assert recommend(shop, "sorted")[0] == 404


def test_alias_returns_503_without_a_configuration(shop, cloud):
    cloud.outages["s3.GetObject"] = EndpointConnectionError(endpoint_url="https://s3")

    assert recommend(shop, "home")[0] == 503
