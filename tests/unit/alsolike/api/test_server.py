import contextlib
import http.client
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given

from alsolike.api import server
from alsolike.api.path_ids import path_id, path_segment
from alsolike.api.server import FunctionServer, Routes, event_of
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.http import respond
from local_cloud.gateway.request import ApiContext, payload_event
from local_cloud.gateway.routes import Match, Route
from local_cloud.http_server import HttpRequest
from tests.unit.alsolike.records import ids

PATH = "/personalize/items/a%20b/similar?numResults=3&metadata=A&metadata=B%2C"
HEADERS = [("Host", "api.shop.example"), ("X-Two", "1"), ("x-two", "2")]


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch):
    """Let requests and idle connections live for a minute, because a busy machine may stop the process for 20 s."""
    monkeypatch.setattr(server, "TIMEOUT_S", 60)
    monkeypatch.setattr(server._Request, "timeout", 60)


@contextlib.contextmanager
def running(handler, *, prepared=True):
    with FunctionServer(("127.0.0.1", 0), "recommend", lambda: handler) as one:
        if prepared:
            one.prepare()
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield one
        finally:
            one.stop()
            thread.join()


def call(one, path, *, headers=MappingProxyType({})):
    connection = http.client.HTTPConnection("127.0.0.1", one.server_port, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    finally:
        connection.close()


def echo(event, context):
    return respond({"event": event, "remaining_ms": context.get_remaining_time_in_millis()}, status=201)


def test_handler_gets_the_event_and_its_response_is_sent():
    with running(echo) as one:
        status, document = call(one, PATH, headers={"X-Two": "1"})

    assert status == 201
    assert document["event"]["routeKey"] == "GET /personalize/items/{itemId}/similar"
    assert document["event"]["pathParameters"] == {"itemId": "a b"}
    assert document["event"]["headers"]["x-two"] == "1"
    assert 0 < document["remaining_ms"] <= server.TIMEOUT_S * 1000


@pytest.mark.parametrize(("target", "body"), [(PATH, b""), ("/personalize/items/~YQ/similar", b'{"a": 1}')])
def test_event_has_the_fields_of_an_http_api(target, body):
    path, _, query = target.partition("?")
    match = Routes("recommend").match("GET", path)
    assert match is not None
    request = HttpRequest("GET", path, query, HEADERS, body, "10.0.0.1", "HTTP/1.1", "r1", datetime.now(UTC))
    api = ApiContext("id", "123456789012", "eu-west-1", "$default", {})
    expected = payload_event(request, api, Match(Route(match[0], "arn"), match[1]))

    event = event_of("GET", target, HEADERS, body, route=match, source_ip="10.0.0.1", request_id="r1")

    text, is_base64 = event.pop("body", ""), event.pop("isBase64Encoded")
    assert (text, is_base64) == (("", False) if not body else ("eyJhIjogMX0=", True))
    for part, whole in ((event, expected), (event["requestContext"], expected["requestContext"])):
        assert {**whole, **part} == whole | ({"requestContext": event["requestContext"]} if part is event else part)
    http = event["requestContext"]["http"]
    assert http == {name: expected["requestContext"]["http"][name] for name in http}


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", "/personalize/recommendations", "POST /personalize/recommendations"),
        ("GET", "/personalize/users/42/recommendations", "GET /personalize/users/{userId}/recommendations"),
        ("GET", "/recommendations", None),
        ("POST", "/personalize/events", None),
        ("GET", "/personalize/items/a/b/similar", None),
    ],
)
def test_routes_are_those_of_the_function(method, path, key):
    match = Routes("recommend").match(method, path)

    assert (match and match[0]) == key


def test_server_is_live_before_it_is_ready():
    with running(echo, prepared=False) as one:
        assert [call(one, path)[0] for path in ("/healthz", "/readyz", PATH)] == [200, 503, 503]
        one.prepare()
        assert [call(one, path)[0] for path in ("/healthz", "/readyz", PATH)] == [200, 200, 201]


def test_failed_handler_is_an_error_of_the_server():
    def failing(event, context):
        raise KeyError("secret")

    with running(failing) as one:
        assert call(one, PATH) == (500, {"message": "Internal Server Error"})
        assert call(one, "/readyz")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 404),
        ("POST", "/personalize/recommendations", {"Content-Length": "x"}, 400),
        ("POST", "/personalize/recommendations", {"Content-Length": "-1"}, 400),
        ("POST", "/personalize/recommendations", {"Transfer-Encoding": "chunked"}, 400),
        ("POST", "/personalize/recommendations", {"Content-Length": str(11 * 1024 * 1024)}, 413),
        ("PUT", "/personalize/recommendations", {}, 501),
    ],
)
def test_request_of_another_form_is_refused(method, path, headers, status):
    with running(echo) as one:
        connection = http.client.HTTPConnection("127.0.0.1", one.server_port, timeout=60)
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


def test_requests_enter_the_handler_one_at_a_time():
    inside: list[int] = []
    overlaps: list[int] = []

    def counting(event, context):
        inside.append(1)
        overlaps.append(sum(inside))
        sum(range(20_000))
        inside.pop()
        return respond({})

    with running(counting) as one, ThreadPoolExecutor(8) as pool:
        statuses = [status for status, _ in pool.map(lambda _: call(one, PATH), range(24))]

    assert statuses == [200] * 24
    assert overlaps == [1] * 24


def test_stop_waits_for_the_request_in_progress():
    entered, leave = threading.Event(), threading.Event()

    def slow(event, context):
        entered.set()
        assert leave.wait(60)
        return respond({})

    with ThreadPoolExecutor(1) as pool:
        with running(slow) as one:
            answer = pool.submit(call, one, PATH)
            assert entered.wait(60)
            one.stop()
            assert not one.is_ready
            assert not answer.done()
            leave.set()
        assert answer.result(timeout=60)[0] == 200


def test_waiting_request_is_refused_at_its_deadline(monkeypatch):
    entered, leave = threading.Event(), threading.Event()

    def slow(event, context):
        entered.set()
        leave.wait(60)
        return respond({})

    monkeypatch.setattr(server, "TIMEOUT_S", 0.05)
    with running(slow) as one:
        first = threading.Thread(target=call, args=(one, PATH))
        first.start()
        assert entered.wait(60)
        assert call(one, PATH)[0] == 503
        leave.set()
        first.join(60)


@pytest.mark.parametrize("arguments", [[], ["observe"], ["collect", "recommend"]])
def test_other_arguments_are_refused(arguments, capsys):
    assert server.main(arguments) == 2
    assert "expected one of collect, recommend" in capsys.readouterr().err


def test_every_served_function_has_routes():
    keys: dict[str, Callable[[str, str], Any]] = {name: Routes(name).match for name in server.SERVED_FUNCTIONS}

    assert keys["collect"]("POST", "/personalize/events")
    assert keys["recommend"]("GET", "/personalize/search")


def read(segment):
    return path_id({"pathParameters": {"itemId": segment}}, "itemId")


@example("a\ufffd")
@given(ids)
def test_id_survives_its_path_segment_unchanged(row_id):
    segment = path_segment(row_id)

    assert re.fullmatch(r"~?[A-Za-z0-9_-]+", segment)
    assert unquote(segment) == quote(segment) == segment
    assert read(segment) == row_id


@pytest.mark.parametrize("row_id", ["sku-7", "ü", "a.b", "a b", "a:b@c"])
def test_percent_encoded_id_is_decoded(row_id):
    assert read(unquote(quote(row_id))) == row_id


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("~!", r'itemId is "~!", expected base64url after ~'),
        ("~a", r'itemId is "~a", expected base64url after ~'),
        ("~_w", r'itemId is "~_w", expected base64url after ~'),  # The byte 0xff.
        ("~", r'itemId is "", expected a non-empty string'),
        ("~AA", r'itemId is "\\u0000", expected a non-empty string|itemId is .* expected no control characters'),
        (" ", r'itemId is " ", expected a non-empty string'),
        (
            unquote("a%FF"),
            r'itemId is "a\ufffd", expected UTF-8; an id that has U\+FFFD is written in base64url after ~',
        ),
        ("x" * 257, r"itemId has 257 characters, expected at most 256"),
    ],
)
def test_invalid_path_segment_is_refused(segment, message):
    with pytest.raises(InvalidInput, match=f"^(?:{message})$"):
        read(segment)


def test_request_without_a_path_id_is_refused():
    with pytest.raises(InvalidInput, match=r"^itemId is missing, expected a non-empty string$"):
        path_id({}, "itemId")
