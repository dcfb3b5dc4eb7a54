"""Pages in a private bucket, and a CloudFront distribution with its firewall for the pages and the API."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from alsolike.declarations.storage import LISTS_PREFIX
from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.constructs.http_api import PAGES_STAGE
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.settings import CREATE, Settings

MANAGED_RULES: Mapping[str, Sequence[str]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    # These rules would block valid requests: bodies above 8 KB, descriptions of items with markup, and image URLs.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericRFI_BODY"),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}
"""Free rule groups of AWS, each with the names of its rules that only count requests and do not block them:
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


# By default, CloudFront caches most responses with these statuses for ten seconds. Without this list, an error of the
# API would also be sent to callers with other tokens:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)


class Website(Construct):
    """Distribution that serves the pages, and the API below `/api`, so that pages use only one host.

    `bucket` also contains static lists. `target` is the host name to which the DNS record of the setting `domain` must
    point.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, api_host: str, sign_in_url: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = self._bucket(settings)
        pages = origins.S3BucketOrigin.with_origin_access_control(self.bucket)
        headers, any_origin = self._headers(sign_in_url), self._headers_for_any_origin()
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Alsolike {settings.name}: storefront and console",
            default_root_object="index.html",
            web_acl_id=web_acl_arn(self, "Firewall", settings=settings),
            domain_names=[settings.domain] if settings.domain else None,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", settings.certificate_arn)
            if settings.certificate_arn
            else None,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=cdk.Duration.seconds(0)) for status in _ERRORS
            ],
            # Pages and site.json are small. They are not cached, so that a new version is visible without an
            # invalidation.
            default_behavior=_behavior(pages, headers, cloudfront.CachePolicy.CACHING_DISABLED),
            additional_behaviors={
                # Names of assets contain a hash of the content.
                "/assets/*": _behavior(pages, headers, cloudfront.CachePolicy.CACHING_OPTIMIZED),
                # Script of the browser package. Pages of other origins load it and check its integrity.
                "/sdk/*": _behavior(pages, any_origin, cloudfront.CachePolicy.CACHING_OPTIMIZED),
                # Static lists: their headers state how long browsers and CloudFront keep them.
                f"/{LISTS_PREFIX}*": _behavior(pages, any_origin, cloudfront.CachePolicy.CACHING_OPTIMIZED),
                f"/{PAGES_STAGE}/*": cloudfront.BehaviorOptions(
                    origin=origins.HttpOrigin(
                        api_host,
                        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                    ),
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    # Forward the header with the token, which CloudFront removes by default.
                    origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                    response_headers_policy=headers,
                ),
            },
        )
        for finding, reason in (
            ("AwsSolutions-CFR1", "The shop decides in which countries it is available"),
            ("AwsSolutions-CFR2", "The files are public, and the API requires tokens and has its own limits; the "
             "setting waf attaches a web application firewall"),
            ("AwsSolutions-CFR3", "An access log would contain IP addresses of users; the API has its own access log"),
            ("AwsSolutions-CFR4", "CloudFront's default certificate fixes the protocols; every browser "
             "that can run the pages uses TLS 1.2 or later"),
        ):  # fmt: skip
            acknowledge(distribution, finding=finding, reason=reason)
        self.url = f"https://{settings.domain or distribution.distribution_domain_name}"
        self.target = distribution.distribution_domain_name

    def _bucket(self, settings: Settings) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Pages",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7))],
            removal_policy=removal_policy(settings),
        )
        acknowledge(
            bucket,
            finding="AwsSolutions-S1",
            reason="It contains public files of the repository, and only the distribution reads it",
        )
        return bucket

    def _headers_for_any_origin(self) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "SdkHeaders",
            cors_behavior=cloudfront.ResponseHeadersCorsBehavior(
                access_control_allow_origins=["*"],
                access_control_allow_headers=["*"],
                access_control_allow_methods=["GET", "HEAD"],
                access_control_allow_credentials=False,
                origin_override=True,
            ),
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True)
            ),
        )

    def _headers(self, sign_in_url: str) -> cloudfront.ResponseHeadersPolicy:
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data: https:",  # image URLs of the catalogue can have any host
            "font-src": "'self'",
            "connect-src": f"'self' {sign_in_url}",
            "form-action": "'none'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
        }
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy="; ".join(f"{name} {value}" for name, value in policy.items()),
                    override=True,
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(365), include_subdomains=True, override=True
                ),
            ),
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[
                    cloudfront.ResponseCustomHeader(header=header, value=value, override=True)
                    for header, value in (
                        ("cross-origin-opener-policy", "same-origin"),
                        ("cross-origin-resource-policy", "same-origin"),
                        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
                    )
                ]
            ),
        )


def _behavior(
    origin: cloudfront.IOrigin, headers: cloudfront.IResponseHeadersPolicy, cache: cloudfront.ICachePolicy
) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cache_policy=cache,
        response_headers_policy=headers,
    )
