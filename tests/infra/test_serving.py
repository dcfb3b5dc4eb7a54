import dataclasses
import inspect
import json
from typing import Any

import pytest

from functions.collect.routes import routes
from functions.collect.settings import Settings
from functions.recommend.request import PARSERS
from infra_cdk.constructs.data_lake import FAILED_RECORDS_PREFIX
from tests.infra.assembly import Assembly, Resource, flat

RECOMMENDING = (
    "POST /recommendations",
    "POST /personalize-ranking",
    "GET /users/{userId}/recommendations",
    "GET /items/{itemId}/similar",
    "GET /trending",
    "GET /popular",
)
SCOPES = {
    "POST /events": ["alsolike/events.write"],
    "POST /items": ["alsolike/events.write"],
    "GET /items": ["alsolike/admin"],
    "GET /items/{itemId}": ["alsolike/admin"],
    "PATCH /items/{itemId}": ["alsolike/admin"],
    "DELETE /items/{itemId}": ["alsolike/admin"],
    "POST /users": ["alsolike/events.write"],
    "GET /users": ["alsolike/admin"],
    "GET /users/{userId}": ["alsolike/admin"],
    "PATCH /users/{userId}": ["alsolike/admin"],
    "DELETE /users/{userId}": ["alsolike/admin"],
    "GET /users/{userId}/data": ["alsolike/admin"],
} | {route: ["alsolike/recommendations.read"] for route in RECOMMENDING}
FUNCTION_OF = (
    dict.fromkeys(SCOPES, "collect")
    | {
        "DELETE /users/{userId}": "erase_user",
        "GET /users/{userId}/data": "export_user",
    }
    | dict.fromkeys(RECOMMENDING, "recommend")
)


def test_every_route_wants_a_token_with_its_scope(assembly: Assembly) -> None:
    routes = assembly.of_type("AWS::ApiGatewayV2::Route")

    assert {r.properties["RouteKey"]: r.properties["AuthorizationScopes"] for r in routes} == SCOPES
    assert {r.properties["AuthorizationType"] for r in routes} == {"JWT"}


@pytest.mark.parametrize(("route", "function"), FUNCTION_OF.items())
def test_route_leads_to_its_function(demo: Assembly, route: str, function: str) -> None:
    (found,) = [r for r in demo.of_type("AWS::ApiGatewayV2::Route") if r.properties["RouteKey"] == route]

    _, _, integration_id = flat(found.properties["Target"]).partition("/")
    integration = demo.referred({"Ref": integration_id}, stack=found.stack)
    alias = demo.referred(integration.properties["IntegrationUri"], stack=found.stack)

    assert alias.properties["FunctionName"] == {"Ref": demo.function(function).logical_id}
    assert integration.properties["PayloadFormatVersion"] == "2.0"


def test_every_route_of_collect_has_code_behind_it() -> None:
    texts: dict[str, Any] = {field.name: "x" for field in dataclasses.fields(Settings) if field.type == "str"}
    settings = Settings(**texts)
    clients = dict.fromkeys(inspect.getfullargspec(routes).kwonlyargs)

    assert set(routes(settings, **clients)) == {
        route for route, function in FUNCTION_OF.items() if function == "collect"
    }


def test_every_route_of_recommend_has_code_behind_it() -> None:
    of_sessions = {route for route in PARSERS if "/session/" in route}

    assert set(PARSERS) - of_sessions == set(RECOMMENDING)


def test_authorizer_accepts_our_two_clients_and_the_pools_issuer_only(demo: Assembly) -> None:
    jwt = demo.only("AWS::ApiGatewayV2::Authorizer").properties["JwtConfiguration"]

    assert jwt["Audience"] == [parameter(demo, key).properties["Value"] for key in ("client-id", "admin-client-id")]
    assert jwt["Issuer"] == parameter(demo, "issuer").properties["Value"]
    assert flat(jwt["Issuer"]).endswith(demo.only("AWS::Cognito::UserPool").logical_id)


def test_tokens_are_for_machines(assembly: Assembly) -> None:
    for client in assembly.of_type("AWS::Cognito::UserPoolClient"):
        assert client.properties["AllowedOAuthFlows"] == ["client_credentials"]
        assert client.properties["GenerateSecret"] is True
        # Absent, it would mean that users may sign in.
        assert client.properties["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_shops_client_never_administers_and_the_administrators_does_nothing_else(demo: Assembly) -> None:
    scopes = {
        key: {
            flat(scope).partition("/")[2]
            for scope in demo.referred(
                parameter(demo, key).properties["Value"], stack="alsolike-demo-serving"
            ).properties["AllowedOAuthScopes"]
        }
        for key in ("client-id", "admin-client-id")
    }

    assert scopes == {"client-id": {"recommendations.read", "events.write"}, "admin-client-id": {"admin"}}


def test_resource_server_has_the_scopes_of_the_contract(assembly: Assembly) -> None:
    server = assembly.only("AWS::Cognito::UserPoolResourceServer").properties

    assert server["Identifier"] == "alsolike"
    assert [scope["ScopeName"] for scope in server["Scopes"]] == ["recommendations.read", "events.write", "admin"]


def test_nobody_signs_up(assembly: Assembly) -> None:
    pool = assembly.only("AWS::Cognito::UserPool").properties

    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_requests_are_limited_and_logged_without_bodies_or_headers(demo: Assembly, prod: Assembly) -> None:
    stage = demo.only("AWS::ApiGatewayV2::Stage").properties
    limits = prod.only("AWS::ApiGatewayV2::Stage").properties["DefaultRouteSettings"]

    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 2000, "ThrottlingBurstLimit": 2000}
    assert limits == {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}
    log = demo.referred(stage["AccessLogSettings"]["DestinationArn"], stack="alsolike-demo-serving")
    assert log.type == "AWS::Logs::LogGroup"
    fields = json.loads(stage["AccessLogSettings"]["Format"])
    assert fields["requestId"] == "$context.requestId"
    assert not [value for value in fields.values() if "authorization" in value.lower() or "body" in value.lower()]


@pytest.mark.parametrize(
    ("function", "batch", "demo_window_s", "prod_window_s"),
    [("update_profiles", 100, 0, 0), ("archive_events", 10_000, 1, 60), ("count_trends", 10_000, 2, 10)],
)
def test_consumer_gets_batches_as_the_environment_says(
    demo: Assembly, prod: Assembly, function: str, batch: int, demo_window_s: int, prod_window_s: int
) -> None:
    here, there = mapping(demo, function).properties, mapping(prod, function).properties

    assert (here["BatchSize"], there["BatchSize"]) == (batch, batch)
    assert here["MaximumBatchingWindowInSeconds"] == demo_window_s
    assert there["MaximumBatchingWindowInSeconds"] == prod_window_s


@pytest.mark.parametrize(
    ("function", "retries"), [("update_profiles", 1_000), ("archive_events", -1), ("count_trends", 1_000)]
)
def test_consumer_is_retried_as_long_as_waiting_helps(
    demo: Assembly, prod: Assembly, function: str, retries: int
) -> None:
    here, there = mapping(demo, function).properties, mapping(prod, function).properties

    assert (here["MaximumRetryAttempts"], there["MaximumRetryAttempts"]) == (retries, retries)
    # An hour before the streams, of 24 and of 168 hours, forget them.
    assert here["MaximumRecordAgeInSeconds"] == 23 * 3600
    assert there["MaximumRecordAgeInSeconds"] == 167 * 3600


@pytest.mark.parametrize("function", ["update_profiles", "archive_events", "count_trends"])
def test_failing_record_is_isolated_and_at_last_kept(assembly: Assembly, function: str) -> None:
    properties = mapping(assembly, function).properties

    assert properties["BisectBatchOnFunctionError"] is True
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    destination = flat(properties["DestinationConfig"]["OnFailure"]["Destination"])
    lake = flat(assembly.function("archive_events").properties["Environment"]["Variables"]["LAKE_BUCKET"])
    assert destination.startswith("ExportsOutputFnGetAttDataLake")
    assert lake.removeprefix("ExportsOutputRef")[:16] == destination.removeprefix("ExportsOutputFnGetAtt")[:16]


def test_batches_of_a_shard_are_counted_one_after_the_other(assembly: Assembly) -> None:
    """Records at or below the last sequence number are passed over: none may be overtaken."""
    assert mapping(assembly, "count_trends").properties.get("ParallelizationFactor", 1) == 1


def test_lambda_may_write_where_it_puts_failed_records() -> None:
    # Documented by AWS as aws/lambda/<mapping's UUID>/<shard>/<year>/<month>/<day>/<name>.
    assert FAILED_RECORDS_PREFIX == "aws/lambda/"


def test_prefix_of_the_token_endpoint_differs_between_deployments(demo: Assembly) -> None:
    domain = demo.only("AWS::Cognito::UserPoolDomain").properties["Domain"]

    assert domain["Fn::Join"][1] == [
        "alsolike-demo-",
        {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]},
    ]


def mapping(assembly: Assembly, function: str) -> Resource:
    found = assembly.function(function).logical_id
    (alias,) = [
        alias.logical_id
        for alias in assembly.of_type("AWS::Lambda::Alias")
        if alias.properties["FunctionName"] == {"Ref": found}
    ]
    (resource,) = [m for m in assembly.of_type("AWS::Lambda::EventSourceMapping") if alias in json.dumps(m.properties)]
    return resource


def parameter(assembly: Assembly, key: str) -> Resource:
    (resource,) = [
        p for p in assembly.of_type("AWS::SSM::Parameter") if p.properties["Name"] == f"/alsolike/demo/{key}"
    ]
    return resource
