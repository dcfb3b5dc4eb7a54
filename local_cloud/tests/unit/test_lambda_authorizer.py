import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local_cloud.deployment import Deployment, DeploymentError, Resource
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.authorizers import LambdaAuthorizer, RefusedError, identity_source
from local_cloud.gateway.deployed import ApiServices, read_http_apis
from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.routes import Match, Route
from local_cloud.http_server import HttpRequest

API = ApiContext("abc123", "123456789012", "us-east-1", "$default", {"tier": "gold"})
ROUTE = Match(Route("GET /a/{id}", "arn"), {"id": "7"})


def request(*headers, query=""):
    received = datetime(2026, 1, 30, 10, 0, tzinfo=UTC)
    return HttpRequest("GET", "/a/7", query, headers, b"body", "127.0.0.1", "HTTP/1.1", "id-1", received)


class Function:
    def __init__(self) -> None:
        self.answer: object = {"isAuthorized": True}
        self.events: list[Mapping[str, Any]] = []
        self.now_s = 0.0

    def __call__(self, function_arn: str, event: Mapping[str, Any], *, timeout_s: float) -> InvocationResult:
        assert (function_arn, timeout_s) == ("arn:f", 10.0)
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        payload = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return InvocationResult("r", payload, "Unhandled" if payload == b"error" else None, "1", 1.0)

    def authorizer(self, *expressions: str, ttl_s: float = 60) -> LambdaAuthorizer:
        return LambdaAuthorizer(
            function_arn="arn:f",
            sources=[identity_source(expression) for expression in expressions],
            ttl_s=ttl_s,
            invoke=self,
            clock=lambda: self.now_s,
        )


@pytest.fixture
def function():
    return Function()


def status(authorizer, *headers, query="", route=ROUTE):
    try:
        authorizer.admit(request(*headers, query=query), API, route)
    except RefusedError as error:
        return error.response.status
    return 200


@pytest.mark.parametrize("ttl_s", [0, 60])
def test_decision_is_cached_for_its_time_to_live(function, ttl_s):
    authorizer, key = function.authorizer("$request.header.Key", ttl_s=ttl_s), ("key", "a")

    for now_s in (0, 59.9, 60, 119.9):
        function.now_s = now_s
        assert status(authorizer, key) == 200

    assert len(function.events) == (2 if ttl_s else 4)


def test_cached_permission_ends_with_its_time_to_live(function):
    authorizer, key = function.authorizer("$request.header.Key"), ("key", "a")
    status(authorizer, key)
    function.answer = {"isAuthorized": False}

    found = []
    for now_s in (59, 61):
        function.now_s = now_s
        found.append(status(authorizer, key))

    assert found == [200, 403]


def test_authorizer_without_identity_sources_is_invoked_for_each_request(function):
    authorizer = function.authorizer()

    assert [status(authorizer), status(authorizer)] == [200, 200]
    assert [event["identitySource"] for event in function.events] == [None, None]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$request.header.X-KEY", "h"),
        ("$request.querystring.key", "q"),
        ("$stageVariables.tier", "gold"),
        ("$context.routeKey", "GET /a/{id}"),
    ],
)
def test_identity_is_read_from_its_source(function, expression, value):
    assert status(function.authorizer(expression), ("x-key", "h"), query="key=q") == 200

    assert function.events[0]["identitySource"] == [value]


@pytest.mark.parametrize(("headers", "query"), [([], "room=1"), ([("key", "a")], ""), ([("key", "")], "room=1")])
def test_request_without_an_identity_is_unauthorized(function, headers, query):
    authorizer = function.authorizer("$request.header.Key", "$request.querystring.room")

    assert status(authorizer, *headers, query=query) == 401
    assert function.events == []


def test_repeated_header_is_one_identity(function):
    status(function.authorizer("$request.header.Key"), ("Key", "a"), ("key", "b"))

    assert function.events[0]["identitySource"] == ["a,b"]


def test_decisions_are_per_route_when_it_is_an_identity_source(function):
    authorizer, key = function.authorizer("$request.header.Key", "$context.routeKey"), ("key", "a")

    for route in (ROUTE, ROUTE, Match(Route("GET /b", "arn"), {})):
        status(authorizer, key, route=route)

    assert len(function.events) == 2


def test_decisions_are_per_stage(function):
    authorizer = function.authorizer("$request.header.Key")

    for stage in ("$default", "$default", "trial"):
        authorizer.admit(request(("key", "a")), replace(API, stage=stage), ROUTE)

    assert len(function.events) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"error",
        b"no JSON",
        None,
        [],
        {},
        {"isAuthorized": None},
        {"isAuthorized": 1},
        {"isAuthorized": True, "context": []},
        TimeoutError("late"),
        ThrottledError("f", reserved=1),
        FunctionNotFoundError("arn:f"),
    ],
)
def test_invalid_response_is_a_server_error_and_not_cached(function, answer):
    authorizer, key = function.authorizer("$request.header.Key"), ("key", "a")
    function.answer = answer

    assert status(authorizer, key) == 500

    function.answer = {"isAuthorized": True}
    assert status(authorizer, key) == 200


@pytest.mark.parametrize("context", [None, {}, {"who": "a", "n": 1, "roles": ["x"]}])
def test_context_is_the_one_of_the_function_response(function, context):
    function.answer = {"isAuthorized": True, "context": context}

    admission = function.authorizer().admit(request(), API, ROUTE)

    assert admission.context == {"lambda": context}
    assert admission.variables == (context or {})


AUTHORIZER = {
    "ApiId": "api",
    "AuthorizerType": "REQUEST",
    "AuthorizerPayloadFormatVersion": "2.0",
    "EnableSimpleResponses": True,
    "AuthorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:f/invocations",
    "IdentitySource": ["$request.header.Key"],
    "AuthorizerResultTtlInSeconds": 60,
}
INTEGRATION = {"ApiId": "api", "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": "arn"}
ROUTE_PROPERTIES = {
    "ApiId": "api",
    "RouteKey": "GET /a",
    "Target": "integrations/integration",
    "AuthorizationType": "CUSTOM",
    "AuthorizerId": "authorizer",
}


def read(function, **changes):
    """Read an API with a Lambda authorizer.

    The arguments `Route` and `Stage` change these parts. All other arguments change the authorizer.
    """
    route, stage = changes.pop("Route", {}), changes.pop("Stage", {})
    parts = {
        "Api": {"ProtocolType": "HTTP"},
        "Authorizer": {**AUTHORIZER, **changes},
        "Integration": INTEGRATION,
        "Route": {**ROUTE_PROPERTIES, **route},
        "Stage": {"ApiId": "api", **stage},
    }
    resources = tuple(
        Resource(
            stack="stack",
            logical_id=kind,
            type=f"AWS::ApiGatewayV2::{kind}",
            physical_id="$default" if kind == "Stage" else kind.lower(),
            attributes={},
            properties={name: value for name, value in properties.items() if value is not ...},
        )
        for kind, properties in parts.items()
    )
    list(
        read_http_apis(
            Deployment(resources, {}),
            ApiServices(
                issuer_keys=lambda issuer: None,
                invoke=function,
                write_log=lambda group, stream, line: None,
                region="us-east-1",
                account="123456789012",
            ),
        )
    )


def test_lambda_authorizer_is_read(function):
    read(function)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AuthorizerPayloadFormatVersion": "1.0"}, "AuthorizerPayloadFormatVersion.*only 2.0"),
        ({"AuthorizerPayloadFormatVersion": ...}, "AuthorizerPayloadFormatVersion.*only 2.0"),
        ({"EnableSimpleResponses": ...}, "EnableSimpleResponses.*only simple responses"),
        ({"AuthorizerUri": "arn:f"}, "AuthorizerUri.*'arn:f' names no function"),
        ({"IdentitySource": ...}, "IdentitySource.*is required where results are cached"),
        ({"IdentitySource": ["$request.body.key"]}, "IdentitySource.*is not an implemented identity source"),
        ({"IdentitySource": ["$context.requestId"]}, "IdentitySource.*is not an implemented identity source"),
        ({"AuthorizerType": "OTHER"}, "AuthorizerType.*none of JWT and REQUEST"),
        ({"Route": {"AuthorizationType": "AWS_IAM"}}, "AuthorizationType.*AWS_IAM is not implemented"),
        ({"Route": {"AuthorizationType": "JWT"}}, "AuthorizerId.*is not an authorizer of this API for JWT"),
        ({"Route": {"AuthorizerId": "other"}}, "AuthorizerId.*'other' is not an authorizer of this API for CUSTOM"),
        ({"Stage": {"RouteSettings": {"GET /b": {}}}}, "RouteSettings.*there is no route 'GET /b'"),
    ],
)
def test_unsupported_property_is_an_error(function, changes, reason):
    with pytest.raises(DeploymentError, match=reason):
        read(function, **changes)
