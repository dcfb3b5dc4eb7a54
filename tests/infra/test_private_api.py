"""The setting `private_api`: a REST API that only an interface endpoint reaches, with the routes of the public API."""

import json

import pytest

from alsolike.declarations.routes import SCOPES
from infra_cdk.constructs.api_routes import Check, api_routes
from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost
from operations.prometheus.rules import rules
from tests.infra.assembly import flat
from tests.infra.setting_changes import dangers

NETWORK = {"vpc": "create", "training_network": False}
EXISTING = {
    "vpc": "vpc-0a1b", "vpc_subnet_ids": ["subnet-0a1b", "subnet-0c2d"], "vpc_availability_zone": "us-east-1a",
    "training_network": False,
}  # fmt: skip
PRIVATE = {"private_api": True, "web": False}


@pytest.fixture(scope="session")
def inside(synthesized):
    return synthesized("inside", region="us-east-1", kms_key_arn="create", **NETWORK, **PRIVATE)


@pytest.fixture(scope="session")
def document(inside):
    return inside.only("AWS::ApiGateway::RestApi").properties["Body"]


@pytest.fixture(scope="session")
def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="session")
def endpoint(inside):
    endpoints = inside.of_type("AWS::EC2::VPCEndpoint")
    (api,) = [endpoint for endpoint in endpoints if str(endpoint.properties["ServiceName"]).endswith(".execute-api")]
    return api


def test_deployment_has_no_public_api(inside):
    assert not [
        each.type for each in inside.resources if each.type.startswith(("AWS::ApiGatewayV2", "AWS::CloudFront"))
    ]
    properties = inside.only("AWS::ApiGateway::RestApi").properties
    assert properties["EndpointConfiguration"]["Types"] == ["PRIVATE"]
    assert properties["Parameters"] == {"endpointConfigurationTypes": "PRIVATE"}


def test_only_the_endpoint_may_call_the_api(inside, document, endpoint):
    (associated,) = inside.only("AWS::ApiGateway::RestApi").properties["EndpointConfiguration"]["VpcEndpointIds"]
    allow, deny = document["x-amazon-apigateway-policy"]["Statement"]

    assert inside.referred(associated, stack="alsolike-inside-serving") == endpoint
    assert (allow["Effect"], allow["Condition"]) == ("Allow", {"StringEquals": {"aws:SourceVpce": associated}})
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"StringNotEquals": {"aws:SourceVpce": associated}})
    assert {each["Resource"] for each in (allow, deny)} == {"execute-api:/*"}
    assert {each["Principal"] for each in (allow, deny)} == {"*"}


def test_hosts_of_the_network_reach_the_endpoint(inside, endpoint):
    (group,) = endpoint.properties["SecurityGroupIds"]
    (ingress,) = inside.referred(group, stack=endpoint.stack).properties["SecurityGroupIngress"]
    network = inside.only("AWS::EC2::VPC").properties["CidrBlock"]

    assert (ingress["FromPort"], ingress["ToPort"], ingress["CidrIp"]) == (443, 443, network)
    assert endpoint.properties["PrivateDnsEnabled"] is False
    # A policy of the endpoint would refuse the Authorization headers of signed requests.
    assert "PolicyDocument" not in endpoint.properties


def test_url_contains_the_endpoint(inside, endpoint):
    (url,) = [p for p in inside.of_type("AWS::SSM::Parameter") if p.properties["Name"].endswith("/api-url")]
    api = inside.only("AWS::ApiGateway::RestApi").logical_id

    assert flat(url.properties["Value"]).startswith(f"https://{api}-ExportsOutputFnGetAtt{endpoint.logical_id}")
    assert flat(url.properties["Value"]).endswith(".execute-api.us-east-1.AWS::URLSuffix/api")


def test_api_has_the_routes_of_the_public_api(demo, operations):
    public = {route.properties["RouteKey"] for route in demo.of_type("AWS::ApiGatewayV2::Route")}

    assert operations.keys() == public


def test_routes_have_the_scopes_of_the_public_api(demo, operations):
    scopes = {
        route.properties["RouteKey"]: route.properties["AuthorizationScopes"]
        for route in demo.of_type("AWS::ApiGatewayV2::Route")
        if "AuthorizationScopes" in route.properties
    }

    assert {key: each["security"][0]["Tokens"] for key, each in operations.items() if key in scopes} == scopes
    assert {scope for several in scopes.values() for scope in several} == set(SCOPES)


def test_each_route_has_the_authorizer_of_its_check(operations, document):
    named = {Check.TOKEN: ["Tokens"], Check.SESSION: ["Sessions"], Check.BEACON: ["Beacons"], Check.FUNCTION: []}

    assert {key: [*each.get("security", [{}])[0]] for key, each in operations.items()} == {
        f"{route.method} {route.path}": named[route.check] for route in api_routes()
    }
    authorizers = {
        name: scheme["x-amazon-apigateway-authorizer"]
        for name, scheme in document["components"]["securitySchemes"].items()
    }
    assert authorizers["Tokens"]["type"] == "cognito_user_pools"
    assert {name: each.get("identitySource") for name, each in authorizers.items()} == {
        "Tokens": None,
        "Sessions": "method.request.header.Authorization",
        "Beacons": "method.request.querystring.authorization",
    }
    assert {authorizers[name]["authorizerResultTtlInSeconds"] for name in ("Sessions", "Beacons")} == {60}


def test_each_route_is_integrated_with_its_function(inside, operations):
    for route in api_routes():
        integration = operations[f"{route.method} {route.path}"]["x-amazon-apigateway-integration"]
        (reference,) = [part for part in integration["uri"]["Fn::Join"][1] if not isinstance(part, str)]
        alias = inside.referred(reference, stack="alsolike-inside-serving")

        assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
        assert alias.properties["FunctionName"] == {"Ref": inside.function(route.function).logical_id}


def test_each_function_may_be_invoked_by_the_api(inside):
    api = inside.only("AWS::ApiGateway::RestApi").logical_id
    permissions = [
        (flat(each.properties["FunctionName"]), flat(each.properties["SourceArn"]).rpartition(":")[2])
        for each in inside.of_type("AWS::Lambda::Permission")
        if each.properties["Principal"] == "apigateway.amazonaws.com"
    ]

    functions = {route.function for route in api_routes()}
    assert len([arn for _, arn in permissions if arn == f"{api}/*/*/*"]) == len(functions)
    assert [function for function, arn in permissions if arn == f"{api}/authorizers/*"] == [
        each.logical_id
        for each in inside.of_type("AWS::Lambda::Alias")
        if each.properties["FunctionName"] == {"Ref": inside.function("authorize_session").logical_id}
    ]


def test_requests_are_limited_and_logged_like_those_of_the_public_api(inside, prod):
    stage = inside.only("AWS::ApiGateway::Stage").properties
    public = next(each.properties for each in prod.of_type("AWS::ApiGatewayV2::Stage"))
    default, *methods = stage["MethodSettings"]

    assert (default["ResourcePath"], default["HttpMethod"]) == ("/*", "*")
    assert {
        f"{each['HttpMethod']} {each['ResourcePath'].replace('~1', '/').removeprefix('/')}": {
            name: each[name] for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")
        }
        for each in methods
    } == public["RouteSettings"]
    log = json.loads(stage["AccessLogSetting"]["Format"])
    assert log == json.loads(public["AccessLogSettings"]["Format"]) | {
        "routeKey": "$context.httpMethod $context.resourcePath"
    }
    assert not any(each["DataTraceEnabled"] for each in stage["MethodSettings"])


def test_alarms_and_observe_read_the_metrics_of_the_rest_api(inside):
    variables = inside.function("observe").properties["Environment"]["Variables"]
    alarms = [
        {**alarm.properties, "AlarmName": f"{alarm.stack}-{alarm.logical_id}-1A2B3C4D5E6F"}
        for alarm in inside.of_type("AWS::CloudWatch::Alarm")
    ]
    conditions = {rule["alert"]: rule["expr"] for rule in rules(alarms, environment="inside")["groups"][0]["rules"]}

    assert (variables["API_ID"], variables["PRIVATE_API"]) == ("alsolike-inside", "1")
    assert 'alsolike_api_errors_total{status="5xx"' in conditions["AlsolikeObservabilityApiErrors"]
    assert "alsolike_api_latency_seconds_bucket" in conditions["AlsolikeObservabilityApiSlow"]


def test_bill_has_the_calls_the_log_and_the_endpoint_of_the_api(inside, endpoint):
    summary = cost.read_assembly(inside.directory)

    assert summary.counts["AWS::ApiGateway::RestApi"] == 1
    assert summary.access_log
    interfaces = [e for e in inside.of_type("AWS::EC2::VPCEndpoint") if e.properties["VpcEndpointType"] == "Interface"]
    assert summary.endpoints == 2 * len(interfaces)
    assert endpoint.logical_id in {each.logical_id for each in interfaces}


def test_public_api_becomes_private_after_stacks_without_data_are_deleted(synthesized, inside):
    public = synthesized("private", region="us-east-1", kms_key_arn="create", **NETWORK)

    found = dangers(public, inside)

    # The stacks `pages` and `observability` import the removed export. Operators delete both stacks before the change.
    assert [each for each in found if "WebsitePages" not in each] == [
        each for each in found if each.startswith("export alsolike--serving:ExportsOutputRefHttpApi")
    ]


def test_owner_of_an_existing_network_names_the_endpoint():
    shop = {"region": "us-east-1", "vpc_api_endpoint_id": "vpce-0a1b", **EXISTING, **PRIVATE}

    settings = load_settings({"shop": shop}, "shop")

    assert settings.vpc_api_endpoint_id == "vpce-0a1b"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (PRIVATE, "vpc is None, expected 'create' or an ID with private_api"),
        ({**NETWORK, "private_api": True}, "web is True, expected false with private_api"),
        ({**NETWORK, **PRIVATE, "cors_origins": ["https://shop.example"]}, "cors_origins is .* none with private_api"),
        (
            NETWORK | PRIVATE | {"replica_streams": True, "api_domain": "api.shop.example", "api_zone_id": "Z0123456"},
            "api_domain is 'api.shop.example', expected null with private_api",
        ),
        ({**EXISTING, **PRIVATE}, "vpc_api_endpoint_id is None, expected an ID"),
        ({**EXISTING, **PRIVATE, "vpc_api_endpoint_id": "mine"}, "vpc_api_endpoint_id is 'mine', expected an ID"),
        ({**NETWORK, **PRIVATE, "vpc_api_endpoint_id": "vpce-0a1b"}, "vpc_api_endpoint_id is 'vpce-0a1b', .* null"),
        ({"vpc_api_endpoint_id": "vpce-0a1b"}, "vpc_api_endpoint_id is 'vpce-0a1b', .* null without"),
        ({**NETWORK, **PRIVATE, "waf": "create"}, "waf is 'create', expected null without the pages"),
    ],
)
def test_setting_that_contradicts_a_private_api_is_refused(values, message):
    with pytest.raises(InvalidSettings, match=message):
        load_settings({"shop": {"region": "us-east-1", **values}}, "shop")
