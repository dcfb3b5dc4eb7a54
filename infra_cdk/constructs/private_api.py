"""REST API that only an interface endpoint reaches, with the routes of the public HTTP API.

References
----------
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import re
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigw
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.api_routes import Api, ApiParts, ApiRoute, Check, access_log_format, api_routes
from infra_cdk.constructs.nag_suppressions import acknowledge

_STAGE = "api"
_SCHEMES = {Check.TOKEN: "Tokens", Check.SESSION: "Sessions", Check.BEACON: "Beacons"}
_FINDINGS = {
    "AwsSolutions-APIG2": "Functions validate requests, because their limits depend on the configuration",
    "AwsSolutions-APIG3": "No request of the internet reaches the API",
    "AwsSolutions-APIG6": "The access log contains errors; execution logs would contain headers with tokens",
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
    "AmazonAPIGatewayPushToCloudWatchLogs]": "API Gateway accepts only a role with the permissions of this policy",
}


class PrivateApi(Api):
    """Private API, which `add_routes` creates.

    An OpenAPI document declares all routes, because resources for each path and method would exceed the limit of a
    template. The URL contains the ID of the endpoint, so that callers need no private DNS names in their network.
    """

    def __init__(self, scope: Construct, construct_id: str, parts: ApiParts, *, endpoint_id: str) -> None:
        super().__init__(scope, construct_id, parts)
        self._endpoint_id = endpoint_id
        self.metric_id = f"alsolike-{parts.settings.name}"

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        functions = {**functions, "authorize_session": self._sessions.function}
        settings = self._settings
        api = apigw.SpecRestApi(
            self,
            "Private",
            rest_api_name=self.metric_id,
            api_definition=apigw.ApiDefinition.from_inline(self._document(functions)),
            endpoint_configuration=apigw.EndpointConfiguration(
                types=[apigw.EndpointType.PRIVATE],
                vpc_endpoints=[
                    ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
                        self, "Endpoint", vpc_endpoint_id=self._endpoint_id, port=443
                    )
                ],
            ),
            # Without this parameter, the import of the document would create an edge-optimized API first.
            parameters={"endpointConfigurationTypes": "PRIVATE"},
            # The account has one role for the logs of all REST APIs, so the role outlasts this API.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=cdk.RemovalPolicy.RETAIN,
            deploy_options=apigw.StageOptions(
                stage_name=_STAGE,
                throttling_rate_limit=settings.throttle_rate_per_s,
                throttling_burst_limit=settings.throttle_burst,
                method_options={
                    f"{route.path}/{route.method}": apigw.MethodDeploymentOptions(
                        throttling_rate_limit=getattr(settings, f"{route.limits}_rate_per_s"),
                        throttling_burst_limit=getattr(settings, f"{route.limits}_burst"),
                    )
                    for route in api_routes()
                },
                access_log_destination=apigw.LogGroupLogDestination(self.access_log),
                access_log_format=apigw.AccessLogFormat.custom(
                    access_log_format("$context.httpMethod $context.resourcePath")
                ),
            ),
        )
        api.node.try_remove_child("Endpoint")  # Output with a URL that needs private DNS names.
        for finding, reason in _FINDINGS.items():
            acknowledge(api, finding=finding, reason=reason)
        sources = {"Routes": api.arn_for_execute_api("*", "/*", "*")}
        for name, function in functions.items():
            if name == "authorize_session":
                sources["Authorizers"] = cdk.Stack.of(self).format_arn(
                    service="execute-api", resource=api.rest_api_id, resource_name="authorizers/*"
                )
            for part, arn in sources.items():
                function.add_permission(
                    f"{name}-{part}",
                    scope=self,
                    principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
                    source_arn=arn,
                )
        stack = cdk.Stack.of(self)
        host = f"{api.rest_api_id}-{self._endpoint_id}.execute-api.{stack.region}.{stack.url_suffix}"
        self.url = f"https://{host}/{_STAGE}"
        self._measured = api

    def _document(self, functions: Mapping[str, lambda_.IFunction]) -> dict[str, Any]:
        uris = {name: self._uri(function) for name, function in functions.items()}
        paths: dict[str, dict[str, Any]] = {}
        for route in api_routes():
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, uri=uris[route.function])
        return {
            "openapi": "3.0.1",
            "info": {"title": self.metric_id, "version": "1"},
            "paths": paths,
            "components": {"securitySchemes": self._schemes()},
            "x-amazon-apigateway-policy": {
                "Version": "2012-10-17",
                "Statement": [
                    _statement("Allow", "StringEquals", self._endpoint_id),
                    _statement("Deny", "StringNotEquals", self._endpoint_id),
                ],
            },
        }

    def _schemes(self) -> dict[str, Any]:
        uri = self._uri(self._sessions.function)
        return {
            _SCHEMES[Check.TOKEN]: _scheme(
                "cognito_user_pools",
                {"type": "cognito_user_pools", "providerARNs": [self._tokens.pool.user_pool_arn]},
                place="header",
            ),
            **{
                _SCHEMES[check]: _scheme(
                    "custom",
                    {
                        "type": "request",
                        "authorizerUri": uri,
                        "authorizerResultTtlInSeconds": self._settings.session_cache_s,
                        "identitySource": source,
                    },
                    place=place,
                )
                for check, source, place in (
                    (Check.SESSION, "method.request.header.Authorization", "header"),
                    (Check.BEACON, "method.request.querystring.authorization", "query"),
                )
            },
        }

    def _uri(self, function: lambda_.IFunction) -> str:
        stack = cdk.Stack.of(self)
        path = f"path/2015-03-31/functions/{function.function_arn}/invocations"
        return f"arn:{stack.partition}:apigateway:{stack.region}:lambda:{path}"


def _statement(effect: str, operator: str, endpoint_id: str) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
        "Condition": {operator: {"aws:SourceVpce": endpoint_id}},
    }


def _scheme(kind: str, authorizer: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": place,
        "x-amazon-apigateway-authtype": kind,
        "x-amazon-apigateway-authorizer": dict(authorizer),
    }


def _operation(route: ApiRoute, *, uri: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "responses": {"200": {"description": "Response of the function"}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri},
    }
    if parameters := re.findall(r"\{(\w+)", route.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    if scheme := _SCHEMES.get(route.check):
        operation["security"] = [{scheme: list(route.scopes)}]
    return operation
