"""The pages: access, response headers, sign-in, and the settings `waf` and `domain`."""

import json

import pytest

from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost
from tests.infra.assembly import flat


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


def headers_policies(assembly):
    """Return the headers policy of the pages, and the policy of the browser package's script."""
    found = assembly.of_type("AWS::CloudFront::ResponseHeadersPolicy")
    return sorted(found, key=lambda each: "CorsConfig" in each.properties["ResponseHeadersPolicyConfig"])


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


def test_pages_stack_is_the_last_so_that_its_failure_stops_no_other(assembly):
    manifest = json.loads((assembly.directory / "manifest.json").read_bytes())["artifacts"]
    depends_on = {name: each.get("dependencies", ()) for name, each in manifest.items()}
    pages = f"alsolike-{assembly.environment}-pages"

    assert {each.stack for each in assembly.resources if each.type.startswith("AWS::CloudFront::")} == {pages}
    assert f"alsolike-{assembly.environment}-observability" in depends_on[pages]
    assert not [name for name, needed in depends_on.items() if pages in needed]


def test_authorizer_accepts_only_the_web_client_and_the_issuer_of_the_pool(demo):
    jwt = demo.authorizer("JWT").properties["JwtConfiguration"]

    assert jwt["Audience"] == [parameter(demo, "web-client-id").properties["Value"]]
    assert jwt["Issuer"] == parameter(demo, "issuer").properties["Value"]
    assert flat(jwt["Issuer"]).endswith(demo.only("AWS::Cognito::UserPool").logical_id)


def test_no_client_may_get_machine_tokens(assembly, spare):
    """Cognito charges $6 per month for a client with machine tokens."""
    for each in (assembly, spare):
        client = each.only("AWS::Cognito::UserPoolClient").properties
        assert client["AllowedOAuthFlows"] == ["code"]
        assert client["GenerateSecret"] is False


def parameter(assembly, key):
    (resource,) = [
        p for p in assembly.of_type("AWS::SSM::Parameter") if p.properties["Name"] == f"/alsolike/demo/{key}"
    ]
    return resource


ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1234-abcd"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1234-abcd"


@pytest.fixture(scope="session")
def guarded(synthesized):
    return synthesized(
        "guarded", region="us-east-1", waf="create", domain="www.shop.example", certificate_arn=CERTIFICATE
    )


def test_distribution_has_the_created_firewall(guarded):
    acl = guarded.only("AWS::WAFv2::WebACL")

    assert guarded.referred(config(guarded)["WebACLId"], stack=acl.stack) == acl
    assert acl.properties["Scope"] == "CLOUDFRONT"
    assert acl.properties["DefaultAction"] == {"Allow": {}}


def test_firewall_blocks_floods_first_and_then_what_aws_lists(guarded):
    rules = guarded.only("AWS::WAFv2::WebACL").properties["Rules"]

    assert [rule["Priority"] for rule in rules] == [0, 1, 2, 3]
    rate, *managed = rules
    assert rate["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": 2_000,
    }
    assert rate["Action"] == {"Block": {}}
    assert [rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in managed] == [
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    ]
    assert {rule["VisibilityConfig"]["SampledRequestsEnabled"] for rule in rules} == {False}


def test_bodies_of_the_api_are_counted_and_not_blocked(guarded):
    common = guarded.only("AWS::WAFv2::WebACL").properties["Rules"][2]["Statement"]["ManagedRuleGroupStatement"]

    assert {each["Name"]: each["ActionToUse"] for each in common["RuleActionOverrides"]} == {
        "SizeRestrictions_BODY": {"Count": {}},
        "CrossSiteScripting_BODY": {"Count": {}},
        "GenericRFI_BODY": {"Count": {}},
    }


def test_domain_has_its_certificate_and_is_the_url_of_the_pages(guarded):
    assert config(guarded)["Aliases"] == ["www.shop.example"]
    certificate = config(guarded)["ViewerCertificate"]
    assert (certificate["AcmCertificateArn"], certificate["MinimumProtocolVersion"]) == (CERTIFICATE, "TLSv1.2_2021")
    (url,) = [p for p in guarded.of_type("AWS::SSM::Parameter") if p.properties["Name"].endswith("/web-url")]
    assert url.properties["Value"] == "https://www.shop.example"


def test_bill_counts_the_rules_of_the_firewall(guarded, demo):
    assert cost.read_assembly(guarded.directory).firewall_rules == 4
    assert cost.read_assembly(demo.directory).firewall_rules == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"region": "eu-west-1", "waf": "create"}, "waf is 'create', expected 'create' in us-east-1, or the ARN"),
        ({"waf": ACL.replace("global", "regional")}, "waf is 'arn.*', expected 'create' in us-east-1"),
        ({"waf": "create", "web": False}, "waf is 'create', expected null without the pages"),
        ({"domain": "shop.example"}, "certificate_arn is None, expected the ARN of a certificate in us-east-1"),
        ({"certificate_arn": CERTIFICATE}, "certificate_arn is '.*', expected .* null without"),
        ({"domain": "https://shop.example", "certificate_arn": CERTIFICATE}, "domain is 'https.*, expected a host"),
        (
            {"domain": "shop.example", "certificate_arn": CERTIFICATE.replace("us-east-1", "eu-west-1")},
            "certificate_arn is '.*', expected the ARN of a certificate in us-east-1",
        ),
        ({"waf_requests_per_address": 9}, "waf_requests_per_address is 9, expected 10 to 2000000000"),
    ],
)
def test_setting_that_cloudfront_would_refuse_is_refused(values, message):
    with pytest.raises(InvalidSettings, match=message):
        load_settings({"shop": {"region": "us-east-1", **values}}, "shop")


def test_web_acl_with_an_arn_serves_in_any_region():
    assert load_settings({"shop": {"region": "eu-west-1", "waf": ACL}}, "shop").waf == ACL
