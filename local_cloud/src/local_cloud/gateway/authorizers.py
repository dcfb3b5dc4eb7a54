"""Authorizers of APIs: JWT authorizers, and Lambda authorizers with payload format 2.0 and simple responses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
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

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.gateway.request import ApiContext, payload_event
from local_cloud.gateway.response import internal_server_error, message_response
from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest, HttpResponse

TIMEOUT_S = 10.0
"""Timeout of API Gateway in seconds. It also applies to functions with a longer timeout."""
_ALGORITHMS = ["RS256", "RS384", "RS512"]
_SOURCE = re.compile(r"\$(request\.header|request\.querystring|stageVariables|context)\.(.+)")
_PLACES = {"request.querystring": "queryStringParameters", "stageVariables": "stageVariables"}

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Admission:
    """Admission of a request.

    `context` becomes `requestContext.authorizer` of the event, and `variables` become `$context.authorizer.*` of the
    access log.
    """

    context: Mapping[str, Any]
    variables: Mapping[str, Any]


class RefusedError(Exception):
    """Error for a rejected request. Its message is for the access log, and its response is for the caller."""

    def __init__(self, response: HttpResponse, reason: str) -> None:
        self.response = response
        super().__init__(reason)


class Authorizer(Protocol):
    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        """Return the identity of the caller, or raise RefusedError."""


class _InvalidTokenError(Exception): ...


class JwtAuthorizer:
    """Authorizer that checks the signature, issuer, audience, times and scopes of tokens.

    If `audiences` is None, it accepts any audience.
    """

    def __init__(self, *, issuer: str, audiences: Sequence[str] | None, keys: Mapping[str, Any], header: str) -> None:
        self._issuer = issuer
        self._audiences = None if audiences is None else set(audiences)
        self._keys = KeySet.import_key_set({"keys": list(keys["keys"])})
        self._header = header

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        claims = self.claims(request, match.route.scopes)
        texts = {name: claim_text(value) for name, value in claims.items()}
        scopes = [scope for scope in _scopes(claims) if scope in match.route.scopes]
        variables = {f"claims.{name}": value for name, value in claims.items()}
        return Admission({"jwt": {"claims": texts, "scopes": scopes or None}}, variables)

    def claims(self, request: HttpRequest, scopes: Sequence[str]) -> Mapping[str, Any]:
        """Return the claims of the token. Raise RefusedError if it is invalid, or has none of the required `scopes`."""
        header, required = request.header(self._header), f'Bearer scope="{" ".join(scopes)}"'
        try:
            claims = self._verified(header)
        except _InvalidTokenError as error:
            challenge = f'{required} error="invalid_token" error_description="{error}"' if header else "Bearer"
            response = message_response(401, "Unauthorized", ("www-authenticate", challenge))
            raise RefusedError(response, str(error)) from error
        if scopes and not set(scopes) & set(_scopes(claims)):
            challenge, reason = f'{required} error="insufficient_scope"', "insufficient_scope"
            raise RefusedError(message_response(403, "Forbidden", ("www-authenticate", challenge)), reason)
        return claims

    def _verified(self, header: str | None) -> Mapping[str, Any]:
        if not header:
            raise _InvalidTokenError("no token")
        token = header[7:].strip() if header[:7].lower() == "bearer " else header.strip()
        try:
            claims: Mapping[str, Any] = jwt.decode(token, self._keys, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise _InvalidTokenError(f"the token cannot be verified: {error}") from error
        if claims.get("iss") != self._issuer:
            raise _InvalidTokenError("the token does not have a valid issuer")
        audience = claims["aud"] if "aud" in claims else claims.get("client_id")
        if self._audiences is not None and not self._audiences & set(
            audience if isinstance(audience, list) else [audience]
        ):
            raise _InvalidTokenError("the token does not have a valid audience")
        now = time.time()
        if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now:
            raise _InvalidTokenError("the token has expired")
        if claims.get("nbf", 0) > now:
            raise _InvalidTokenError("the token is not valid yet")
        return claims


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list):
            return [str(scope) for scope in value]
    return []


def claim_text(value: Any) -> str:
    """Return a claim as a string, as in an HTTP API's event."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(claim_text(item) for item in value)}]"
    return str(value)


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
            return self.decide(json.loads(outcome.payload))
        except ValueError as error:
            raise _failure(f"the authorizer's response is invalid: {error}") from error

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
    event = payload_event(request, api, match)
    event = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    return {**event, "type": "REQUEST"}


def _failure(reason: str) -> RefusedError:
    return RefusedError(internal_server_error(reason), reason)
