"""The pages: access, response headers and sign-in."""

import json

import pytest

from tests.infra.assembly import flat

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def config(assembly):
    return assembly.only("AWS::CloudFront::Distribution").properties["DistributionConfig"]


def behaviors(assembly):
    """Return the behaviours by path. The default behaviour has the path `*`."""
    found = config(assembly)
    return {"*": found["DefaultCacheBehavior"]} | {each["PathPattern"]: each for each in found["CacheBehaviors"]}


def origin(assembly, path):
    target = behaviors(assembly)[path]["TargetOriginId"]
    (found,) = [each for each in config(assembly)["Origins"] if each["Id"] == target]
    return dict(found)


def pages_client(assembly):
    clients = [client.properties for client in assembly.of_type("AWS::Cognito::UserPoolClient")]
    (found,) = [client for client in clients if client["AllowedOAuthFlows"] == ["code"]]
    return found


def headers_policies(assembly):
    """Return the headers policy of the pages, and the policy of the browser package's script."""
    found = assembly.of_type("AWS::CloudFront::ResponseHeadersPolicy")
    return sorted(found, key=lambda each: "CorsConfig" in each.properties["ResponseHeadersPolicyConfig"])


def test_pages_of_any_origin_load_the_package_script_without_credentials(demo):
    cors = headers_policies(demo)[1].properties["ResponseHeadersPolicyConfig"]["CorsConfig"]

    assert cors["AccessControlAllowOrigins"] == {"Items": ["*"]}
    assert cors["AccessControlAllowCredentials"] is False


def test_only_the_distribution_may_read_the_bucket(demo):
    distribution = demo.only("AWS::CloudFront::Distribution")
    bucket = demo.referred(origin(demo, "*")["DomainName"], stack=distribution.stack)
    (policy,) = [
        each
        for each in demo.of_type("AWS::S3::BucketPolicy")
        if (each.stack, flat(each.properties["Bucket"])) == (bucket.stack, bucket.logical_id)
    ]

    (allowed,) = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Action"] == "s3:GetObject"
    source = flat(allowed["Condition"]["StringEquals"]["AWS:SourceArn"])
    assert source.endswith(f":distribution/{distribution.logical_id}")


def test_pages_redirect_to_https_and_the_api_requires_it(assembly):
    policies = {path: behavior["ViewerProtocolPolicy"] for path, behavior in behaviors(assembly).items()}

    assert policies == {
        **dict.fromkeys(("*", "/assets/*", "/sdk/*", "/lists/*"), "redirect-to-https"),
        "/api/*": "https-only",
    }


def test_only_files_with_their_own_expiry_are_cached(assembly):
    policies = {path: behavior["CachePolicyId"] for path, behavior in behaviors(assembly).items()}

    assert policies == {
        **dict.fromkeys(("*", "/api/*"), CACHING_DISABLED),
        **dict.fromkeys(("/assets/*", "/sdk/*", "/lists/*"), CACHING_OPTIMIZED),
    }


def test_promotion_configuration_and_schedule_publish_static_lists(other, demo):
    rules = [rule.properties for rule in other.of_type("AWS::Events::Rule") if rule.stack == "alsolike-other-pages"]

    assert [rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule] == ["rate(2 hours)"]
    (pattern,) = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    assert pattern["detail"]["object"]["key"] == ["config/current.json", "registry/champion.json"]
    assert not [each for each in demo.of_type("AWS::Lambda::Function") if each.stack == "alsolike-demo-pages"]


def test_error_responses_are_not_cached(assembly):
    kept = {each["ErrorCode"]: each for each in config(assembly)["CustomErrorResponses"]}

    # These are all codes that can be configured. By default, CloudFront caches most of them for ten seconds.
    assert set(kept) == {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
    for code, each in kept.items():
        assert each == {"ErrorCode": code, "ErrorCachingMinTTL": 0}


def test_api_has_the_host_of_the_pages_and_receives_their_tokens(demo):
    api = origin(demo, "/api/*")

    host, rest = api["DomainName"]["Fn::Join"][1][:2]
    assert demo.referred(host, stack="alsolike-demo-pages") == demo.only("AWS::ApiGatewayV2::Api")
    assert rest.startswith(".execute-api.")
    assert "OriginPath" not in api  # The first part of the path is the stage.
    assert api["CustomOriginConfig"] == {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    assert behaviors(demo)["/api/*"]["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST


def test_every_response_has_the_security_headers(demo):
    policy, sdk = headers_policies(demo)

    assert {path: flat(each["ResponseHeadersPolicyId"]) for path, each in behaviors(demo).items()} == {
        **dict.fromkeys(("*", "/assets/*", "/api/*"), policy.logical_id),
        **dict.fromkeys(("/sdk/*", "/lists/*"), sdk.logical_id),
    }
    headers = policy.properties["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert all(header["Override"] for header in headers.values())
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 365 * 86_400
    assert set(headers) == {
        "ContentSecurityPolicy",
        "ContentTypeOptions",
        "FrameOptions",
        "ReferrerPolicy",
        "StrictTransportSecurity",
    }


def test_content_security_policy_permits_only_the_site_and_the_sign_in(demo):
    headers = headers_policies(demo)[0].properties["ResponseHeadersPolicyConfig"]
    parts = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Join"][1]
    (domain,) = [part for part in parts if isinstance(part, dict)]
    text = "".join("DOMAIN" if part is domain else part for part in parts)
    policy = {name: sources for name, _, sources in (part.partition(" ") for part in text.split("; "))}

    assert demo.referred(domain, stack="alsolike-demo-pages") == demo.only("AWS::Cognito::UserPoolDomain")
    assert policy.pop("connect-src") == "'self' https://DOMAIN.auth.us-east-1.amazoncognito.com"
    assert policy.pop("img-src") == "'self' data: https:"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert {name for name, sources in policy.items() if sources == "'self'"} == {"script-src", "style-src", "font-src"}
    assert {name for name, sources in policy.items() if sources == "'none'"} == {
        "base-uri",
        "default-src",
        "form-action",
        "frame-ancestors",
    }


def test_sign_in_uses_a_code_without_a_secret_and_no_callback_by_default(demo):
    client = pages_client(demo)

    assert client["GenerateSecret"] is False
    assert client["CallbackURLs"] == client["LogoutURLs"] == ["https://pages.invalid/"]
    assert {flat(scope).rpartition("/")[2] for scope in client["AllowedOAuthScopes"]} == {
        "openid",
        "recommendations.read",
        "events.write",
        "admin",
    }


def test_page_tokens_are_short_lived(demo):
    client = pages_client(demo)

    assert client["TokenValidityUnits"] == dict.fromkeys(("AccessToken", "IdToken", "RefreshToken"), "minutes")
    assert (client["AccessTokenValidity"], client["RefreshTokenValidity"]) == (15, 12 * 60)
    assert client["EnableTokenRevocation"] is True


@pytest.mark.parametrize(("environment", "expected"), [("demo", "OPTIONAL"), ("prod", "ON")])
def test_operators_of_production_need_a_second_factor(environment, expected, request):
    pool = request.getfixturevalue(environment).only("AWS::Cognito::UserPool").properties

    assert pool["MfaConfiguration"] == expected
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]


def test_pages_stack_is_the_last_so_that_its_failure_stops_no_other(assembly):
    manifest = json.loads((assembly.directory / "manifest.json").read_bytes())["artifacts"]
    depends_on = {name: each.get("dependencies", ()) for name, each in manifest.items()}
    pages = f"alsolike-{assembly.environment}-pages"

    assert {each.stack for each in assembly.resources if each.type.startswith("AWS::CloudFront::")} == {pages}
    assert f"alsolike-{assembly.environment}-observability" in depends_on[pages]
    assert not [name for name, needed in depends_on.items() if pages in needed]


def test_deployment_without_pages_has_no_page_resources(spare):
    assert not [resource for resource in spare.resources if resource.type.startswith("AWS::CloudFront::")]
    assert [stage.properties["StageName"] for stage in spare.of_type("AWS::ApiGatewayV2::Stage")] == ["$default"]
    assert len(spare.of_type("AWS::Cognito::UserPoolClient")) == 1  # The authorizer requires a client.
    assert not [p for p in spare.of_type("AWS::SSM::Parameter") if "/web-" in p.properties["Name"]]
