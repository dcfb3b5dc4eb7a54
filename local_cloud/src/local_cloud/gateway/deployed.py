"""Reader of a deployment's HTTP APIs. Unsupported types of APIs, integrations and authorizers cause an error."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.deployment import Deployment, Resource
from local_cloud.gateway.access_log import Served, access_line
from local_cloud.gateway.authorizers import Authorizer, Invoke, JwtAuthorizer, LambdaAuthorizer, identity_source
from local_cloud.gateway.cors import Cors
from local_cloud.gateway.http_api import HttpApi, Stage
from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.routes import Route, RouteTable
from local_cloud.gateway.throttling import Throttle

# Type of authorizer by a route's AuthorizationType.
_AUTHORIZER_TYPES = {"NONE": None, "JWT": "JWT", "CUSTOM": "REQUEST"}
FUNCTION_IN_URI = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/(.+)/invocations")
_HEADER_SOURCE = "$request.header."
_LONGEST_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Services of the cloud that APIs use.

    `issuer_keys` returns None for an issuer outside this cloud. `write_log` takes a log group, a stream and a line.
    """

    issuer_keys: Callable[[str], Mapping[str, Any] | None]
    invoke: Invoke
    write_log: Callable[[str, str, str], None]
    region: str
    account: str

    def stage(
        self, resource: Resource, api_id: str, *, throttle: Throttle, log: Mapping[str, Any], variables: Any
    ) -> Stage:
        """Return a stage with stage variables, and with an access log if `log` has a destination."""
        context = ApiContext(
            api_id=api_id,
            account=self.account,
            region=self.region,
            stage=resource.physical_id,
            stage_variables=variables or {},
        )
        destination, text = log.get("DestinationArn", ""), log.get("Format", "$context.requestId")
        if not destination:
            return Stage(api=context, throttle=throttle)
        if ":log-group:" not in destination:
            raise resource.refusal("DestinationArn", f"{destination!r} is not a log group")
        group = destination.split(":")[6]

        def write_access(served: Served) -> None:
            self.write_log(group, f"{api_id}/{resource.physical_id}", access_line(text, served))

        return Stage(api=context, throttle=throttle, write_access=write_access)


def read_http_apis(deployment: Deployment, services: ApiServices) -> Iterator[HttpApi]:
    for resource in deployment.of_type("AWS::ApiGatewayV2::Api"):
        if resource.properties.get("ProtocolType") != "HTTP":
            raise resource.refusal("ProtocolType", "only HTTP APIs are served here")
        api_id = resource.physical_id
        authorizers = {
            authorizer.physical_id: _authorizer(authorizer, services)
            for authorizer in _parts(deployment, "Authorizer", api_id)
        }
        cors = resource.properties.get("CorsConfiguration")
        routes = list(_routes(deployment, api_id))
        keys = {route.key for route in routes}
        yield HttpApi(
            api_id=api_id,
            name=resource.properties.get("Name", api_id),
            routes=RouteTable(routes),
            stages={
                stage.physical_id: _stage(stage, api_id, keys, services)
                for stage in _parts(deployment, "Stage", api_id)
            },
            authorizers=authorizers,
            cors=Cors(cors) if cors else None,
        )


def _parts(deployment: Deployment, kind: str, api_id: str) -> list[Resource]:
    resources = deployment.of_type(f"AWS::ApiGatewayV2::{kind}")
    return [resource for resource in resources if resource.properties["ApiId"] == api_id]


def _routes(deployment: Deployment, api_id: str) -> Iterator[Route]:
    integrations = {part.physical_id: part for part in _parts(deployment, "Integration", api_id)}
    authorizer_types: dict[str | None, str] = {
        part.physical_id: part.properties["AuthorizerType"] for part in _parts(deployment, "Authorizer", api_id)
    }
    for resource in _parts(deployment, "Route", api_id):
        properties = resource.properties
        kind = properties.get("AuthorizationType", "NONE")
        if kind not in _AUTHORIZER_TYPES:
            raise resource.refusal("AuthorizationType", f"{kind} is not implemented here")
        authorizer_id = properties.get("AuthorizerId") if _AUTHORIZER_TYPES[kind] else None
        if authorizer_types.get(authorizer_id) != _AUTHORIZER_TYPES[kind]:
            raise resource.refusal("AuthorizerId", f"{authorizer_id!r} is not an authorizer of this API for {kind}")
        integration = integrations.get(properties.get("Target", "").rpartition("/")[2])
        if integration is None:
            raise resource.refusal("Target", f"{properties.get('Target')!r} is not an integration of this API")
        timeout_ms = min(integration.properties.get("TimeoutInMillis", _LONGEST_TIMEOUT_MS), _LONGEST_TIMEOUT_MS)
        yield Route(
            key=properties["RouteKey"],
            function_arn=_function_arn(integration),
            timeout_s=timeout_ms / 1000,
            authorizer_id=authorizer_id,
            scopes=tuple(properties.get("AuthorizationScopes") or ()),
        )


def _function_arn(integration: Resource) -> str:
    properties = integration.properties
    if properties.get("IntegrationType") != "AWS_PROXY" or "IntegrationSubtype" in properties:
        raise integration.refusal("IntegrationType", "only Lambda proxy integrations are implemented here")
    if properties.get("PayloadFormatVersion") != "2.0":
        raise integration.refusal("PayloadFormatVersion", "only 2.0 is implemented here")
    uri = str(properties["IntegrationUri"])
    function = FUNCTION_IN_URI.fullmatch(uri)
    return function[1] if function else uri  # The URI may be the ARN of the function.


def _stage(resource: Resource, api_id: str, route_keys: Collection[str], services: ApiServices) -> Stage:
    route_settings = resource.properties.get("RouteSettings") or {}
    if unknown := sorted(set(route_settings) - set(route_keys)):
        raise resource.refusal("RouteSettings", f"there is no route {unknown[0]!r}")
    throttle = Throttle(resource.properties.get("DefaultRouteSettings") or {}, route_settings)
    log = resource.properties.get("AccessLogSettings") or {}
    variables = resource.properties.get("StageVariables")
    return services.stage(resource, api_id, throttle=throttle, log=log, variables=variables)


def _authorizer(resource: Resource, services: ApiServices) -> Authorizer:
    match resource.properties.get("AuthorizerType"):
        case "JWT":
            return _jwt_authorizer(resource, services)
        case "REQUEST":
            return _lambda_authorizer(resource, services)
        case kind:
            raise resource.refusal("AuthorizerType", f"{kind!r} is none of JWT and REQUEST")


def _lambda_authorizer(resource: Resource, services: ApiServices) -> LambdaAuthorizer:
    properties = resource.properties
    if properties.get("AuthorizerPayloadFormatVersion") != "2.0":
        raise resource.refusal("AuthorizerPayloadFormatVersion", "only 2.0 is implemented here")
    if properties.get("EnableSimpleResponses") is not True:
        raise resource.refusal("EnableSimpleResponses", "only simple responses are implemented here")
    function = FUNCTION_IN_URI.fullmatch(str(properties.get("AuthorizerUri")))
    if function is None:
        raise resource.refusal("AuthorizerUri", f"{properties.get('AuthorizerUri')!r} names no function")
    expressions, ttl_s = properties.get("IdentitySource") or [], properties.get("AuthorizerResultTtlInSeconds") or 0
    if ttl_s and not expressions:
        raise resource.refusal("IdentitySource", "is required where results are cached")
    try:
        sources = [identity_source(expression) for expression in expressions]
    except ValueError as error:
        raise resource.refusal("IdentitySource", str(error)) from error
    return LambdaAuthorizer(function_arn=function[1], sources=sources, ttl_s=ttl_s, invoke=services.invoke)


def _jwt_authorizer(resource: Resource, services: ApiServices) -> JwtAuthorizer:
    properties = resource.properties
    sources = properties.get("IdentitySource") or [f"{_HEADER_SOURCE}Authorization"]
    source = sources[0] if isinstance(sources, list) else sources
    if not source.lower().startswith(_HEADER_SOURCE):
        raise resource.refusal("IdentitySource", f"{source!r} is not a request header")
    configuration = properties["JwtConfiguration"]
    issuer = configuration["Issuer"]
    keys = services.issuer_keys(issuer)
    if keys is None:
        reason = f"issuer {issuer} is not a user pool of this cloud, so its tokens cannot be checked here"
        raise resource.refusal("JwtConfiguration.Issuer", reason)
    return JwtAuthorizer(
        issuer=issuer,
        audiences=configuration.get("Audience") or [],
        keys=keys,
        header=source[len(_HEADER_SOURCE) :],
    )
