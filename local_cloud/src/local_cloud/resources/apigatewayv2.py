"""HTTP APIs of API Gateway: their routes, integrations, stages and authorizers."""

from collections.abc import Callable, Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_API = (
    "ApiKeySelectionExpression", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint",
    "DisableSchemaValidation", "Name", "ProtocolType", "RouteSelectionExpression", "Version",
)  # fmt: skip
_INTEGRATION = (
    "ApiId", "ConnectionId", "ConnectionType", "CredentialsArn", "Description", "IntegrationMethod",
    "IntegrationSubtype", "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "RequestParameters",
    "TimeoutInMillis", "TlsConfig",
)  # fmt: skip
_ROUTE = (
    "ApiId", "ApiKeyRequired", "AuthorizationScopes", "AuthorizationType", "AuthorizerId", "OperationName",
    "RequestParameters", "RouteKey", "Target",
)  # fmt: skip
_STAGE = (
    "AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "RouteSettings", "StageName",
    "StageVariables",
)  # fmt: skip
_AUTHORIZER = (
    "ApiId", "AuthorizerCredentialsArn", "AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds",
    "AuthorizerType", "AuthorizerUri", "EnableSimpleResponses", "IdentitySource", "IdentityValidationExpression",
    "JwtConfiguration", "Name",
)  # fmt: skip


def _create_api(creation: Creation) -> Created:
    api = creation.clients("apigatewayv2").create_api(**creation.properties.take(*_API), Tags=creation.tag_map())
    return Created(api["ApiId"], {"ApiId": api["ApiId"], "ApiEndpoint": api["ApiEndpoint"]})


def _create_stage(creation: Creation) -> Created:
    stage = creation.clients("apigatewayv2").create_stage(**creation.properties.take(*_STAGE), Tags=creation.tag_map())
    return Created(stage["StageName"])


def _part(operation: str, id_name: str, names: tuple[str, ...]) -> Callable[[Creation], Created]:
    """Return a function that creates a part of an API. CloudFormation's properties are parameters of the operation."""

    def create(creation: Creation) -> Created:
        part = getattr(creation.clients("apigatewayv2"), operation)(**creation.properties.take(*names))
        return Created(part[id_name], {id_name: part[id_name]})

    return create


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::ApiGatewayV2::Api": ResourceType(
        _create_api, kept={"IpAddressType": "the embedded cloud listens on one address"}
    ),
    "AWS::ApiGatewayV2::Integration": ResourceType(_part("create_integration", "IntegrationId", _INTEGRATION)),
    "AWS::ApiGatewayV2::Route": ResourceType(_part("create_route", "RouteId", _ROUTE)),
    "AWS::ApiGatewayV2::Stage": ResourceType(_create_stage),
    "AWS::ApiGatewayV2::Authorizer": ResourceType(_part("create_authorizer", "AuthorizerId", _AUTHORIZER)),
}
