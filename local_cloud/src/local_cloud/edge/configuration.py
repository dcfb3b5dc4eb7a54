"""Configuration of distributions and response headers from the template. Unsupported properties raise an error."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from local_cloud.resources.properties import Properties, PropertyError

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
ALL_VIEWER_EXCEPT_HOST: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
_CACHE_POLICIES: Final = {"4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"}
_METHODS: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Origin:
    host: str
    is_bucket: bool


@dataclass(frozen=True, slots=True)
class Behavior:
    pattern: re.Pattern[str]
    origin: Origin
    methods: Sequence[str]
    headers_policy: str | None


@dataclass(frozen=True, slots=True)
class DistributionConfig:
    """Distribution with its behaviours in order. The default behaviour is last."""

    behaviors: Sequence[Behavior]
    root_object: str

    def behavior(self, path: str) -> Behavior:
        return next(behavior for behavior in self.behaviors if behavior.pattern.fullmatch(path))


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """Response header of a policy. With `override`, it replaces the origin's header."""

    name: str
    value: str
    override: bool


def read_distribution(properties: Properties) -> DistributionConfig:
    config = properties.section("DistributionConfig")
    # These properties have no effect on a single machine, or README.md documents that they are ignored.
    config.keep("Comment", "HttpVersion", "IPV6Enabled", "PriceClass", "ViewerCertificate", "Logging", "WebACLId")
    for response in config.sections("CustomErrorResponses"):
        # Responses are not cached, so the caching time has no effect. Custom error pages are not supported.
        response.keep("ErrorCode", "ErrorCachingMinTTL")
    if config["Enabled"] is not True:
        raise PropertyError(config.path_of("Enabled"), "only distributions that are enabled are served here")
    origins = {origin["Id"]: _origin(origin) for origin in config.sections("Origins")}
    behaviors = [
        _behavior(behavior, origins, pattern=behavior["PathPattern"]) for behavior in config.sections("CacheBehaviors")
    ]
    default = _behavior(config.section("DefaultCacheBehavior"), origins, pattern="*")
    return DistributionConfig((*behaviors, default), config.get("DefaultRootObject", ""))


def read_headers_policy(properties: Properties) -> Sequence[ResponseHeader]:
    config = properties.section("ResponseHeadersPolicyConfig")
    config.keep("Name", "Comment")
    security = config.section("SecurityHeadersConfig")
    headers = _cors(config.section("CorsConfig")) if "CorsConfig" in config else []
    for name, header, value in (
        ("ContentSecurityPolicy", "content-security-policy", "ContentSecurityPolicy"),
        ("FrameOptions", "x-frame-options", "FrameOption"),
        ("ReferrerPolicy", "referrer-policy", "ReferrerPolicy"),
    ):
        if name in security:
            section = security.section(name)
            headers.append(ResponseHeader(header, section[value], section["Override"]))
    if "ContentTypeOptions" in security:
        section = security.section("ContentTypeOptions")
        headers.append(ResponseHeader("x-content-type-options", "nosniff", section["Override"]))
    if "StrictTransportSecurity" in security:
        headers.append(_transport(security.section("StrictTransportSecurity")))
    headers += [
        ResponseHeader(item["Header"], item["Value"], item["Override"])
        for item in config.section("CustomHeadersConfig").sections("Items")
    ]
    return headers


def _cors(section: Properties) -> list[ResponseHeader]:
    """Return the header that lets pages of any origin read the responses to simple requests.

    The settings for preflight requests are ignored. CloudFront forwards such requests to origins.
    """
    section.keep("AccessControlAllowHeaders", "AccessControlAllowMethods", "AccessControlMaxAgeSec")
    for name, expected in (("AccessControlAllowOrigins", {"Items": ["*"]}), ("AccessControlAllowCredentials", False)):
        if section[name] != expected:
            raise PropertyError(section.path_of(name), f"only {expected} is known here")
    return [ResponseHeader("access-control-allow-origin", "*", section["OriginOverride"])]


def _transport(section: Properties) -> ResponseHeader:
    parts = [f"max-age={section['AccessControlMaxAgeSec']}"]
    parts += ["includeSubDomains"] if section.get("IncludeSubdomains") else []
    parts += ["preload"] if section.get("Preload") else []
    return ResponseHeader("strict-transport-security", "; ".join(parts), section["Override"])


def _origin(origin: Properties) -> Origin:
    if "S3OriginConfig" in origin:
        origin.keep("OriginAccessControlId")  # all clients can read buckets here
        if identity := origin.section("S3OriginConfig").get("OriginAccessIdentity"):
            raise PropertyError(
                origin.path_of("S3OriginConfig"), f"identity {identity!r}: only access control is known"
            )
        return Origin(origin["DomainName"], is_bucket=True)
    custom = origin.section("CustomOriginConfig")
    custom.keep("OriginProtocolPolicy", "OriginSSLProtocols")  # calls remain within this process
    return Origin(origin["DomainName"], is_bucket=False)


def _behavior(behavior: Properties, origins: Mapping[str, Origin], *, pattern: str) -> Behavior:
    behavior.keep("Compress", "ViewerProtocolPolicy", "CachedMethods")
    name = behavior["TargetOriginId"]
    if name not in origins:
        raise PropertyError(behavior.path_of("TargetOriginId"), f"there is no origin {name!r}")
    origin = origins[name]
    if behavior["CachePolicyId"] not in _CACHE_POLICIES:
        raise PropertyError(
            behavior.path_of("CachePolicyId"), "only the managed CachingOptimized and CachingDisabled are known here"
        )
    forwarded = behavior.get("OriginRequestPolicyId")
    if forwarded != (None if origin.is_bucket else ALL_VIEWER_EXCEPT_HOST):
        raise PropertyError(
            behavior.path_of("OriginRequestPolicyId"),
            "only the managed AllViewerExceptHostHeader is known here, for HTTP APIs, and none for buckets",
        )
    return Behavior(
        pattern=re.compile(fnmatch.translate(f"/{pattern.lstrip('/')}")),
        origin=origin,
        methods=tuple(behavior.get("AllowedMethods", _METHODS)),
        headers_policy=behavior.get("ResponseHeadersPolicyId"),
    )
