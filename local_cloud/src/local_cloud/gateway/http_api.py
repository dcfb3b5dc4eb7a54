"""Server of an HTTP API on a separate port: stage, route, authorizer, function and response."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.access_log import Served
from local_cloud.gateway.authorizers import Admission, Authorizer, RefusedError
from local_cloud.gateway.cors import Cors
from local_cloud.gateway.request import ApiContext, payload_event
from local_cloud.gateway.response import (
    function_response,
    internal_server_error,
    message_response,
    service_unavailable,
)
from local_cloud.gateway.routes import Match, RouteTable
from local_cloud.gateway.throttling import Throttle
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer
from local_cloud.telemetry.log_sender import TakeMetric

LARGEST_BODY_BYTES = 10 * 1024 * 1024
DEFAULT_STAGE = "$default"
_MAX_CONCURRENT = 64
_PENDING_PER_ENVIRONMENT = 6
"""Maximum number of requests per execution environment of a function. One runs, and the others wait.

Only the embedded cloud has this limit. Lambda would start an environment for each concurrent request.
"""
_RETRY_AFTER = ("Retry-After", "1")


@dataclass(frozen=True, slots=True)
class Stage:
    api: ApiContext
    throttle: Throttle
    write_access: Callable[[Served], None] | None = None


@dataclass(frozen=True, slots=True)
class HttpApi:
    api_id: str
    name: str
    routes: RouteTable
    stages: Mapping[str, Stage]
    authorizers: Mapping[str, Authorizer]
    cors: Cors | None


class TimedInvocations:
    """Invocations with a time limit. After the limit, a started function continues to run, as on AWS."""

    def __init__(self, invoke: Callable[[str, bytes], InvocationResult]) -> None:
        self._invoke = invoke
        self._threads = ThreadPoolExecutor(_MAX_CONCURRENT, thread_name_prefix="integration")

    def __call__(self, function_arn: str, event: Mapping[str, Any], *, timeout_s: float) -> InvocationResult:
        invocation = self._threads.submit(self._invoke, function_arn, json.dumps(event).encode())
        try:
            return invocation.result(timeout_s)
        except TimeoutError:
            invocation.cancel()  # has an effect only if the invocation has not started
            raise TimeoutError(f"the function has not answered within {timeout_s} s") from None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class HttpApiServer(HttpServer):
    """Server of an HTTP API.

    Up to `_PENDING_PER_ENVIRONMENT * max_environments` requests per function run or wait. Others get the status 429.
    """

    def __init__(
        self,
        api: HttpApi,
        *,
        invoke: TimedInvocations,
        metric: TakeMetric,
        max_environments: int,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._api = api
        self._metric = metric
        self._invoke = invoke
        self._max_pending = _PENDING_PER_ENVIRONMENT * max_environments
        self._capacity: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()
        self._statuses: dict[str, int] = {}
        super().__init__(port=port, tls=tls)

    @property
    def url(self) -> str:
        """URL of the API. It ends with the first stage if the API has stages but no default stage."""
        stages = self._api.stages
        if DEFAULT_STAGE in stages or not stages:
            return super().url
        return f"{super().url}/{next(iter(stages))}"

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._statuses)

    def serve(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        stage, path = self._stage(request.path)
        if stage is None:
            return self._count(message_response(404, "Not Found"))
        served = Served(request, message_response(404, "Not Found"), stage.api)
        response = self._respond(served, stage, path)
        if self._api.cors and self._api.cors.preflight(request) is None:
            response = self._api.cors.decorate(request, response)
        served.response = replace(response, headers=(*response.headers, ("apigw-requestid", request.request_id)))
        served.latency_ms = (time.monotonic() - started) * 1000
        if stage.write_access:
            stage.write_access(served)
        self._record_metrics(served.response, latency_ms=served.latency_ms)
        return self._count(served.response)

    def _record_metrics(self, response: HttpResponse, *, latency_ms: float) -> None:
        client_errors, server_errors, dimensions = self._metrics()
        self._metric("AWS/ApiGateway", "Count", 1, **dimensions)
        self._metric("AWS/ApiGateway", client_errors, int(400 <= response.status < 500), **dimensions)
        self._metric("AWS/ApiGateway", server_errors, int(response.status >= 500), **dimensions)
        self._metric("AWS/ApiGateway", "Latency", latency_ms, unit="Milliseconds", **dimensions)

    def _metrics(self) -> tuple[str, str, dict[str, str]]:
        """Return the names of the metrics of client and server errors, and the dimensions of all metrics."""
        return "4xx", "5xx", {"ApiId": self._api.api_id}

    @property
    def address(self) -> str:
        """URL of the API without a stage."""
        return super().url

    def _stage(self, path: str) -> tuple[Stage | None, str]:
        """Return the stage of a path, and the path for the route table."""
        first, _, rest = path.removeprefix("/").partition("/")
        if first in self._api.stages:
            return self._api.stages[first], f"/{rest}"
        return self._api.stages.get(DEFAULT_STAGE), path

    def _respond(self, served: Served, stage: Stage, path: str) -> HttpResponse:
        """Return the response to a request. Record its route and its caller for the access log."""
        request = served.request
        if self._api.cors and (preflight := self._api.cors.preflight(request)):
            return preflight
        match = self._api.routes.match(request.method, path)
        if match is None:
            return served.response
        served.route_key = match.route.key
        if not stage.throttle.admits(match.route.key):
            return message_response(429, "Too Many Requests")
        if len(request.body) > LARGEST_BODY_BYTES:
            return message_response(413, "Request Entity Too Large")
        function_arn = match.route.function_arn
        capacity = self._capacity.setdefault(function_arn, threading.Semaphore(self._max_pending))
        if not capacity.acquire(blocking=False):
            return message_response(429, "Too Many Requests", _RETRY_AFTER)
        try:
            return self._authorized(served, stage, match)
        finally:
            capacity.release()

    def _authorized(self, served: Served, stage: Stage, match: Match) -> HttpResponse:
        admission = None
        if match.route.authorizer_id is not None:
            try:
                admission = self._api.authorizers[match.route.authorizer_id].admit(served.request, stage.api, match)
            except RefusedError as error:
                served.authorizer_error = str(error)
                return error.response
            served.authorizer = admission.variables
        return self._integrate(served.request, stage.api, match, admission)

    def _integrate(
        self, request: HttpRequest, api: ApiContext, match: Match, admission: Admission | None
    ) -> HttpResponse:
        event = payload_event(request, api, match, authorizer=admission.context if admission else None)
        try:
            outcome = self._invoke(match.route.function_arn, event, timeout_s=match.route.timeout_s)
        except (TimeoutError, ThrottledError) as error:
            return service_unavailable(str(error))
        except FunctionNotFoundError as error:
            return internal_server_error(str(error))
        if outcome.error is not None:
            return internal_server_error(outcome.payload.decode(errors="replace"))
        return function_response(outcome.payload)

    def _count(self, response: HttpResponse) -> HttpResponse:
        with self._lock:
            self._statuses[str(response.status)] = self._statuses.get(str(response.status), 0) + 1
        return response
