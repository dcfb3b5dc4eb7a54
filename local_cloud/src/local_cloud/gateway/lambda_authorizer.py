"""Lambda authorizers with payload format 2.0 and simple responses, and a cache of their responses.

References
----------
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.admission import Admission, RefusedError
from local_cloud.gateway.request import ApiContext, payload_event
from local_cloud.gateway.response import internal_server_error, message_response
from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest

TIMEOUT_S = 10.0
"""Timeout of API Gateway in seconds. It also applies to functions with a longer timeout."""

_SOURCE = re.compile(r"\$(request\.header|request\.querystring|stageVariables|context)\.(.+)")
_PLACES = {"request.querystring": "queryStringParameters", "stageVariables": "stageVariables"}

Event = dict[str, Any]


class Invoke(Protocol):
    """Function that invokes a function with a time limit; see `TimedInvocations`."""

    def __call__(self, function_arn: str, event: Mapping[str, Any], *, timeout_s: float) -> InvocationResult:
        """Return the result of the function."""


def identity_source(expression: str) -> Callable[[Event], str | None]:
    """Return a function that reads an identity source from a request event.

    Raises
    ------
    ValueError
        If the source is not a header, a query parameter, a stage variable or `$context.routeKey`.
    """
    found = _SOURCE.fullmatch(expression)
    if found is None or (found[1] == "context" and found[2] != "routeKey"):
        raise ValueError(f"{expression!r} is not an implemented identity source")
    place, name = found[1], found[2]
    if place == "context":
        return lambda event: event["routeKey"]
    if place == "request.header":
        return lambda event: event["headers"].get(name.lower())
    return lambda event: event.get(_PLACES[place], {}).get(name)


@dataclass(frozen=True, slots=True)
class _Decision:
    is_authorized: bool
    context: Mapping[str, Any] | None
    ends_at_s: float


class LambdaAuthorizer:
    """Authorizer that invokes a function and caches the response by identity.

    Parameters
    ----------
    sources
        Identity sources. A request without one of them is rejected without an invocation.
    ttl_s
        Seconds for which a response is cached for all routes of the authorizer. With 0, each request invokes the
        function.
    """

    def __init__(
        self,
        *,
        function_arn: str,
        sources: Sequence[Callable[[Event], str | None]],
        ttl_s: float,
        invoke: Invoke,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._function_arn = function_arn
        self._sources = sources
        self._ttl_s = ttl_s
        self._invoke = invoke
        self._clock = clock
        self._decisions: dict[tuple[str, ...], _Decision] = {}
        self._lock = threading.Lock()

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        """Return the identity of a request's caller from the function's response or the cache.

        Raises
        ------
        RefusedError
            If the request lacks an identity (401), the function rejects the request (403), or its response is invalid
            (500).
        """
        event = _request_event(request, api, match)
        found = [source(event) for source in self._sources]
        identity = tuple(value for value in found if value)
        if len(identity) < len(found):
            raise RefusedError(message_response(401, "Unauthorized"), "the request lacks an identity source")
        key = (api.stage, *identity)
        decision = self._remembered(key)
        if decision is None:
            decision = self._invoke_authorizer({**event, "identitySource": list(identity) or None})
            if self._ttl_s and identity:
                self._remember(key, decision)
        if not decision.is_authorized:
            raise RefusedError(message_response(403, "Forbidden"), "the authorizer says no")
        return Admission({"lambda": decision.context}, decision.context or {})

    def _invoke_authorizer(self, event: Event) -> _Decision:
        try:
            outcome = self._invoke(self._function_arn, event, timeout_s=TIMEOUT_S)
        except (TimeoutError, ThrottledError, FunctionNotFoundError) as error:
            raise _failure(str(error)) from error
        if outcome.error is not None:
            raise _failure(outcome.payload.decode(errors="replace"))
        try:
            answer = json.loads(outcome.payload)
        except ValueError as error:
            raise _failure("the authorizer's response is not JSON") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
            raise _failure("the authorizer's response has no isAuthorized that is true or false")
        context = answer.get("context")
        if context is not None and not isinstance(context, dict):
            raise _failure("the authorizer's context is not an object")
        return _Decision(answer["isAuthorized"], context, self._clock() + self._ttl_s)

    def _remembered(self, key: tuple[str, ...]) -> _Decision | None:
        with self._lock:
            decision = self._decisions.get(key)
        return decision if decision and decision.ends_at_s > self._clock() else None

    def _remember(self, key: tuple[str, ...], decision: _Decision) -> None:
        now_s = self._clock()
        with self._lock:
            kept = {other: held for other, held in self._decisions.items() if held.ends_at_s > now_s}
            self._decisions = {**kept, key: decision}


def _request_event(request: HttpRequest, api: ApiContext, match: Match) -> Event:
    """Return the authorizer's event: the event of an integration without the body, and with the route's ARN."""
    event = payload_event(request, api, route_key=match.route.key, path_parameters=match.parameters, authorizer=None)
    event = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    arn = f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/{api.stage}/{request.method}{event['rawPath']}"
    return {**event, "type": "REQUEST", "routeArn": arn}


def _failure(reason: str) -> RefusedError:
    return RefusedError(internal_server_error(reason), reason)
