from typing import Any

from moto_cloud import ACCOUNT, REGION, MotoCloud


def test_http_api_has_its_routes_authorizer_and_stage(cloud: MotoCloud) -> None:
    api: dict[str, Any] = {"ApiId": {"Ref": "Api"}}
    resources = {
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "shop",
                "ProtocolType": "HTTP",
                "CorsConfiguration": {"AllowOrigins": ["*"], "AllowMethods": ["POST"]},
                "Tags": {"team": "shop"},
            },
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                **api,
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:collect:live",
                "PayloadFormatVersion": "2.0",
                "TimeoutInMillis": 5000,
            },
        },
        "Authorizer": {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                **api,
                "Name": "tokens",
                "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {"Audience": ["client"], "Issuer": "https://issuer"},
            },
        },
        "Doorman": {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                **api,
                "Name": "doorman",
                "AuthorizerType": "REQUEST",
                "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": True,
                "AuthorizerUri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:f/invocations",
                "AuthorizerResultTtlInSeconds": 60,
                "IdentitySource": ["$request.header.Authorization"],
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                **api,
                "RouteKey": "POST /events",
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
                "AuthorizationType": "JWT",
                "AuthorizerId": {"Ref": "Authorizer"},
                "AuthorizationScopes": ["shop/events.write"],
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                **api,
                "StageName": "$default",
                "AutoDeploy": True,
                "AccessLogSettings": {"DestinationArn": "arn:aws:logs:x", "Format": "$context.requestId"},
                "DefaultRouteSettings": {"ThrottlingBurstLimit": 10, "ThrottlingRateLimit": 5},
                "RouteSettings": {"POST /events": {"ThrottlingBurstLimit": 3, "ThrottlingRateLimit": 1}},
            },
        },
    }

    deployment = cloud.deploy_template({"Resources": resources})

    client = cloud.client("apigatewayv2")
    created = {resource.logical_id: resource for resource in deployment.resources}
    api_id = created["Api"].physical_id
    stored = client.get_api(ApiId=api_id)
    assert stored["CorsConfiguration"] == {"AllowOrigins": ["*"], "AllowMethods": ["POST"]}
    assert stored["Tags"] == {"team": "shop"}
    assert created["Api"].attributes["ApiEndpoint"] == f"https://{api_id}.execute-api.{REGION}.amazonaws.com"
    (route,) = client.get_routes(ApiId=api_id)["Items"]
    (integration,) = client.get_integrations(ApiId=api_id)["Items"]
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert route["AuthorizerId"] == created["Authorizer"].physical_id
    assert route["AuthorizationScopes"] == ["shop/events.write"]
    assert integration["PayloadFormatVersion"] == "2.0"
    (stage,) = client.get_stages(ApiId=api_id)["Items"]
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 10
    doorman = client.get_authorizer(ApiId=api_id, AuthorizerId=created["Doorman"].physical_id)
    assert (doorman["AuthorizerType"], doorman["EnableSimpleResponses"]) == ("REQUEST", True)
    assert created["Stage"].properties["RouteSettings"]["POST /events"]["ThrottlingBurstLimit"] == 3
    assert stage["AccessLogSettings"]["Format"] == "$context.requestId"
