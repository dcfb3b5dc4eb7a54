import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.edge.configuration import (
    ALL_VIEWER_EXCEPT_HOST,
    ResponseHeader,
    read_distribution,
    read_headers_policy,
)
from local_cloud.edge.server import DistributionServer
from local_cloud.http_server import HttpRequest, HttpResponse
from local_cloud.resources.properties import Properties, PropertyError

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
BUCKET_HOST, API_HOST = "pages.s3.us-east-1.amazonaws.com", "abc.execute-api.us-east-1.amazonaws.com"


def distribution(**changes):
    behavior = {"CachePolicyId": CACHING_DISABLED, "ViewerProtocolPolicy": "https-only"}
    return {
        "DistributionConfig": {
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": [
                {"Id": "bucket", "DomainName": BUCKET_HOST, "S3OriginConfig": {"OriginAccessIdentity": ""}},
                {
                    "Id": "api",
                    "DomainName": API_HOST,
                    "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]},
                },
            ],
            "CacheBehaviors": [
                {
                    **behavior,
                    "PathPattern": "/api/*",
                    "TargetOriginId": "api",
                    "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST,
                    "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                }
            ],
            "DefaultCacheBehavior": {**behavior, "TargetOriginId": "bucket", "ResponseHeadersPolicyId": "headers"},
            **changes,
        }
    }


class FakeBucket:
    def get_object(self, **request: str) -> dict[str, Any]:
        objects = {("pages", "index.html"): b"<p>home", ("pages", "assets/a b.js"): b"1"}
        place = (request["Bucket"], request["Key"])
        if place not in objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {
            "Body": io.BytesIO(objects[place]),
            "ETag": '"1"',
            "ContentType": "text/html",
            "CacheControl": "no-cache",
        }


class Edge:
    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.server = DistributionServer(
            read_distribution(Properties(distribution())),
            buckets={BUCKET_HOST: "pages"},
            apis={API_HOST: self._answer},
            policies={
                "headers": [
                    ResponseHeader("content-security-policy", "connect-src https://sign-in", override=True),
                    ResponseHeader("cache-control", "kept by the origin", override=False),
                ]
            },
            s3=FakeBucket(),
            localize=lambda text: text.replace("https://sign-in", "http://127.0.0.1:1"),
        )

    def _answer(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(201, (("x-of", "api"),), b"{}")

    def get(self, path: str, *, method: str = "GET", headers: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        host = ("Host", self.server.url.removeprefix("http://"))
        received = datetime(2026, 11, 26, tzinfo=UTC)
        return self.server.serve(
            HttpRequest(method, path, "a=1", (*headers, host), b"", "127.0.0.1", "HTTP/1.1", "id", received)
        )


@pytest.fixture
def edge():
    found = Edge()
    yield found
    found.server.stop()


def test_only_the_root_path_has_the_root_object(edge):
    assert (edge.get("/").status, edge.get("/").body) == (200, b"<p>home")
    assert edge.get("/folder/").status == 403


def test_object_is_found_by_its_decoded_path(edge):
    assert edge.get("/assets/a%20b.js").body == b"1"


def test_response_headers_are_added_with_local_addresses(edge):
    headers = dict(edge.get("/").headers)

    assert headers["content-security-policy"] == "connect-src http://127.0.0.1:1"
    assert headers["Cache-Control"] == "no-cache"
    assert "cache-control" not in headers


def test_unchanged_object_is_not_modified(edge):
    answer = edge.get("/", headers=[("If-None-Match", '"1"')])

    assert (answer.status, answer.body) == (304, b"")


def test_api_origin_gets_the_request_without_the_host_header(edge):
    answer = edge.get("/api/items", method="POST", headers=[("Authorization", "Bearer t")])

    (request,) = edge.requests
    assert (request.method, request.path, request.query) == ("POST", "/api/items", "a=1")
    assert request.headers == (("Authorization", "Bearer t"),)
    assert (answer.status, answer.headers) == (201, (("x-of", "api"),))


def test_method_outside_of_the_behaviour_is_refused(edge):
    assert edge.get("/index.html", method="POST").status == 403


def test_request_with_a_foreign_host_is_refused(edge):
    received = datetime(2026, 11, 26, tzinfo=UTC)
    request = HttpRequest("GET", "/", "", (("Host", "evil.example"),), b"", "127.0.0.1", "HTTP/1.1", "id", received)

    assert edge.server.serve(request).status == 403


def test_behaviours_are_matched_in_order_and_the_default_last():
    config = read_distribution(Properties(distribution()))

    assert not config.behavior("/api/items").origin.is_bucket
    assert config.behavior("/api").origin.is_bucket
    assert config.behavior("/other/api/items").origin.is_bucket


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Enabled": False}, "Enabled"),
        ({"Aliases": ["shop.example"]}, "Aliases"),
        ({"CustomErrorResponses": [{"ErrorCode": 404, "ResponsePagePath": "/404.html"}]}, "ResponsePagePath"),
        ({"DefaultCacheBehavior": {"TargetOriginId": "nowhere"}}, "TargetOriginId"),
        ({"DefaultCacheBehavior": {"TargetOriginId": "bucket", "CachePolicyId": "own"}}, "CachePolicyId"),
        (
            {"DefaultCacheBehavior": {"TargetOriginId": "api", "CachePolicyId": CACHING_DISABLED}},
            "OriginRequestPolicyId",
        ),
    ],
)
def test_unsupported_property_of_a_distribution_is_refused_with_its_name(changes, named):
    properties = Properties(distribution(**changes))

    try:
        read_distribution(properties)
        refused = list(properties.unread())
    except PropertyError as error:
        refused = [error.path]

    assert [path for path in refused if path.endswith(named)]


def test_policy_headers_have_the_standard_format():
    policy = Properties(
        {
            "ResponseHeadersPolicyConfig": {
                "Name": "any",
                "SecurityHeadersConfig": {
                    "StrictTransportSecurity": {
                        "AccessControlMaxAgeSec": 60,
                        "IncludeSubdomains": True,
                        "Override": True,
                    },
                    "ContentTypeOptions": {"Override": False},
                },
                "CustomHeadersConfig": {"Items": [{"Header": "x-own", "Value": "1", "Override": True}]},
            }
        }
    )

    assert list(read_headers_policy(policy)) == [
        ResponseHeader("x-content-type-options", "nosniff", override=False),
        ResponseHeader("strict-transport-security", "max-age=60; includeSubDomains", override=True),
        ResponseHeader("x-own", "1", override=True),
    ]
    assert list(policy.unread()) == []


def cors(**changes):
    section = {
        "AccessControlAllowOrigins": {"Items": ["*"]},
        "AccessControlAllowHeaders": {"Items": ["*"]},
        "AccessControlAllowMethods": {"Items": ["GET"]},
        "AccessControlAllowCredentials": False,
        "OriginOverride": True,
        **changes,
    }
    return Properties({"ResponseHeadersPolicyConfig": {"Name": "scripts", "CorsConfig": section}})


def test_policy_permits_pages_of_any_origin():
    properties = cors()

    assert read_headers_policy(properties) == [ResponseHeader("access-control-allow-origin", "*", override=True)]
    assert list(properties.unread()) == []


@pytest.mark.parametrize(
    "change", [{"AccessControlAllowOrigins": {"Items": ["https://a.example"]}}, {"AccessControlAllowCredentials": True}]
)
def test_policy_for_some_origins_or_credentials_is_refused(change):
    with pytest.raises(PropertyError, match=next(iter(change))):
        read_headers_policy(cors(**change))
