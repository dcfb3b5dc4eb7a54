"""The HTTP API: routes to functions, each behind a token with the route's scope."""

import json
import re

from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.log_group import log_group
from infra_cdk.constructs.token_issuer import TokenIssuer, scope_name
from infra_cdk.settings import Settings

# No header and no body: those could hold tokens and personal data.
_ACCESS_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "clientId": "$context.authorizer.claims.client_id",
}


class HttpApi(Construct):
    """An API that knows its callers by their tokens, limits their rate and logs their requests.

    A web application firewall cannot be attached to an HTTP API; it would go on a distribution before it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, tokens: TokenIssuer) -> None:
        super().__init__(scope, construct_id)
        self._authorizer = authorizers.HttpJwtAuthorizer(
            "Tokens",
            tokens.issuer,
            jwt_audience=[tokens.client.user_pool_client_id, tokens.administrator.user_pool_client_id],
        )
        self._api = apigw.HttpApi(
            self,
            "Api",
            api_name=f"alsolike-{settings.name}",
            create_default_stage=False,
            default_authorizer=self._authorizer,
        )
        stage = apigw.HttpStage(
            self,
            "Stage",
            http_api=self._api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(
                rate_limit=settings.throttle_rate_per_s, burst_limit=settings.throttle_burst
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigw.CfnStage)
        resource.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "AccessLog", settings=settings).log_group_arn,
            format=json.dumps(_ACCESS_LOG_FIELDS),
        )
        self.url = self._api.api_endpoint

    def route(self, key: str, *, function: lambda_.IFunction, scope: str) -> None:
        """Send the requests of a route to `function` if their token has `scope`.

        Parameters
        ----------
        key
            Like `POST /events`.
        """
        method, path = key.split(" ")
        self._api.add_routes(
            path=path,
            methods=[apigw.HttpMethod[method]],
            integration=integrations.HttpLambdaIntegration(
                "".join(word.title() for word in re.findall("[A-Za-z]+", key)),
                function,
                payload_format_version=apigw.PayloadFormatVersion.VERSION_2_0,
            ),
            authorizer=self._authorizer,
            authorization_scopes=[scope_name(scope)],
        )
