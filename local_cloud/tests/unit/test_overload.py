"""Requests above the gateway's limit, which are rejected immediately while others are served."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from local_cloud.execution.function import InvocationResult
from local_cloud.gateway.authorizers import Admission, RefusedError
from local_cloud.gateway.http_api import HttpApi, HttpApiServer, Stage, TimedInvocations
from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.response import message_response
from local_cloud.gateway.routes import Match, Route, RouteTable
from local_cloud.gateway.throttling import Throttle
from local_cloud.http_server import HttpRequest, HttpResponse

API = ApiContext("abc123", "123456789012", "us-east-1", "$default", {})
GUARD = "guard"
MAX_PENDING = 6


class Guard:
    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        raise RefusedError(message_response(403, "Forbidden"), "refused")


class Overload:
    """API with the functions `slow`, which responds after `finish`, and `quick`.

    The route `closed` has an authorizer.
    """

    def __init__(self) -> None:
        self._finished = threading.Event()
        self._running = threading.Semaphore(0)
        self._invocations = TimedInvocations(self._invoke)
        self._threads = ThreadPoolExecutor(4 * MAX_PENDING)
        routes = [Route(f"GET /{name}", name) for name in ("slow", "quick")]
        routes += [Route("GET /closed", "slow", authorizer_id=GUARD)]
        api = HttpApi(
            api_id=API.api_id,
            name="shop",
            routes=RouteTable(routes),
            stages={"$default": Stage(API, Throttle({}, {}))},
            authorizers={GUARD: Guard()},
            cors=None,
        )
        self.metrics: list[tuple[str, float, dict[str, str]]] = []
        self.server = HttpApiServer(api, invoke=self._invocations, metric=self._take, max_environments=1)

    def send(self, path: str) -> Future[HttpResponse]:
        request = HttpRequest(
            "GET", path, "", (), b"", "127.0.0.1", "HTTP/1.1", "id", datetime(2026, 1, 30, tzinfo=UTC)
        )
        return self._threads.submit(self.server.serve, request)

    def fill(self) -> list[Future[HttpResponse]]:
        sent = [self.send("/slow") for _ in range(MAX_PENDING)]
        for _ in sent:
            assert self._running.acquire(timeout=60)
        return sent

    def finish(self) -> None:
        self._finished.set()

    def close(self) -> None:
        self.finish()
        self.server.stop()
        self._invocations.close()
        self._threads.shutdown()

    def _take(self, _namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str) -> None:
        self.metrics.append((name, value, dimensions))

    def _invoke(self, function_arn: str, payload: bytes) -> InvocationResult:
        if function_arn == "slow":
            self._running.release()
            self._finished.wait(60)
        return InvocationResult("id", b"{}", error=None, executed_version="1", duration_ms=1.0)


@pytest.fixture
def overload():
    overload = Overload()
    try:
        yield overload
    finally:
        overload.close()


def test_request_above_the_limit_is_refused_while_others_run(overload):
    within = overload.fill()

    refused = overload.send("/slow").result(60)

    assert (refused.status, refused.body) == (429, b'{"message":"Too Many Requests"}')
    assert dict(refused.headers)["Retry-After"] == "1"
    assert not any(answer.done() for answer in within)
    overload.finish()
    assert [answer.result(60).status for answer in within] == [200] * MAX_PENDING


def test_completed_requests_free_their_places(overload):
    within = overload.fill()
    overload.finish()
    for answer in within:
        answer.result(60)

    assert [overload.send("/slow").result(60).status for _ in range(2 * MAX_PENDING)] == [200] * 2 * MAX_PENDING


def test_overload_of_one_function_does_not_affect_others(overload):
    overload.fill()

    assert overload.send("/quick").result(60).status == 200


def test_refusal_by_an_authorizer_frees_the_place(overload):
    refused = [overload.send("/closed").result(60).status for _ in range(2 * MAX_PENDING)]

    assert refused == [403] * 2 * MAX_PENDING
    assert len(overload.fill()) == MAX_PENDING


def test_authorizer_is_not_invoked_for_an_overloaded_function(overload):
    overload.fill()

    assert overload.send("/closed").result(60).status == 429


def test_refused_requests_are_counted(overload):
    overload.fill()
    for _ in range(3):
        overload.send("/slow").result(60)

    assert overload.server.counts() == {"429": 3}
    dimensions = {"ApiId": "abc123"}
    assert overload.metrics[:3] == [("Count", 1, dimensions), ("4xx", 1, dimensions), ("5xx", 0, dimensions)]


def test_invocation_that_does_not_start_in_time_is_never_run(monkeypatch):
    monkeypatch.setattr("local_cloud.gateway.http_api._MAX_CONCURRENT", 1)
    running, finished, invoked = threading.Event(), threading.Event(), []

    def invoke(function_arn, payload):
        invoked.append(function_arn)
        running.set()
        finished.wait(60)
        return InvocationResult("id", b"{}", error=None, executed_version="1", duration_ms=1.0)

    invocations = TimedInvocations(invoke)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(invocations, "first", {}, timeout_s=60)
        assert running.wait(60)
        with pytest.raises(TimeoutError, match=r"has not answered within 0\.01 s"):
            invocations("second", {}, timeout_s=0.01)
        finished.set()
        first.result(60)
    invocations("third", {}, timeout_s=60)
    invocations.close()

    assert invoked == ["first", "third"]
