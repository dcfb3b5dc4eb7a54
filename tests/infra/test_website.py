"""The pages: access, response headers and sign-in."""

import json

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
