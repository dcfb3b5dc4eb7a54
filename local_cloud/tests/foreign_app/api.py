"""The foreign app's HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm

if TYPE_CHECKING:
    from foreign_app.app import ForeignStack


def add_api(stack: ForeignStack) -> None:
    """Add public routes, routes with a JWT or Lambda authorizer, a throttled route, and an access log."""
    pool = cognito.UserPool(stack, "Pool")
    read = cognito.ResourceServerScope(scope_name="read", scope_description="read")
    server = pool.add_resource_server("Server", identifier="shop", scopes=[read])
    pool_client = pool.add_client(
        "Machine",
        generate_secret=True,
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(client_credentials=True),
            scopes=[cognito.OAuthScope.resource_server(server, read)],
        ),
    )
    echo = stack.function("Echo", "web.echo", layers=[stack.layer])
    alias = lambda_.Alias(stack, "EchoLive", alias_name="live", version=echo.current_version)
    answer = stack.function("Answer", "web.answer", layers=[stack.layer])
    api = apigw.HttpApi(
        stack,
        "Api",
        cors_preflight=apigw.CorsPreflightOptions(
            allow_origins=["https://shop.example"], allow_methods=[apigw.CorsHttpMethod.POST]
        ),
    )
    echo_integration = integrations.HttpLambdaIntegration("EchoIntegration", alias)
    answer_integration = integrations.HttpLambdaIntegration("AnswerIntegration", answer)
    hasty_integration = integrations.HttpLambdaIntegration("Hasty", answer, timeout=cdk.Duration.seconds(1))
    authorizer = authorizers.HttpJwtAuthorizer(
        "Jwt",
        f"https://cognito-idp.{stack.region}.amazonaws.com/{pool.user_pool_id}",
        jwt_audience=[pool_client.user_pool_client_id],
    )
    api.add_routes(path="/echo/{proxy+}", methods=[apigw.HttpMethod.ANY], integration=echo_integration)
    api.add_routes(path="/echo/special", methods=[apigw.HttpMethod.POST], integration=echo_integration)
    api.add_routes(path="/answers/{id}", methods=[apigw.HttpMethod.GET], integration=answer_integration)
    api.add_routes(path="/hasty", methods=[apigw.HttpMethod.GET], integration=hasty_integration)
    api.add_routes(
        path="/secure",
        methods=[apigw.HttpMethod.GET],
        integration=echo_integration,
        authorizer=authorizer,
        authorization_scopes=["shop/read"],
    )
    _add_guarded_routes(stack, api, echo_integration)
    limited = api.add_routes(path="/limited", methods=[apigw.HttpMethod.GET], integration=echo_integration)
    log = logs.LogGroup(stack, "AccessLog", removal_policy=cdk.RemovalPolicy.DESTROY)
    assert api.default_stage
    stage = api.default_stage.node.default_child
    assert isinstance(stage, apigw.CfnStage)
    stage.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
        destination_arn=log.log_group_arn,
        format="$context.routeKey $context.status $context.authorizer.error $context.authorizer.who",
    )
    stage.route_settings = {"GET /limited": {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 2}}
    stage.node.add_dependency(*limited)
    ssm.StringParameter(stack, "ApiAddress", parameter_name="/foreign/api", string_value=api.api_endpoint)
    stack.output(ApiUrl=str(api.url), AccessLog=log.log_group_name)


def _add_guarded_routes(
    stack: ForeignStack, api: apigw.HttpApi, integration: integrations.HttpLambdaIntegration
) -> None:
    doorman = stack.function("Doorman", "web.decide", layers=[stack.layer])
    authorizer = authorizers.HttpLambdaAuthorizer(
        "Remembering",
        doorman,
        response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
        identity_source=["$request.header.X-Key", "$request.querystring.room"],
        results_cache_ttl=cdk.Duration.seconds(300),
    )
    for path in ("/guarded", "/guarded/{id}"):
        api.add_routes(path=path, methods=[apigw.HttpMethod.GET], integration=integration, authorizer=authorizer)
