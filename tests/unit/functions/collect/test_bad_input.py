"""Invalid requests. Their responses have status 400 or 404 and a message, but never 500."""

from typing import Any

import orjson
import pytest

from alsolike.declarations.routes import BEACON_ROUTES
from functions.collect import handler
from tests.builders.api_description import described
from tests.builders.bad_input import (
    UNREADABLE,
    Fault,
    body_faults,
    is_refusal,
    path_faults,
    path_parameters,
    query_faults,
)
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.unit.functions.collect.events import ARN, TRACKING_ID

EVENT = {
    "eventType": "view", "sentAt": NOW_MS / 1000, "itemId": "pear", "eventId": "e1", "eventValue": 1.5,
    "properties": {"query": "pears"}, "recommendationId": "r1", "impression": ["pear", "plum"],
    "metricAttribution": {"eventAttributionSource": "mail"},
}  # fmt: skip
ACTION_INTERACTION = {
    "actionId": "app", "userId": "anna", "sessionId": "s1", "timestamp": NOW_MS / 1000, "eventType": "TAKEN",
    "eventId": "e1", "recommendationId": "r1", "impression": ["app", "mail"], "properties": {"channel": "web"},
}  # fmt: skip
ROW = {"properties": {"creationTimestamp": 1_700_000_000}}
GOOD: dict[str, Any] = {
    "POST /events": {"trackingId": TRACKING_ID, "userId": "anna", "sessionId": "s1", "eventList": [EVENT]},
    "POST /session/events": {"trackingId": TRACKING_ID, "eventList": [EVENT]},
    "POST /items": {"datasetArn": f"{ARN}/ITEMS", "items": [{"itemId": "pear", **ROW}]},
    "GET /items": None,
    "GET /items/{itemId}": None,
    "PATCH /items/{itemId}": {"creationTimestamp": 1_700_000_000},
    "DELETE /items/{itemId}": None,
    "POST /users": {"datasetArn": f"{ARN}/USERS", "users": [{"userId": "anna", **ROW}]},
    "POST /actions": {"datasetArn": f"{ARN}/ACTIONS", "actions": [{"actionId": "app", "properties": {"value": 2}}]},
    "POST /action-interactions": {"trackingId": TRACKING_ID, "actionInteractions": [ACTION_INTERACTION]},
    "GET /users": None,
    "GET /users/{userId}": None,
    "PATCH /users/{userId}": {"creationTimestamp": 1_700_000_000},
    "GET /openapi.json": None,
}


def authorizer(key):
    """Return the session authorizer's context for routes that use the authorizer, otherwise None."""
    return {"lambda": {"sessionId": "s1"}} if "/session/" in key else None


def answer_to(collect, key, fault):
    body = GOOD[key] if fault.body is None else fault.body
    path = fault.path or dict.fromkeys(path_parameters(key), "pear")
    return collect(key, b"" if body is None else body, path=path, query=fault.query, authorizer=authorizer(key))


def test_every_route_has_a_valid_request_to_vary(collect):
    collect("GET /items")

    assert set(handler._routes()) - set(BEACON_ROUTES) == set(GOOD)  # Beacons are session events.


@pytest.mark.parametrize("key", GOOD)
def test_valid_request_is_accepted(collect, key):
    for route in ("POST /items", "POST /users"):
        collect(route, orjson.loads(orjson.dumps(GOOD[route]).replace(b'"anna"', b'"pear"')))

    assert answer_to(collect, key, Fault("nothing is wrong", ()))["statusCode"] == 200


@pytest.mark.parametrize("key", GOOD)
def test_invalid_field_is_refused_with_a_message(collect, key):
    faults = [*path_faults(key), *query_faults(key), *(body_faults(key, GOOD[key]) if GOOD[key] else ())]

    answers = [(fault, answer_to(collect, key, fault)) for fault in faults]

    assert [(str(fault), answer["body"]) for fault, answer in answers if not is_refusal(answer, says=fault.says)] == []
    assert bool(faults) == ("parameters" in described(key) or "requestBody" in described(key))


@pytest.mark.parametrize("key", [key for key in GOOD if GOOD[key]])
@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_body_is_refused(collect, key, name):
    path = dict.fromkeys(path_parameters(key), "pear")
    answer = collect(key, UNREADABLE[name], base64_encoded=True, path=path, authorizer=authorizer(key))

    assert is_refusal(answer, says=())


def test_openapi_description_contains_configured_types_and_columns(collect, configure):
    columns = {"weightKg": "number", "packed": "timestamp"}
    configure({"events": {"wishlist": {"weight": 2}}, "items": {"columns": columns}})

    answer = collect("GET /openapi.json")

    assert answer["statusCode"] == 200
    schemas = answer["document"]["components"]["schemas"]
    event_type = schemas["Events"]["properties"]["eventList"]["items"]["properties"]["eventType"]
    assert "wishlist" in event_type["description"]
    columns = schemas["ItemChanges"]["properties"]
    assert columns["weightKg"] == {"type": ["number", "null"]}
    assert columns["packed"]["format"] == "unixtime"


def test_openapi_request_with_current_etag_returns_304(collect):
    first = collect("GET /openapi.json")
    event = http_event("GET /openapi.json")
    event["headers"]["if-none-match"] = f'"other", W/{first["headers"]["etag"]}'

    again = handler.lambda_handler(event, LambdaContext())

    assert again == {
        "statusCode": 304,
        "headers": {"etag": first["headers"]["etag"], "cache-control": "private, max-age=60", "x-correlation-id": "r1"},
    }
