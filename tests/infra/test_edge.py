"""The settings `waf` and `domain`: firewall, host name and certificate of the distribution."""

import pytest

from infra_cdk.context import load_settings
from infra_cdk.settings_checks import InvalidSettings
from operations import cost

ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1234-abcd"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1234-abcd"


@pytest.fixture(scope="session")
def guarded(synthesized):
    return synthesized(
        "guarded", region="us-east-1", waf="create", domain="www.shop.example", certificate_arn=CERTIFICATE
    )


def config(assembly):
    return assembly.only("AWS::CloudFront::Distribution").properties["DistributionConfig"]


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
