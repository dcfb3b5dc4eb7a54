import base64
import http.client
import json
from datetime import UTC, datetime

import pytest

from local_cloud.gateway.access_log import Served, access_line
from local_cloud.gateway.cors import Cors
from local_cloud.gateway.request import ApiContext, encoded_body, payload_event
from local_cloud.gateway.response import function_response
from local_cloud.gateway.routes import Match, Route, RouteTable
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer

API = ApiContext("abc123", "123456789012", "us-east-1", "$default", {})


def request(method="GET", headers=(), query=""):
    received = datetime(2026, 1, 30, 10, 0, tzinfo=UTC)
    return HttpRequest(method, "/a", query, headers, b"", "127.0.0.1", "HTTP/1.1", "id-1", received)


def table(*keys):
    return RouteTable(Route(key, f"arn of {key}") for key in keys)


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{kind}/{id}"),
        ("GET", "/pets/a/b/c", "GET /pets/{proxy+}"),
        ("POST", "/pets/dog/1", "ANY /pets/{proxy+}"),
        ("POST", "/elsewhere", "$default"),
    ],
)
def test_most_specific_route_is_taken(method, path, key):
    routes = table(
        "$default",
        "ANY /pets/{proxy+}",
        "GET /pets/{proxy+}",
        "GET /pets/{kind}/{id}",
        "GET /pets/dog/{id}",
        "GET /pets/dog/1",
    )

    match = routes.match(method, path)

    assert match is not None
    assert match.route.key == key


def test_path_variables_are_decoded_and_a_greedy_one_has_the_rest():
    match = table("GET /s/{user-id}/{rest+}").match("GET", "/s/a%20b/c/d")

    assert match is not None
    assert match.parameters == {"user-id": "a b", "rest": "c/d"}


def test_greedy_variable_matches_a_trailing_slash():
    routes = table("POST /personalize", "POST /personalize/{proxy+}")

    match = routes.match("POST", "/personalize/")

    assert match is not None
    assert (match.route.key, match.parameters) == ("POST /personalize/{proxy+}", {"proxy": ""})
    assert routes.match("POST", "/personalize/") != routes.match("POST", "/personalize")


def test_variable_does_not_match_an_empty_segment_or_a_slash():
    routes = table("GET /s/{id}")

    assert routes.match("GET", "/s/") is None
    assert routes.match("GET", "/s/a/b") is None
    assert routes.match("POST", "/s/a") is None


def test_repeated_headers_are_joined_and_cookies_separate():
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2"), ("Cookie", "c=3")]

    event = payload_event(request(headers=headers), API, Match(Route("k", "arn"), {}))

    assert event["headers"] == {"x-a": "1,2"}
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert not {"body", "queryStringParameters", "pathParameters", "stageVariables"} & set(event)


@pytest.mark.parametrize(
    ("content_type", "is_base64"),
    [
        ("text/csv; charset=utf-8", False),
        ("application/json", False),
        ("application/problem+json", False),
        (None, False),
        ("application/octet-stream", True),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=x", True),
    ],
)
def test_content_type_determines_base64(content_type, is_base64):
    assert encoded_body(b"abc", content_type) == (base64.b64encode(b"abc").decode() if is_base64 else "abc", is_base64)


def test_invalid_utf8_is_encoded_in_base64():
    assert encoded_body(b"\xff", "application/json") == ("/w==", True)


@pytest.mark.parametrize(
    ("payload", "status", "body"),
    [
        (b'{"a": 1}', 200, b'{"a":1}'),
        (b'"text"', 200, b"text"),
        (b"null", 200, b"null"),
        (b'{"statusCode": 404, "body": "no"}', 404, b"no"),
        (b'{"statusCode": "201"}', 201, b""),
        (b'{"statusCode": 200, "body": "YWI=", "isBase64Encoded": true}', 200, b"ab"),
        (b'{"statusCode": 99}', 500, b'{"message":"Internal Server Error"}'),
        (b'{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}', 500, b'{"message":"Internal Server Error"}'),
        (b'{"statusCode": 200, "headers": "x"}', 500, b'{"message":"Internal Server Error"}'),
        (b"oops", 500, b'{"message":"Internal Server Error"}'),
    ],
)
def test_function_response_is_mapped(payload, status, body):
    response = function_response(payload)

    assert (response.status, response.body) == (status, body)


def test_preflight_response_has_the_allowed_methods_and_headers():
    cors = Cors({"AllowOrigins": ["*"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-a"], "MaxAge": 60})
    headers = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")]

    response = cors.preflight(request("OPTIONS", headers))

    assert response is not None
    assert dict(response.headers) == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "60",
    }
    assert cors.preflight(request("OPTIONS", headers[:1])) is None


def test_cors_headers_of_a_function_are_replaced():
    cors = Cors({"AllowOrigins": ["https://a.example"], "AllowCredentials": True})
    response = HttpResponse(200, (("Access-Control-Allow-Origin", "*"), ("X-A", "1")), b"")

    decorated = cors.decorate(request(headers=[("Origin", "https://a.example")]), response)

    assert decorated.headers == (
        ("X-A", "1"),
        ("access-control-allow-origin", "https://a.example"),
        ("vary", "origin"),
        ("access-control-allow-credentials", "true"),
    )


def test_access_log_has_hyphens_for_unknown_variables():
    served = Served(request(), HttpResponse(200, (), b"abcd"), API, "GET /a", 12.7, {"claims.sub": "me"})
    format_text = json.dumps({"r": "$context.routeKey", "n": "$context.responseLength", "x": "$context.unknown.name"})

    line = access_line(f"{format_text} $context.authorizer.claims.sub $context.status.", served)

    assert line == '{"r": "GET /a", "n": "4", "x": "-"} me 200.'


@pytest.mark.parametrize("path", ["//recommendations", "/recommendations/", "///", "/recommendations//", "//host/a"])
def test_slashes_of_a_path_are_passed_unchanged_to_routes(path):
    seen: list[HttpRequest] = []

    class Server(HttpServer):
        def serve(self, request: HttpRequest) -> HttpResponse:
            seen.append(request)
            return HttpResponse(200)

    server = Server()
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("GET", f"{path}?a=1?")
        connection.getresponse().read()
    finally:
        server.stop()

    assert [(request.path, request.query) for request in seen] == [(path, "a=1?")]
    assert table("POST /recommendations").match("POST", path) is None
