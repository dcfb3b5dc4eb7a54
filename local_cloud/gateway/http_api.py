"""Serves one HTTP API on a port of its own: stage, route, authorizer, function, answer."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from local_cloud.execution.function import FunctionNotFoundError, Outcome, ThrottledError
from local_cloud.gateway.access_log import AccessLog, Served
from local_cloud.gateway.authorizer import (
    ForbiddenError,
    Identity,
    JwtAuthorizer,
    UnauthorizedError,
    authorizer_context,
)
from local_cloud.gateway.cors import Cors
from local_cloud.gateway.request import ApiContext, HttpRequest, payload_event
from local_cloud.gateway.response import (
    HttpResponse,
    function_response,
    internal_server_error,
    message_response,
    service_unavailable,
)
from local_cloud.gateway.routes import Match, RouteTable
from local_cloud.loopback_server import Exchange, LoopbackServer

LARGEST_BODY_BYTES = 10 * 1024 * 1024
DEFAULT_STAGE = "$default"
_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of an API: its place in paths, what its functions see of it, its log."""

    api: ApiContext
    access_log: AccessLog | None = None


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API as it is deployed."""

    api_id: str
    name: str
    routes: RouteTable
    stages: Mapping[str, Stage]
    authorizers: Mapping[str, JwtAuthorizer]
    cors: Cors | None


class HttpApiServer:
    """Answers the requests to one API."""

    def __init__(self, api: HttpApi, *, invoke: Callable[[str, bytes], Outcome]) -> None:
        self._api = api
        self._invoke = invoke
        self._invocations = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="integration")
        self._lock = threading.Lock()
        self._statuses: dict[str, int] = {}
        self._server = LoopbackServer(_exchange(self))

    @property
    def url(self) -> str:
        """The address of the API, with the stage where it has no default one."""
        stages = self._api.stages
        if DEFAULT_STAGE in stages or not stages:
            return self._server.url
        return f"{self._server.url}/{next(iter(stages))}"

    def counts(self) -> dict[str, int]:
        """Return the number of answers by status."""
        with self._lock:
            return dict(self._statuses)

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()
        self._invocations.shutdown(wait=False, cancel_futures=True)

    def serve(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        started = time.monotonic()
        stage, path = self._stage(request.path)
        if stage is None:
            return self._count(message_response(404, "Not Found"))
        served = self._answer(request, stage.api, path)
        response = served.response
        if self._api.cors and self._api.cors.preflight(request) is None:
            response = self._api.cors.decorate(request, response)
        request_id = ("apigw-requestid", request.request_id)
        response = replace(response, headers=(*response.headers, request_id))
        if stage.access_log:
            latency_ms = (time.monotonic() - started) * 1000
            stage.access_log.record(replace(served, response=response, latency_ms=latency_ms))
        return self._count(response)

    def _stage(self, path: str) -> tuple[Stage | None, str]:
        """Return the stage of a path, and the path that routes see."""
        first, _, rest = path.lstrip("/").partition("/")
        if first in self._api.stages:
            return self._api.stages[first], f"/{rest}"
        return self._api.stages.get(DEFAULT_STAGE), path

    def _answer(self, request: HttpRequest, api: ApiContext, path: str) -> Served:
        served = Served(request, message_response(404, "Not Found"), api, None, 0.0, {})
        if self._api.cors and (preflight := self._api.cors.preflight(request)):
            return replace(served, response=preflight)
        match = self._api.routes.match(request.method, path)
        if match is None:
            return served
        served = replace(served, route_key=match.route.key)
        if len(request.body) > LARGEST_BODY_BYTES:
            return replace(served, response=message_response(413, "Request Entity Too Large"))
        identity = None
        if match.route.authorizer_id is not None:
            try:
                identity = self._identity(request, match)
            except UnauthorizedError as error:
                return replace(served, response=_unauthorized(error, match), authorizer_error=str(error))
            except ForbiddenError as error:
                return replace(served, response=_forbidden(match), authorizer_error=str(error))
        response = self._integrate(request, api, match, identity)
        return replace(served, response=response, claims=identity.claims if identity else {})

    def _identity(self, request: HttpRequest, match: Match) -> Identity:
        authorizer = self._api.authorizers[match.route.authorizer_id or ""]
        return authorizer.authorize(request.header(authorizer.header), required_scopes=match.route.scopes)

    def _integrate(
        self, request: HttpRequest, api: ApiContext, match: Match, identity: Identity | None
    ) -> HttpResponse:
        event = payload_event(
            request,
            api,
            route_key=match.route.key,
            path_parameters=match.parameters,
            authorizer=authorizer_context(identity) if identity else None,
        )
        invocation = self._invocations.submit(self._invoke, match.route.function_arn, json.dumps(event).encode())
        try:
            outcome = invocation.result(match.route.timeout_s)
        except TimeoutError:
            return service_unavailable(f"the function has not answered within {match.route.timeout_s} s")
        except ThrottledError as error:
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


def _unauthorized(error: UnauthorizedError, match: Match) -> HttpResponse:
    scopes = " ".join(match.route.scopes)
    challenge = (
        "Bearer"
        if str(error) == "no token"
        else (f'Bearer scope="{scopes}" error="invalid_token" error_description="{error}"')
    )
    return message_response(401, "Unauthorized", ("www-authenticate", challenge))


def _forbidden(match: Match) -> HttpResponse:
    scopes = " ".join(match.route.scopes)
    return message_response(
        403, "Forbidden", ("www-authenticate", f'Bearer scope="{scopes}" error="insufficient_scope"')
    )


def _exchange(server: HttpApiServer) -> type[Exchange]:
    class ApiExchange(Exchange):
        server_version = "local-cloud"
        sys_version = ""

        def answer(self) -> None:
            target = urlsplit(self.path)
            response = server.serve(
                HttpRequest(
                    method=self.command,
                    path=target.path or "/",
                    query=target.query,
                    headers=self.headers.items(),
                    body=self.read_body(),
                    source_ip=self.client_address[0],
                    protocol=self.request_version,
                    request_id=uuid.uuid4().hex,
                    received=datetime.now(UTC),
                )
            )
            self.reply(response.status, response.body, response.headers)

    return ApiExchange
