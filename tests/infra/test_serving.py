"""Routes of the API: permitted callers, functions and limits."""

import dataclasses
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from alsolike.api.openapi import description
from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.routes import ROUTES
from functions.collect import routes as collect
from functions.observe.routes import routes as observe_routes
from functions.observe.settings import Settings as ObserveSettings
from functions.operate import routes as operate
from functions.recommend.http.request import ACTION_ROUTE, PARSERS
from tests.infra.assembly import flat

ROOT = Path(__file__).parents[2]
SCOPES = {key: [*route.scopes] for key, route in ROUTES.items() if route.scopes}
FOR_BROWSERS = [key for key, route in ROUTES.items() if not route.scopes]
FUNCTION_OF = {key: route.function for key, route in ROUTES.items()}
SIGNED = {f"{method} /personalize{path}": f"{method} {path}" for method, path in (route.split(" ") for route in SCOPES)}
FUNCTION_OF |= {signed: FUNCTION_OF[route] for signed, route in SIGNED.items()}
CONTROL_PLANE = ("POST /personalize", "POST /personalize/{proxy+}")
SIGNED |= dict.fromkeys(CONTROL_PLANE, "")
FUNCTION_OF |= dict.fromkeys(CONTROL_PLANE, "personalize")
HEADS = {f"HEAD {key.removeprefix('GET ')}": key for key in FUNCTION_OF if key.startswith("GET ") and key not in SIGNED}
METRICS = "GET /metrics"
FUNCTION_OF[METRICS] = "observe"
BEACON, TOKENS = "POST /session/beacons", "POST /session/tokens"
FUNCTION_OF |= {BEACON: "collect", TOKENS: "authorize_session"}


def test_routes_for_machines_require_a_token_with_their_scope(assembly):
    routes = assembly.of_type("AWS::ApiGatewayV2::Route")
    machine_routes = [r for r in routes if r.properties["AuthorizationType"] == "JWT"]

    assert {r.properties["RouteKey"]: r.properties["AuthorizationScopes"] for r in machine_routes} == SCOPES | {
        head: SCOPES[get] for head, get in HEADS.items() if get in SCOPES
    }
    assert {r.properties["RouteKey"] for r in routes} == {*FUNCTION_OF, *HEADS}


def test_routes_for_browsers_use_the_session_authorizer(assembly):
    routes = [r for r in assembly.of_type("AWS::ApiGatewayV2::Route") if r.properties["AuthorizationType"] == "CUSTOM"]
    sources = {each.logical_id: each.properties["IdentitySource"] for each in assembly.authorizers("REQUEST")}

    header, query = ["$request.header.Authorization"], ["$request.querystring.authorization"]
    assert {r.properties["RouteKey"]: sources[r.properties["AuthorizerId"]["Ref"]] for r in routes} == {
        **dict.fromkeys(FOR_BROWSERS, header),
        **{head: header for head, get in HEADS.items() if get in FOR_BROWSERS},
        BEACON: query,
    }
    assert "AuthorizationScopes" not in {name for r in routes for name in r.properties}


def test_functions_verify_signatures_of_the_signed_routes(assembly):
    routes = [r for r in assembly.of_type("AWS::ApiGatewayV2::Route") if r.properties["AuthorizationType"] == "NONE"]
    verifying = {
        path.parent.name
        for path in (ROOT / "functions").glob("*/*.py")
        if "\n@api_handler(Settings)\ndef " in path.read_text()
    }

    assert {r.properties["RouteKey"] for r in routes} == {*SIGNED, METRICS, TOKENS}
    assert {FUNCTION_OF[route] for route in SIGNED} == verifying


def test_only_api_gateway_may_invoke_the_authorizer(assembly):
    (alias,) = [
        each.logical_id
        for each in assembly.of_type("AWS::Lambda::Alias")
        if each.properties["FunctionName"] == {"Ref": assembly.function("authorize_session").logical_id}
    ]
    permissions = [p for p in assembly.of_type("AWS::Lambda::Permission") if alias in json.dumps(p.properties)]

    assert {permission.properties["Principal"] for permission in permissions} == {"apigateway.amazonaws.com"}
    api = assembly.only("AWS::ApiGatewayV2::Api").logical_id
    assert {flat(permission.properties["SourceArn"]).rpartition(":")[2] for permission in permissions} == {
        f"{api}/*/*/*",
        *(f"{api}/authorizers/{each.logical_id}" for each in assembly.authorizers("REQUEST")),
    }


def test_every_route_is_described_with_its_scopes():
    described = {
        f"{method.upper()} {path}": [
            scope for scheme in operation["security"] for scopes in scheme.values() for scope in scopes
        ]
        for path, methods in description(DEFAULT)["paths"].items()
        for method, operation in methods.items()
    }

    assert described == SCOPES | {key: [] for key in FOR_BROWSERS}


@pytest.mark.parametrize(
    ("route", "function"), [*FUNCTION_OF.items(), *((head, FUNCTION_OF[get]) for head, get in HEADS.items())]
)
def test_route_is_integrated_with_its_function(demo, route, function):
    (found,) = [r for r in demo.of_type("AWS::ApiGatewayV2::Route") if r.properties["RouteKey"] == route]

    _, _, integration_id = flat(found.properties["Target"]).partition("/")
    integration = demo.referred({"Ref": integration_id}, stack=found.stack)
    alias = demo.referred(integration.properties["IntegrationUri"], stack=found.stack)

    assert alias.properties["FunctionName"] == {"Ref": demo.function(function).logical_id}
    assert integration.properties["PayloadFormatVersion"] == "2.0"


def test_each_function_has_one_integration_and_one_permission(assembly):
    integrations = assembly.of_type("AWS::ApiGatewayV2::Integration")
    api = assembly.only("AWS::ApiGatewayV2::Api").logical_id
    permitted = [
        flat(permission.properties["FunctionName"])
        for permission in assembly.of_type("AWS::Lambda::Permission")
        if flat(permission.properties.get("SourceArn", "")).endswith(f":{api}/*/*/*")
    ]

    functions = [flat(each.properties["IntegrationUri"]) for each in integrations]
    assert len(functions) == len(set(functions)) == len(set(FUNCTION_OF.values()))
    assert sorted(permitted) == sorted(functions)


@pytest.mark.parametrize("part", [collect, operate])
def test_every_route_of_a_multi_route_function_has_code(part):
    values = {field.name: {"str": "x", "int": 1}.get(str(field.type)) for field in dataclasses.fields(part.Settings)}
    given = {name: value for name, value in values.items() if value is not None}
    clients = dict.fromkeys(inspect.getfullargspec(part.routes).kwonlyargs)

    assert set(part.routes(part.Settings(**given), **clients)) == {
        route
        for route, function in FUNCTION_OF.items()
        if function == part.__name__.split(".")[1] and route not in SIGNED
    }


def test_every_route_of_recommend_has_code():
    recommend_routes = {route for route, function in FUNCTION_OF.items() if function == "recommend"}
    assert {*PARSERS, ACTION_ROUTE} == recommend_routes - set(SIGNED)


def test_every_route_of_observe_has_code():
    settings = ObserveSettings("demo", "api", "stream", "lake", "artefacts", "users", "stacks", "Alsolike/demo")

    own = {key for key, function in FUNCTION_OF.items() if function == "observe" and key not in SIGNED}
    client: Any = None
    clients = dict.fromkeys(("cloudwatch", "s3", "dynamodb", "cloudformation"), client)
    assert set(observe_routes(settings, **clients).routes) == own


def test_observe_reads_the_templates_of_all_stacks(assembly):
    """The stacks' resources determine the bill."""
    variables = assembly.function("observe").properties["Environment"]["Variables"]

    assert sorted(variables["STACKS"].split(",")) == sorted({resource.stack for resource in assembly.resources})


def stage_of(assembly, name="$default"):
    stages = assembly.of_type("AWS::ApiGatewayV2::Stage")
    (stage,) = [stage for stage in stages if stage.properties["StageName"] == name]
    return stage


def test_requests_are_limited_and_logged_without_bodies_or_headers(demo, prod):
    stage = stage_of(demo).properties
    limits = stage_of(prod).properties["DefaultRouteSettings"]

    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 2000, "ThrottlingBurstLimit": 2000}
    assert limits == {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}
    assert set(stage["RouteSettings"]) == {*FUNCTION_OF, *HEADS}
    log = demo.referred(stage["AccessLogSettings"]["DestinationArn"], stack="alsolike-demo-serving")
    assert log.type == "AWS::Logs::LogGroup"
    fields = json.loads(stage["AccessLogSettings"]["Format"])
    assert fields == {
        "requestId": "$context.requestId",
        "routeKey": "$context.routeKey",
        "status": "$context.status",
        "latencyMs": "$context.responseLatency",
        "error": "$context.integrationErrorMessage $context.authorizer.error",
    }


def test_route_limits_depend_on_their_token_type(prod):
    limits = stage_of(prod).properties["RouteSettings"]

    rates = {key: (values["ThrottlingRateLimit"], values["ThrottlingBurstLimit"]) for key, values in limits.items()}
    by_scope = {"recommendations.read": (300, 600), "events.write": (300, 600), "admin": (50, 100)}
    expected = {
        **{key: by_scope[scope.partition("/")[2]] for key, (scope, *_) in SCOPES.items()},
        **dict.fromkeys(FOR_BROWSERS, (300, 600)),
        METRICS: by_scope["admin"],
        BEACON: (300, 600),
        TOKENS: (100, 200),
    }
    expected |= {signed: expected[route] for signed, route in SIGNED.items() if route}
    expected |= dict.fromkeys(CONTROL_PLANE, by_scope["admin"])
    assert rates == expected | {head: expected[get] for head, get in HEADS.items()}


def test_each_route_class_has_separate_limits(other):
    settings = stage_of(other).properties["RouteSettings"]
    limits = {
        "POST /recommendations": 1, "POST /items": 2, "GET /session/recommendations": 3, "GET /users": 4,
        "POST /personalize/events": 5, "GET /personalize/users": 4, "POST /personalize": 4,
    }  # fmt: skip

    for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
        assert {key: settings[key][name] for key in limits} == limits


def test_stage_depends_on_the_routes_that_it_limits(assembly):
    routes = {route.logical_id for route in assembly.of_type("AWS::ApiGatewayV2::Route")}

    for stage in assembly.of_type("AWS::ApiGatewayV2::Stage"):
        assert routes <= set(stage.attributes["DependsOn"])


def test_cors_exposes_every_response_header(demo):
    exposed = demo.only("AWS::ApiGatewayV2::Api").properties["CorsConfiguration"]["ExposeHeaders"]
    code = "".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))

    others = {"etag", "x-amzn-errortype", "x-correlation-id"}
    assert set(re.findall("x-alsolike-[a-z-]+", code)) | others == set(exposed)
