"""Reader of a deployment's private REST APIs. Unsupported types of integrations and authorizers cause an error."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local_cloud.deployment import Deployment, Resource
from local_cloud.gateway.authorizers import Authorizer, identity_source
from local_cloud.gateway.deployed import FUNCTION_IN_URI, ApiServices
from local_cloud.gateway.http_api import Stage
from local_cloud.gateway.rest_api import ENDPOINT_KEY, CognitoAuthorizer, PolicyAuthorizer, RestApi
from local_cloud.gateway.routes import Route, RouteTable
from local_cloud.gateway.throttling import Throttle
from local_cloud.permissions.policy import PolicyError, RolePolicy

_TIMEOUT_S: Final = 29.0
_SOURCE: Final = re.compile(r"method\.request\.(header|querystring)\.(.+)")
_LIMITS: Final = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
_METHOD_SETTINGS: Final = {"HttpMethod", "ResourcePath", "DataTraceEnabled", *_LIMITS}
_PREFIX: Final = "x-amazon-apigateway-"


def read_rest_apis(deployment: Deployment, services: ApiServices) -> Iterator[RestApi]:
    for resource in deployment.of_type("AWS::ApiGateway::RestApi"):
        configuration = resource.properties.get("EndpointConfiguration", {})
        if configuration.get("Types") != ["PRIVATE"]:
            raise resource.refusal("EndpointConfiguration", "only private REST APIs are served here")
        document = resource.properties.get("Body")
        if not isinstance(document, Mapping):
            raise resource.refusal("Body", "only REST APIs with an OpenAPI document are served here")
        api_id = resource.physical_id
        routes = [
            _route(resource, f"{method.upper()} {path}", operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        schemes = document.get("components", {}).get("securitySchemes", {})
        yield RestApi(
            api_id=api_id,
            name=resource.properties.get("Name", api_id),
            routes=RouteTable(routes),
            stages={
                stage.physical_id: _stage(stage, api_id, routes, services)
                for stage in deployment.of_type("AWS::ApiGateway::Stage")
                if stage.properties["RestApiId"] == api_id
            },
            authorizers={name: _authorizer(resource, scheme, services) for name, scheme in schemes.items()},
            cors=None,
            endpoints=configuration.get("VpcEndpointIds") or [],
            policy=_policy(resource, document, services),
        )


def _route(resource: Resource, key: str, operation: Mapping[str, Any]) -> Route:
    integration = operation.get(f"{_PREFIX}integration", {})
    function = FUNCTION_IN_URI.fullmatch(str(integration.get("uri")))
    if integration.get("type") != "aws_proxy" or function is None:
        raise resource.refusal("Body", f"{key} has no Lambda proxy integration")
    security = operation.get("security") or [{}]
    names = [(name, scopes) for requirement in security for name, scopes in requirement.items()]
    if len(names) > 1:
        raise resource.refusal("Body", f"{key} has several authorizers")
    name, scopes = names[0] if names else (None, ())
    return Route(key, function[1], timeout_s=_TIMEOUT_S, authorizer_id=name, scopes=tuple(scopes))


def _authorizer(resource: Resource, scheme: Mapping[str, Any], services: ApiServices) -> Authorizer:
    authorizer = scheme.get(f"{_PREFIX}authorizer", {})
    match authorizer.get("type"):
        case "cognito_user_pools":
            (pool,) = authorizer["providerARNs"]
            issuer = f"https://cognito-idp.{services.region}.amazonaws.com/{pool.rpartition('/')[2]}"
            keys = services.issuer_keys(issuer)
            if keys is None:
                raise resource.refusal("Body", f"{pool} is not a user pool of this cloud")
            return CognitoAuthorizer(issuer=issuer, audiences=None, keys=keys, header=scheme["name"])
        case "request":
            sources = [_SOURCE.fullmatch(source.strip()) for source in authorizer["identitySource"].split(",")]
            function = FUNCTION_IN_URI.fullmatch(str(authorizer.get("authorizerUri")))
            if function is None or not all(sources):
                raise resource.refusal("Body", f"the authorizer {authorizer} is not implemented here")
            return PolicyAuthorizer(
                function_arn=function[1],
                sources=[identity_source(f"$request.{source[1]}.{source[2]}") for source in sources if source],
                ttl_s=authorizer.get("authorizerResultTtlInSeconds", 300),
                invoke=services.invoke,
            )
        case kind:
            raise resource.refusal("Body", f"the authorizer type {kind!r} is not implemented here")


def _policy(resource: Resource, document: Mapping[str, Any], services: ApiServices) -> RolePolicy:
    own = f"arn:aws:execute-api:{services.region}:{services.account}:{resource.physical_id}/"
    statements = document.get(f"{_PREFIX}policy", {}).get("Statement", [])
    if any(statement.get("Principal") != "*" for statement in statements):
        raise resource.refusal("Body", "only resource policies for all principals are implemented here")
    try:
        return RolePolicy(
            [
                {
                    **{name: value for name, value in statement.items() if name != "Principal"},
                    "Resource": str(statement["Resource"]).replace("execute-api:/", own),
                }
                for statement in statements
            ],
            keys={ENDPOINT_KEY},
        )
    except PolicyError as error:
        raise resource.refusal("Body", str(error)) from error


def _stage(resource: Resource, api_id: str, routes: list[Route], services: ApiServices) -> Stage:
    limits: dict[str, dict[str, Any]] = {}
    for settings in resource.properties.get("MethodSettings") or ():
        if unknown := sorted(settings.keys() - _METHOD_SETTINGS):
            raise resource.refusal("MethodSettings", f"{unknown[0]} is not implemented here")
        path = str(settings["ResourcePath"]).removeprefix("/").replace("~1", "/")
        limits[f"{settings['HttpMethod']} {path}"] = {name: settings[name] for name in _LIMITS if name in settings}
    default = limits.pop("* *", {})
    if unknown := sorted(limits.keys() - {route.key for route in routes}):
        raise resource.refusal("MethodSettings", f"there is no method {unknown[0]!r}")
    log, variables = resource.properties.get("AccessLogSetting") or {}, resource.properties.get("Variables")
    return services.stage(resource, api_id, throttle=Throttle(default, limits), log=log, variables=variables)
