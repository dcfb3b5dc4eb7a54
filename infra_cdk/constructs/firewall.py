"""Web application firewall of a CloudFront distribution."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra_cdk.settings import CREATE, Settings

MANAGED_RULES: Mapping[str, Sequence[str]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    # These rules would block valid requests: bodies above 8 KB, descriptions of items with markup, and image URLs.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericRFI_BODY"),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}
"""Free rule groups of AWS, with their rules that count requests instead of blocking them:
https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""


def web_acl_arn(scope: Construct, construct_id: str, *, settings: Settings) -> str | None:
    if settings.waf != CREATE:
        return settings.waf
    rate = wafv2.CfnWebACL.RuleProperty(
        name="RequestsPerAddress",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", evaluation_window_sec=300, limit=settings.waf_requests_per_address
            )
        ),
        visibility_config=_visibility("RequestsPerAddress"),
    )
    managed = [
        wafv2.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            statement=wafv2.CfnWebACL.StatementProperty(
                managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS",
                    name=name,
                    rule_action_overrides=[
                        wafv2.CfnWebACL.RuleActionOverrideProperty(
                            name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                        )
                        for rule in counted
                    ]
                    or None,
                )
            ),
            visibility_config=_visibility(name),
        )
        for priority, (name, counted) in enumerate(MANAGED_RULES.items(), start=1)
    ]
    acl = wafv2.CfnWebACL(
        scope,
        construct_id,
        scope="CLOUDFRONT",
        default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
        description=f"Alsolike {settings.name} - distribution of pages and API",
        rules=[rate, *managed],
        visibility_config=_visibility("All"),
    )
    return acl.attr_arn


def _visibility(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    """Return a configuration with metrics but without sampled requests, which contain IP addresses and tokens."""
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
