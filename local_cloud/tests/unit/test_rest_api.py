"""Private REST APIs: read from a template, and their policy, events, authorizers, limits and responses."""

import json
import time
from contextlib import contextmanager
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_cloud.deployment import Deployment, DeploymentError, Resource
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.deployed import ApiServices
from local_cloud.gateway.deployed_rest import read_rest_apis
from local_cloud.gateway.rest_api import RestApiServer
from local_cloud.http_server import HttpRequest

KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
ENDPOINT = "vpce-0a1b"
ARN = "arn:aws:execute-api:us-east-1:123456789012:api"


def uri(function):
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"


def operation(function, **security):
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri(function)}
    return {"x-amazon-apigateway-integration": integration, **({"security": [security]} if security else {})}


def statement(effect, operator, **changes):
    return {
        "Effect": effect,
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
        "Condition": {operator: {"aws:SourceVpce": ENDPOINT}},
        **changes,
    }


POLICY = [statement("Allow", "StringEquals"), statement("Deny", "StringNotEquals")]
SESSIONS = {
    "type": "request",
    "authorizerUri": uri("doorman"),
    "identitySource": "method.request.querystring.key",
    "authorizerResultTtlInSeconds": 60,
}


def document(*, policy=POLICY, sessions=SESSIONS, **paths):
    return {
        "paths": {
            "/items/{id}": {"get": operation("echo"), "put": operation("echo")},
            "/tokens": {"get": operation("echo", Tokens=["shop/read", "shop/admin"])},
            "/sessions": {"get": operation("echo", Sessions=[])},
            "/others": {"get": operation("echo", Sessions=[])},
            **paths,
        },
        "components": {
            "securitySchemes": {
                "Tokens": {
                    "name": "Authorization",
                    "x-amazon-apigateway-authorizer": {
                        "type": "cognito_user_pools",
                        "providerARNs": ["arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_pool"],
                    },
                },
                "Sessions": {"x-amazon-apigateway-authorizer": sessions},
            }
        },
        "x-amazon-apigateway-policy": {"Statement": policy},
    }


def read(*, body=None, endpoint=None, stage=None):
    properties = {
        "Api": {
            "Name": "shop",
            "Body": document() if body is None else body,
            "EndpointConfiguration": endpoint or {"Types": ["PRIVATE"], "VpcEndpointIds": [ENDPOINT]},
        },
        "Stage": {"RestApiId": "api", "StageName": "v1", **(stage or {})},
    }
    types = {"Api": ("AWS::ApiGateway::RestApi", "api"), "Stage": ("AWS::ApiGateway::Stage", "v1")}
    resources = tuple(Resource("stack", name, *types[name], {}, values) for name, values in properties.items())
    (api,) = read_rest_apis(
        Deployment(resources, {}),
        ApiServices(
            issuer_keys=lambda issuer: {"keys": [KEY.as_dict(private=False)]} if issuer == ISSUER else None,
            invoke=doorman,
            write_log=lambda group, stream, line: LINES.append(line),
            region="us-east-1",
            account="123456789012",
        ),
    )
    return api


AUTHORIZER_EVENTS: list[Any] = []
METRICS: list[Any] = []
LINES: list[str] = []


def doorman(function_arn, event, *, timeout_s):
    """Permit the key `good` on one route and `any` on all, deny `bad`, and return no policy for `broken`."""
    assert function_arn == "doorman"
    AUTHORIZER_EVENTS.append(event)
    key = event["queryStringParameters"]["key"]
    if key == "broken":
        return InvocationResult("r", b'{"isAuthorized": true}', None, "1", 1.0)
    resource = f"{ARN}/v1/*" if key == "any" else f"{ARN}/v1/GET/sessions"
    policy: dict[str, Any] = {"Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}]}
    if key == "bad":
        policy["Statement"][0]["Effect"] = "Deny"
    answer = {"principalId": "p", "policyDocument": policy, "context": {"who": "anna", "n": 1, "ok": True}}
    return InvocationResult("r", json.dumps(answer).encode(), None, "1", 1.0)


def echo(function_arn, event, *, timeout_s):
    answer = {"statusCode": 200, "headers": {"x": "y"}, "body": json.dumps(event)}
    return InvocationResult("r", json.dumps(answer).encode(), None, "1", 1.0)


@contextmanager
def serving(api, invoke=echo):
    def take(namespace, name, value, /, *, unit="Count", **dimensions):
        METRICS.append((namespace, name, value, dimensions))

    server = RestApiServer(api, invoke=invoke, metric=take, max_environments=4)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server():
    for each in (AUTHORIZER_EVENTS, METRICS, LINES):
        each.clear()
    with serving(read()) as server:
        yield server


def send(server, path, *, method="GET", query="", host=None, body=b"", headers=()):
    host = f"127.0.0.1:{server.server_port}" if host is None else host
    sent = [("Host", host), *headers]
    return server.serve(HttpRequest(method, path, query, sent, body, "127.0.0.1", "HTTP/1.1", "id-1"))


def received(response):
    assert response.status == 200, response.body
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (None, 200),
        (f"api-{ENDPOINT}.execute-api.us-east-1.amazonaws.com", 200),
        ("api-vpce-9999.execute-api.us-east-1.amazonaws.com", 403),
        ("api.execute-api.us-east-1.amazonaws.com", 403),
        (f"other-{ENDPOINT}.execute-api.us-east-1.amazonaws.com", 403),
        ("", 403),
    ],
)
def test_only_the_endpoint_of_the_policy_is_served(server, host, status):
    assert send(server, "/v1/items/1", host=host).status == status


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (POLICY[:1], 200),
        (POLICY[1:], 403),
        ([], 403),
        ([statement("Allow", "StringEquals", Resource="execute-api:/v1/GET/items/*")], 200),
        ([statement("Allow", "StringEquals", Resource="execute-api:/v1/POST/*")], 403),
        ([statement("Allow", "StringEquals", Condition={})], 200),
    ],
)
def test_resource_policy_decides(policy, status):
    with serving(read(body=document(policy=policy))) as server:
        assert send(server, "/v1/items/1").status == status


def test_event_has_the_encoded_path_and_the_decoded_query(server):
    response = send(
        server,
        "/v1/items/a%20b%2Fc",
        method="PUT",
        query="x=1&x=2%203&empty=",
        body=b'{"n": 1}',
        headers=[("X-Name", "1"), ("X-Name", "2"), ("Content-Type", "application/json")],
    )

    event = received(response)
    assert (event["resource"], event["httpMethod"], event["path"]) == ("/items/{id}", "PUT", "/items/a%20b%2Fc")
    assert event["requestContext"]["path"] == "/v1/items/a%20b%2Fc"
    assert event["pathParameters"] == {"id": "a%20b%2Fc"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2 3"], "empty": [""]}
    assert event["queryStringParameters"] == {"x": "2 3", "empty": ""}
    assert event["multiValueHeaders"]["X-Name"] == ["1", "2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert ("x", "y") in response.headers


def test_absent_parts_of_the_event_are_null(server):
    event = received(send(server, "/v1/items/1"))

    assert [event[name] for name in ("body", "queryStringParameters", "stageVariables")] == [None, None, None]


def token(**claims):
    stated = {"iss": ISSUER, "client_id": "c", "exp": int(time.time()) + 60, "scope": "shop/read", **claims}
    return jwt.encode({"alg": "RS256", "kid": "one"}, stated, KEY, algorithms=["RS256"])


@pytest.mark.parametrize(
    ("claims", "status"),
    [({}, 200), ({"client_id": "another"}, 200), ({"scope": "other"}, 401), ({"iss": "other"}, 401), ({"exp": 1}, 401)],
)
def test_token_of_the_user_pool_with_a_scope_is_accepted(server, claims, status):
    answer = send(server, "/v1/tokens", headers=[("Authorization", f"Bearer {token(**claims)}")])

    assert answer.status == status
    assert send(server, "/v1/tokens").status == 401


def test_claims_are_strings_and_lists_have_commas(server):
    header = ("Authorization", token(**{"cognito:groups": ["a", "b"], "auth_time": 7}))

    claims = received(send(server, "/v1/tokens", headers=[header]))["requestContext"]["authorizer"]["claims"]

    assert (claims["cognito:groups"], claims["auth_time"], claims["scope"]) == ("a,b", "7", "shop/read")


def test_policy_of_the_authorizer_decides_on_later_requests_too(server):
    found = [
        send(server, path, query=f"key={key}").status
        for key in ("good", "any")
        for path in ("/v1/sessions", "/v1/others")
    ]

    assert found == [200, 403, 200, 200]
    assert len(AUTHORIZER_EVENTS) == 2
    assert AUTHORIZER_EVENTS[0]["methodArn"] == f"{ARN}/v1/GET/sessions"
    assert AUTHORIZER_EVENTS[0]["type"] == "REQUEST"
    assert "body" not in AUTHORIZER_EVENTS[0]


def test_context_of_the_authorizer_is_passed_as_strings(server):
    context = received(send(server, "/v1/sessions", query="key=any"))["requestContext"]["authorizer"]

    assert context == {"principalId": "p", "who": "anna", "n": "1", "ok": "true", "integrationLatency": 0}


@pytest.mark.parametrize(("query", "status"), [("", 401), ("key=bad", 403), ("key=broken", 500)])
def test_request_without_a_permitting_policy_is_refused(server, query, status):
    assert send(server, "/v1/sessions", query=query).status == status


def test_unknown_route_is_a_missing_token(server):
    assert json.loads(send(server, "/v1/unknown").body) == {"message": "Missing Authentication Token"}
    assert send(server, "/v1/items/1", method="DELETE").status == 403


def failing(error):
    def invoke(function_arn, event, *, timeout_s):
        if isinstance(error, Exception):
            raise error
        return InvocationResult("r", error, "Unhandled" if error == b"error" else None, "1", 1.0)

    return invoke


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TimeoutError("slow"), 504),
        (ThrottledError("busy"), 500),
        (FunctionNotFoundError("none"), 500),
        (b"error", 502),
        (b"null", 502),
        (b'{"a": 1}', 502),
        (b'{"statusCode": 200, "multiValueHeaders": {}}', 502),
        (b'{"statusCode": "x"}', 502),
        (b'{"statusCode": 304}', 304),
    ],
)
def test_failure_of_the_function_has_the_status_of_rest_apis(error, status):
    with serving(read(), failing(error)) as server:
        assert send(server, "/v1/items/1").status == status


def test_requests_are_counted_by_the_name_of_the_api(server):
    send(server, "/v1/unknown")

    assert {(name, value) for _, name, value, _ in METRICS if name != "Latency"} == {
        ("Count", 1),
        ("4XXError", 1),
        ("5XXError", 0),
    }
    assert {tuple(dimensions.items()) for *_, dimensions in METRICS} == {(("ApiName", "shop"),)}


def test_methods_have_their_limits_and_the_log_its_format():
    settings = [
        {"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 2},
        {"HttpMethod": "GET", "ResourcePath": "/~1items~1{id}", "ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 1},
    ]
    log = {"DestinationArn": "arn:aws:logs:r:a:log-group:group", "Format": "$context.httpMethod $context.resourcePath"}
    LINES.clear()
    with serving(read(stage={"MethodSettings": settings, "AccessLogSetting": log})) as server:
        found = [send(server, "/v1/items/1", method=method).status for method in ("GET", "GET", "PUT", "PUT", "PUT")]

    assert found == [200, 429, 200, 200, 429]
    assert LINES[0] == "GET /items/{id}"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoint": {"Types": ["REGIONAL"]}}, "EndpointConfiguration.*only private"),
        ({"body": "s3"}, "Body.*OpenAPI document"),
        ({"body": document(policy=[statement("Allow", "IpAddress")])}, "Body.*IpAddress"),
        ({"body": document(policy=[statement("Allow", "StringEquals", Principal={"AWS": "a"})])}, "all principals"),
        ({"body": document(sessions={**SESSIONS, "identitySource": "context.path"})}, "not implemented"),
        ({"body": document(sessions={"type": "token"})}, "'token' is not implemented"),
        ({"body": document(**{"/x": {"get": {}}})}, "GET /x has no Lambda proxy integration"),
        ({"body": document(**{"/x": {"get": operation("f", Tokens=[], Sessions=[])}})}, "several authorizers"),
        ({"stage": {"MethodSettings": [{"HttpMethod": "GET", "ResourcePath": "/~1x"}]}}, "no method 'GET /x'"),
        (
            {"stage": {"AccessLogSetting": {"DestinationArn": "arn:aws:firehose:r:a:b"}}},
            "DestinationArn.*not a log group",
        ),
        ({"stage": {"MethodSettings": [{"HttpMethod": "*", "ResourcePath": "/*", "CachingEnabled": True}]}}, "Caching"),
    ],
)
def test_unsupported_part_of_a_template_is_an_error(changes, reason):
    with pytest.raises(DeploymentError, match=reason):
        read(**changes)
