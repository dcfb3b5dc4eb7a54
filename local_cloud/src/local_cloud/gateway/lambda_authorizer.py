"""Lambda authorizers with payload format 2.0 and simple responses, and a cache of their responses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.authorizer import Admission, RefusedError
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
    def __call__(self, function_arn: str, event: Mapping[str, Any], *, timeout_s: float) -> InvocationResult: ...


def identity_source(expression: str) -> Callable[[Event], str | None]:
    """Return a function that reads an identity source from an event. Raise ValueError for an unsupported source."""
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
class Decision:
    """Response of an authorizer. `permits` takes the ARN of a request and returns whether the caller may send it."""

    permits: Callable[[str], bool]
    context: Mapping[str, Any] | None


class LambdaAuthorizer:
    """Authorizer that invokes a function and caches the response by stage and identity sources.

    The route is no part of the cache's key, except as an identity source. With `ttl_s=0` or without identity sources,
    each request invokes the function.
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
        self._decisions: dict[tuple[str, ...], tuple[float, Decision]] = {}
        self._lock = threading.Lock()

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        event = _request_event(request, api, match)
        found = [source(event) for source in self._sources]
        identity = tuple(value for value in found if value)
        if len(identity) < len(found):
            raise RefusedError(message_response(401, "Unauthorized"), "the request lacks an identity source")
        key = (api.stage, *identity)
        decision = self._remembered(key)
        if decision is None:
            decision = self._invoke_authorizer(self.question(request, api, match, identity))
            if self._ttl_s and identity:
                self._remember(key, decision)
        if not decision.permits(self.arn(request, api)):
            raise RefusedError(message_response(403, "Forbidden"), "the authorizer says no")
        return Admission(self.passed(decision), decision.context or {})

    def arn(self, request: HttpRequest, api: ApiContext) -> str:
        path = unquote(request.path)
        return f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/{api.stage}/{request.method}{path}"

    def question(self, request: HttpRequest, api: ApiContext, match: Match, identity: Sequence[str]) -> Event:
        event = _request_event(request, api, match)
        return {**event, "routeArn": self.arn(request, api), "identitySource": list(identity) or None}

    def decide(self, answer: Any) -> Decision:
        """Return the decision in a response of the function. Raise ValueError for an invalid response."""
        if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
            raise ValueError("the authorizer's response has no isAuthorized that is true or false")
        is_authorized, context = answer["isAuthorized"], answer.get("context")
        if context is not None and not isinstance(context, dict):
            raise ValueError("the authorizer's context is not an object")
        return Decision(lambda arn: is_authorized, context)

    def passed(self, decision: Decision) -> Mapping[str, Any]:
        """Return `requestContext.authorizer` of the route's event."""
        return {"lambda": decision.context}

    def _invoke_authorizer(self, event: Event) -> Decision:
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
        try:
            return self.decide(answer)
        except ValueError as error:
            raise _failure(str(error)) from error

    def _remembered(self, key: tuple[str, ...]) -> Decision | None:
        with self._lock:
            ends_at_s, decision = self._decisions.get(key, (0.0, None))
        return decision if ends_at_s > self._clock() else None

    def _remember(self, key: tuple[str, ...], decision: Decision) -> None:
        now_s = self._clock()
        with self._lock:
            kept = {other: held for other, held in self._decisions.items() if held[0] > now_s}
            self._decisions = {**kept, key: (now_s + self._ttl_s, decision)}


def _request_event(request: HttpRequest, api: ApiContext, match: Match) -> Event:
    """Return the event of an integration without the body."""
    event = payload_event(request, api, route_key=match.route.key, path_parameters=match.parameters, authorizer=None)
    event = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    return {**event, "type": "REQUEST"}


def _failure(reason: str) -> RefusedError:
    return RefusedError(internal_server_error(reason), reason)
