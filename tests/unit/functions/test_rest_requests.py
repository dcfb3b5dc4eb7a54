"""Requests of a private REST API: handlers answer them like those of the public HTTP API."""

import dataclasses
import time
from types import SimpleNamespace

import pytest

from alsolike.api.handler import READ_ONLY_GROUP, api_handler
from alsolike.declarations.routes import (
    BASIC_ROUTES,
    BEACON_ROUTES,
    PUBLIC_ROUTES,
    ROUTES,
    SIGNED_PREFIX,
    SIGNED_ROUTES,
)
from alsolike.runtime.observability import instrumented
from tests.builders.lambda_events import LambdaContext, http_event
from tests.builders.rest_events import STAGE, rest_event
from tests.builders.signed_requests import KEY_ID, NOW_S, SECRET, sign

KEYS = (*ROUTES, *SIGNED_ROUTES, *BEACON_ROUTES, *PUBLIC_ROUTES, *BASIC_ROUTES)
HEADS = tuple(key.replace("GET ", "HEAD ") for key in ROUTES if key.startswith("GET "))
CLAIMS = {"sub": "olga", "scope": "alsolike/admin", "cognito:groups": f"shop,{READ_ONLY_GROUP}"}
SESSION = {"sessionId": "s1", "userId": "anna"}


@dataclasses.dataclass(frozen=True)
class Settings:
    keys_table: str = "keys"


def answer_of(event, *, handler):
    return handler(event, LambdaContext())


def request(key):
    """Return a request with a path, query, headers and body that need encoding."""
    method, path = key.split(" ")
    ids = {"itemId": "blue shoe", "userId": "änna@shop", "version": "2026-01", "proxy": "a/b"}
    parameters = {name: value for name, value in ids.items() if f"{{{name}" in path}
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    event = http_event(key, {"größe": "XL"} if method in ("POST", "PATCH") else b"", path=parameters)
    query = "filterValues%5BPRICE%5D=5&metadata=TITLE&metadata=PRICE%2CBRAND&empty="
    return {
        **event,
        "rawPath": f"/{STAGE}{path}",
        "rawQueryString": query,
        "queryStringParameters": {"filterValues[PRICE]": "5", "metadata": "TITLE,PRICE,BRAND", "empty": ""},
        "headers": {**event["headers"], "x-correlation-id": "order-17"},
    }


@instrumented
def read_request(event, context):
    """Return the parts of a request that handlers read."""
    context = {name: event["requestContext"][name] for name in ("http", "requestId")}
    http = {name: context["http"][name] for name in ("method", "path", "sourceIp")}
    parts = ("routeKey", "rawPath", "headers", "pathParameters", "queryStringParameters", "isBase64Encoded")
    return {
        **{name: event.get(name) for name in parts},
        "body": event.get("body") or "",
        "context": {**context, "http": {**http, "path": event["rawPath"]}},
    }


@pytest.mark.parametrize("key", [*KEYS, *HEADS])
def test_rest_request_is_read_like_an_http_api_request(key):
    event = request(key)
    event["requestContext"]["http"]["path"] = event["rawPath"]

    assert answer_of(rest_event(event), handler=read_request) == answer_of(event, handler=read_request)


def test_documented_rest_event_is_read():
    """The event is the example of AWS's documentation, without fields that no handler reads."""
    event = {
        "resource": "/my/path",
        "path": "/my/path",
        "httpMethod": "GET",
        "headers": {"header1": "value1", "header2": "value1,value2"},
        "multiValueHeaders": {"header1": ["value1"], "header2": ["value1", "value2"]},
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"], "parameter2": ["value"]},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "authorizer": {"claims": None, "scopes": None},
            "httpMethod": "GET",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "user-agent"},
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "requestId": "id=",
            "resourcePath": "/my/path",
            "stage": "$default",
        },
        "pathParameters": None,
        "stageVariables": None,
        "body": "Hello from Lambda!",
        "isBase64Encoded": False,
    }

    read = answer_of(event, handler=read_request)

    assert (read["routeKey"], read["rawPath"], read["body"]) == ("GET /my/path", "/my/path", "Hello from Lambda!")
    assert read["headers"] == {"header1": "value1", "header2": "value1,value2"}
    assert read["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}


@pytest.mark.parametrize(
    ("http_identity", "rest_identity"),
    [
        ({"lambda": SESSION}, {"principalId": "session", "integrationLatency": 3, **SESSION}),
        ({"jwt": {"claims": {**CLAIMS, "cognito:groups": f"[shop {READ_ONLY_GROUP}]"}}}, {"claims": CLAIMS}),
    ],
)
def test_identity_of_a_rest_request_is_that_of_the_http_api(http_identity, rest_identity):
    @instrumented
    def read_identity(event, context):
        return event["requestContext"]["authorizer"]

    event = http_event("GET /operator/models", authorizer=http_identity)

    assert answer_of(rest_event(event, authorizer=rest_identity), handler=read_identity) == http_identity


def test_operator_with_read_access_changes_nothing_over_a_rest_api():
    @api_handler(Settings)
    def handler(event, context):
        return {"statusCode": 200, "headers": {}, "body": ""}

    events = [
        rest_event(http_event(f"{method} /items/{{itemId}}"), authorizer={"claims": CLAIMS})
        for method in ("GET", "DELETE")
    ]

    assert [answer_of(event, handler=handler)["statusCode"] for event in events] == [200, 403]


@pytest.fixture
def verifying(monkeypatch):
    """Return a handler that verifies signatures of one key with all scopes."""
    key = SimpleNamespace(client="checkout", scopes=("alsolike/admin",), is_active=lambda now_ms: True)
    keys = SimpleNamespace(
        find=lambda key_id, now_s: key if key_id == KEY_ID else None,
        secret=lambda key: SECRET,
        mark_used=lambda key, source, now_s: None,
    )
    monkeypatch.setattr("alsolike.api.handler.key_reader", lambda table: keys)
    monkeypatch.setattr(time, "time", lambda: NOW_S)
    monkeypatch.setenv("KEYS_TABLE", "keys")

    @api_handler(Settings)
    def handler(event, context):
        return {"statusCode": 200, "headers": {}, "body": event["routeKey"]}

    return handler


@pytest.mark.parametrize(
    ("method", "path", "query", "route"),
    [
        ("GET", "/users", "", "/users"),
        ("GET", "/users", "?limit=2&nextToken=a%2Bb%20c%2F%3D&empty=", "/users"),
        ("PATCH", "/items/blue%20shoe", "", "/items/{itemId}"),
        ("PATCH", "/items/~c2t1Lzc", "", "/items/{itemId}"),
        ("POST", "/", "", "/{proxy+}"),
    ],
)
@pytest.mark.parametrize("encodes_twice", [True, False])
def test_signature_covers_the_stage_path_and_query_of_a_rest_request(
    verifying, method, path, query, route, encodes_twice
):
    url = f"https://a1b2c3d4e5-vpce-0a1b.execute-api.eu-west-1.amazonaws.com/{STAGE}{SIGNED_PREFIX}{path}{query}"
    event = rest_event(sign(url=url, method=method, route=f"{SIGNED_PREFIX}{route}", encodes_twice=encodes_twice))

    answer = answer_of(event, handler=verifying)
    event["requestContext"]["path"] += "x"
    forged = answer_of(event, handler=verifying)

    assert (answer["statusCode"], answer["body"]) == (200, f"{method} {route}")
    assert forged["statusCode"] == 403
