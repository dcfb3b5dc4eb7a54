"""Parts that the public HTTP API and the private REST API share: routes with their limits, access log and metrics."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigw
from aws_cdk import aws_apigatewayv2 as apigwv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from alsolike.declarations.routes import (
    ADMINISTER,
    BASIC_ROUTES,
    BEACON_ROUTES,
    PUBLIC_ROUTES,
    READ_METRICS,
    READ_RECOMMENDATIONS,
    ROUTES,
    SIGNED_ROUTES,
    WRITE_EVENTS,
)
from infra_cdk.constructs.log_group import log_group
from infra_cdk.constructs.metrics import PERIOD
from infra_cdk.constructs.token_issuer import SessionAuthorizer, TokenIssuer
from infra_cdk.settings import Settings

# Prefixes of the settings `<prefix>_rate_per_s` and `<prefix>_burst` that limit a route. The first scope of a route
# selects the prefix.
_LIMITS = {READ_RECOMMENDATIONS: "recommend", WRITE_EVENTS: "events", ADMINISTER: "admin"}
_SIGNED_LIMITS = {
    READ_RECOMMENDATIONS: "personalize",
    WRITE_EVENTS: "personalize",
    ADMINISTER: "admin",
    READ_METRICS: "admin",
}
_SESSION_LIMITS, _SITE_LIMITS = "session", "site"


class Check(Enum):
    """Part that checks the caller of a route."""

    TOKEN = auto()
    """The authorizer of operators' tokens."""
    SESSION = auto()
    """The authorizer of session tokens in a header."""
    BEACON = auto()
    """The authorizer of session tokens in the query."""
    FUNCTION = auto()
    """The function of the route."""


class ApiRoute(NamedTuple):
    """Route of an API. `limits` is the prefix of the settings that limit the route."""

    method: str
    path: str
    function: str
    check: Check
    limits: str
    scopes: tuple[str, ...] = ()
    reason: str = ""


def api_routes() -> Iterator[ApiRoute]:
    """Yield the routes of the API. A GET in `ROUTES` is followed by its HEAD."""
    for key, route in ROUTES.items():
        method, path = key.split(" ")
        check = Check.TOKEN if route.scopes else Check.SESSION
        limits = _LIMITS[route.scopes[0]] if route.scopes else _SESSION_LIMITS
        for each in [method, "HEAD"] if method == "GET" else [method]:
            yield ApiRoute(each, path, route.function, check, limits, route.scopes)
    for key, route in BEACON_ROUTES.items():
        method, path = key.split(" ")
        yield ApiRoute(method, path, route.function, Check.BEACON, _SESSION_LIMITS)
    for routes, reason in (
        (PUBLIC_ROUTES, "The function checks the site key, which is public, and the origin of the page"),
        (SIGNED_ROUTES, "The function verifies the signature, which covers the body; authorizers do not get a body"),
        (BASIC_ROUTES, "The function verifies the key pair, as it does for signed requests"),
    ):
        for key, route in routes.items():
            method, path = key.split(" ")
            limits = _SIGNED_LIMITS[route.scopes[0]] if route.scopes else _SITE_LIMITS
            yield ApiRoute(method, path, route.function, Check.FUNCTION, limits, reason=reason)


class ApiParts(NamedTuple):
    settings: Settings
    tokens: TokenIssuer
    sessions: SessionAuthorizer


class Api(Construct):
    """API that checks tokens, limits the rate of requests and logs them. Functions verify signatures."""

    url: str
    metric_id: str
    _measured: apigwv2.HttpApi | apigw.SpecRestApi

    def __init__(self, scope: Construct, construct_id: str, parts: ApiParts) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._tokens, self._sessions = parts
        self.access_log = log_group(self, "AccessLog", settings=parts.settings, delivered_by="apis")

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        raise NotImplementedError

    def requests(self, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        return self._measured.metric_count(statistic="Sum", period=period, label="requests")

    def client_errors(self) -> cloudwatch.Metric:
        return self._measured.metric_client_error(statistic="Sum", period=PERIOD, label="4xx")

    def server_errors(self, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        return self._measured.metric_server_error(statistic="Sum", period=period, label="5xx")

    def latency(self, statistic: str, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        """Return a statistic of the response time, in milliseconds."""
        return self._measured.metric_latency(statistic=statistic, period=period, label=statistic)


def access_log_format(route_key: str) -> str:
    """Return the format of an access log, with the fields that runbooks and dashboards use.

    Headers, bodies and the context of the session authorizer are excluded, because they can contain tokens, IDs and
    personal data.
    """
    fields = {
        "requestId": "$context.requestId",
        "routeKey": route_key,
        "status": "$context.status",
        "latencyMs": "$context.responseLatency",
        "error": "$context.integrationErrorMessage $context.authorizer.error",
    }
    return json.dumps(fields, separators=(",", ":"))
