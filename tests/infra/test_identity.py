"""Tokens: the app clients that issue them, and their scopes."""

from tests.infra.assembly import flat


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
