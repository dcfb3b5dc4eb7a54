"""HTTP API with routes to functions. Most requests have an operator's token, a session token or a signature."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
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
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.session_authorizer import SessionAuthorizer
from infra_cdk.constructs.token_issuer import TokenIssuer
from infra_cdk.settings import Settings

# Fields that runbooks and the dashboard use, and the errors of integrations and authorizers. Headers, bodies and the
# context of the session authorizer are excluded, because they can contain tokens, IDs and personal data.
_ACCESS_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.integrationErrorMessage $context.authorizer.error",
}

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

_REQUEST_HEADERS = ("authorization", "content-type", "if-none-match")
_ANSWER_HEADERS = (
    "etag",
    "x-alsolike-arms",
    "x-alsolike-cold-items",
    "x-alsolike-degraded",
    "x-alsolike-filled",
    "x-alsolike-model-version",
    "x-alsolike-popular-within",
    "x-alsolike-rules",
    "x-alsolike-rules-unmet",
    "x-alsolike-source",
    "x-alsolike-unknown-columns",
    "x-amzn-errortype",
    "x-correlation-id",
)
_PREFLIGHT_S = 3_600
PAGES_STAGE = "api"
"""Name of the stage for the pages. An HTTP API prefixes its paths with the name of the stage."""


class HttpApi(Construct):
    """API that checks tokens, limits the rate of requests and logs them. Functions verify signatures.

    A web application firewall cannot be attached to an HTTP API, only to a distribution in front of it.

    Attributes
    ----------
    url, host
        URL and host name of the default stage.
    api_id
        ID of the API, which is a dimension of its metrics.
    access_log
        Log group of requests.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        tokens: TokenIssuer,
        sessions: SessionAuthorizer,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._tokens = tokens
        self._sessions = sessions
        self._api = apigw.HttpApi(
            self,
            "Api",
            api_name=f"alsolike-{settings.name}",
            create_default_stage=False,
            cors_preflight=_cors(settings.cors_origins),
        )
        self.access_log = log_group(self, "AccessLog", settings=settings, delivered_by="apis")
        self._stages = [self._stage("Stage", "$default")]
        if settings.web:
            self._stages.append(self._stage("Pages", PAGES_STAGE))
        self._route_settings: dict[str, dict[str, int]] = {}
        self.url = self._api.api_endpoint
        stack = cdk.Stack.of(self)
        self.api_id = self._api.api_id
        self.host = f"{self.api_id}.execute-api.{stack.region}.{stack.url_suffix}"

    @cached_property
    def _authorizer(self) -> authorizers.HttpJwtAuthorizer:
        """Authorizer of operators' tokens. It is created with the first route."""
        return authorizers.HttpJwtAuthorizer(
            "Tokens",
            self._tokens.issuer,
            jwt_audience=[self._tokens.client.user_pool_client_id],
        )

    def _stage(self, construct_id: str, name: str) -> apigw.CfnStage:
        stage = apigw.HttpStage(
            self,
            construct_id,
            http_api=self._api,
            stage_name=name,
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(
                rate_limit=self._settings.throttle_rate_per_s, burst_limit=self._settings.throttle_burst
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigw.CfnStage)
        resource.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=self.access_log.log_group_arn, format=json.dumps(_ACCESS_LOG_FIELDS, separators=(",", ":"))
        )
        return resource

    def requests(self, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        """Return the number of requests per period."""
        return self._api.metric_count(statistic="Sum", period=period, label="requests")

    def client_errors(self) -> cloudwatch.Metric:
        """Return the number of responses with status 400 to 499 per period."""
        return self._api.metric_client_error(statistic="Sum", period=PERIOD, label="4xx")

    def server_errors(self, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        """Return the number of responses with status 500 or higher per period."""
        return self._api.metric_server_error(statistic="Sum", period=period, label="5xx")

    def latency(self, statistic: str, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        """Return a statistic of the response time, in milliseconds."""
        return self._api.metric_latency(statistic=statistic, period=period, label=statistic)

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Add all routes of `alsolike.declarations.routes`.

        Parameters
        ----------
        functions
            Functions by the names in the routes.
        """
        functions = {**functions, "authorize_session": self._sessions.function}
        made = {name: _integration(name, function) for name, function in functions.items()}
        for key, route in ROUTES.items():
            method, path = key.split(" ")
            self._add(
                path,
                methods=[method, "HEAD"] if method == "GET" else [method],
                integration=made[route.function],
                authorizer=self._authorizer if route.scopes else self._sessions.authorizer,
                scopes=route.scopes,
                limits=_LIMITS[route.scopes[0]] if route.scopes else _SESSION_LIMITS,
            )
        for key, route in BEACON_ROUTES.items():
            method, path = key.split(" ")
            self._add(
                path,
                methods=[method],
                integration=made[route.function],
                authorizer=self._sessions.beacons,
                limits=_SESSION_LIMITS,
            )
        for routes, reason in (
            (PUBLIC_ROUTES, "The function checks the site key, which is public, and the origin of the page"),
            (
                SIGNED_ROUTES,
                "The function verifies the signature, which covers the body; authorizers do not get a body",
            ),
            (BASIC_ROUTES, "The function verifies the key pair, as it does for signed requests"),
        ):
            for key, route in routes.items():
                method, path = key.split(" ")
                added = self._add(
                    path,
                    methods=[method],
                    integration=made[route.function],
                    authorizer=apigw.HttpNoneAuthorizer(),
                    limits=_SIGNED_LIMITS[route.scopes[0]] if route.scopes else _SITE_LIMITS,
                )
                for each in added:
                    acknowledge(each, finding="AwsSolutions-APIG4", reason=reason)

    def _add(
        self,
        path: str,
        *,
        methods: Sequence[str],
        integration: apigw.HttpRouteIntegration,
        authorizer: apigw.IHttpRouteAuthorizer,
        limits: str,
        scopes: Sequence[str] = (),
    ) -> Sequence[apigw.HttpRoute]:
        routes = self._api.add_routes(
            path=path,
            methods=[apigw.HttpMethod[each] for each in methods],
            integration=integration,
            authorizer=authorizer,
            authorization_scopes=list(scopes) or None,
        )
        for each in methods:
            self._route_settings[f"{each} {path}"] = {
                "ThrottlingRateLimit": getattr(self._settings, f"{limits}_rate_per_s"),
                "ThrottlingBurstLimit": getattr(self._settings, f"{limits}_burst"),
            }
        for stage in self._stages:
            stage.route_settings = self._route_settings
            # API Gateway rejects route settings before the route exists.
            stage.node.add_dependency(*routes)
        return routes


def _integration(name: str, function: lambda_.IFunction) -> apigw.HttpRouteIntegration:
    """Return the integration of a function. All routes of the API may invoke the function.

    One permission per route would exceed the limits of a template (500 resources) and of a function's resource policy
    (20 KB).
    """
    return integrations.HttpLambdaIntegration(
        "".join(word.title() for word in name.split("_")),
        function,
        payload_format_version=apigw.PayloadFormatVersion.VERSION_2_0,
        scope_permission_to_route=False,
    )


def _cors(origins: Sequence[str]) -> apigw.CorsPreflightOptions | None:
    """Return the CORS configuration for pages of these origins, or None if there are no origins.

    An HTTP API has one CORS configuration for all routes. It grants no access, because requests need credentials in a
    header. A page must set this header explicitly, while a browser would send a cookie automatically.
    """
    if not origins:
        return None
    return apigw.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[apigw.CorsHttpMethod.GET, apigw.CorsHttpMethod.POST],
        allow_headers=list(_REQUEST_HEADERS),
        expose_headers=list(_ANSWER_HEADERS),
        allow_credentials=False,
        max_age=cdk.Duration.seconds(_PREFLIGHT_S),
    )
