"""Invalid requests for recommendations. Their responses have status 400 or 404 and a message, but never 500."""

from typing import Any

import orjson
import pytest

from functions.recommend import handler
from functions.recommend.http.request import ACTION_ROUTE, PARSERS
from tests.builders.api_description import described
from tests.builders.bad_input import (
    UNREADABLE,
    body_faults,
    is_refusal,
    path_faults,
    path_parameters,
    query_faults,
)
from tests.builders.lambda_events import LambdaContext, http_event
from tests.unit.functions.recommend.shop import ARN

FILTER = "INCLUDE ItemID WHERE Items.price <= $MOST"
COMMON: dict[str, Any] = {
    "userId": "anna", "metadataColumns": {"ITEMS": ["title"]}, "filterArn": f"{ARN}:filter/up-to",
    "filterValues": {"MOST": "5"}, "context": {"device": "phone"}, "explain": True,
}  # fmt: skip
PROMOTION: dict[str, Any] = {
    "name": "sale", "percentPromotedItems": 20, "filterArn": f"{ARN}:filter/up-to", "filterValues": {"MOST": "5"},
}  # fmt: skip
GOOD: dict[str, Any] = {
    "POST /recommendations": {
        **COMMON, "recommenderArn": f"{ARN}:recommender/for-you", "itemId": "pear", "numResults": 10,
        "promotions": [PROMOTION], "exclude": ["kiwi"],
    },
    "POST /personalize-ranking": {**COMMON, "campaignArn": f"{ARN}:campaign/for-you", "inputList": ["fig", "plum"]},
    "POST /action-recommendations": {
        "campaignArn": f"{ARN}:campaign/next-best-action", "userId": "anna", "numResults": 3,
    },
}  # fmt: skip
ROUTES = (*PARSERS, ACTION_ROUTE)


def send(key, body=b"", *, query=None, path=None):
    """Send a request. Every event contains the session that the authorizer of the browser routes returns."""
    path = path or dict.fromkeys(path_parameters(key), "pear")
    if key == "GET /search":
        query = {"query": "pear", **(query or {})}
    event = http_event(key, body, base64_encoded=True, path=path, query=query)
    event["requestContext"]["authorizer"] = {"lambda": {"sessionId": "s1", "userId": "anna"}}
    answer = handler.lambda_handler(event, LambdaContext())
    return {**answer, "document": orjson.loads(answer["body"])}


def serve(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.configure(items={"columns": {"price": "number"}}, filters={"up-to": FILTER})


@pytest.mark.parametrize("key", ROUTES)
def test_valid_request_is_accepted(shop, key):
    serve(shop)

    assert send(key, GOOD.get(key, b""))["statusCode"] == 200


@pytest.mark.parametrize("key", ROUTES)
def test_invalid_field_is_refused_with_a_message(shop, key):
    serve(shop)
    faults = [*path_faults(key), *query_faults(key), *(body_faults(key, GOOD[key]) if key in GOOD else ())]

    answers = [
        (fault, send(key, GOOD.get(key, b"") if fault.body is None else fault.body, query=fault.query, path=fault.path))
        for fault in faults
    ]

    assert [(str(fault), answer["body"]) for fault, answer in answers if not is_refusal(answer, says=fault.says)] == []
    assert faults
    assert ("requestBody" in described(key)) == (key in GOOD)


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_body_is_refused(shop, key, name):
    serve(shop)

    assert is_refusal(send(key, UNREADABLE[name]), says=())
