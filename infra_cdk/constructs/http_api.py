"""HTTP API with routes to functions. Most requests have an operator's token, a session token or a signature."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.api_routes import Api, ApiParts, ApiRoute, Check, access_log_format, api_routes
from infra_cdk.constructs.nag_suppressions import acknowledge

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


class HttpApi(Api):
    """Public API.

    A web application firewall cannot be attached to an HTTP API, only to a distribution in front of it.
    """

    def __init__(self, scope: Construct, construct_id: str, parts: ApiParts) -> None:
        super().__init__(scope, construct_id, parts)
        settings = parts.settings
        self._api = self._measured = apigw.HttpApi(
            self,
            "Api",
            api_name=f"alsolike-{settings.name}",
            create_default_stage=False,
            cors_preflight=_cors(settings.cors_origins),
        )
        self._stages = [self._stage("Stage", "$default")]
        if settings.web:
            self._stages.append(self._stage("Pages", PAGES_STAGE))
        self._route_settings: dict[str, dict[str, int]] = {}
        self.url = self._api.api_endpoint
        stack = cdk.Stack.of(self)
        self.api_id = self.metric_id = self._api.api_id
        self.host = f"{self.api_id}.execute-api.{stack.region}.{stack.url_suffix}"

    @cached_property
    def _authorizer(self) -> authorizers.HttpJwtAuthorizer:
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
            destination_arn=self.access_log.log_group_arn, format=access_log_format("$context.routeKey")
        )
        return resource

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        functions = {**functions, "authorize_session": self._sessions.function}
        made = {name: _integration(name, function) for name, function in functions.items()}
        for route in api_routes():
            self._add(route, integration=made[route.function])

    def _authorizer_of(self, route: ApiRoute) -> apigw.IHttpRouteAuthorizer:
        match route.check:
            case Check.TOKEN:
                return self._authorizer
            case Check.SESSION:
                return self._sessions.authorizer
            case Check.BEACON:
                return self._sessions.beacons
            case Check.FUNCTION:
                return apigw.HttpNoneAuthorizer()

    def _add(self, route: ApiRoute, *, integration: apigw.HttpRouteIntegration) -> None:
        (added,) = self._api.add_routes(
            path=route.path,
            methods=[apigw.HttpMethod[route.method]],
            integration=integration,
            authorizer=self._authorizer_of(route),
            authorization_scopes=list(route.scopes) or None,
        )
        if route.reason:
            acknowledge(added, finding="AwsSolutions-APIG4", reason=route.reason)
        self._route_settings[f"{route.method} {route.path}"] = {
            "ThrottlingRateLimit": getattr(self._settings, f"{route.limits}_rate_per_s"),
            "ThrottlingBurstLimit": getattr(self._settings, f"{route.limits}_burst"),
        }
        for stage in self._stages:
            stage.route_settings = self._route_settings
            # API Gateway rejects route settings before the route exists.
            stage.node.add_dependency(added)


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

    An HTTP API has one CORS configuration for all routes. The configuration grants no access, because a page must add a
    token or a key to its requests. A browser adds only cookies automatically, and the API uses no cookies.
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
