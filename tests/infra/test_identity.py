"""Tokens: the app clients that issue them, and their scopes."""

from tests.infra.assembly import Assembly, Resource, flat


def test_authorizer_accepts_our_three_clients_and_the_pools_issuer_only(demo: Assembly) -> None:
    jwt = demo.authorizer("JWT").properties["JwtConfiguration"]

    keys = ("client-id", "admin-client-id", "web-client-id")
    assert jwt["Audience"] == [parameter(demo, key).properties["Value"] for key in keys]
    assert jwt["Issuer"] == parameter(demo, "issuer").properties["Value"]
    assert flat(jwt["Issuer"]).endswith(demo.only("AWS::Cognito::UserPool").logical_id)


def test_tokens_for_a_secret_are_for_machines(assembly: Assembly) -> None:
    with_secret = [c for c in assembly.of_type("AWS::Cognito::UserPoolClient") if c.properties["GenerateSecret"]]

    assert len(with_secret) == 2
    for client in with_secret:
        assert client.properties["AllowedOAuthFlows"] == ["client_credentials"]
        # Absent, it would mean that users may sign in.
        assert client.properties["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_shops_client_never_administers_and_the_administrators_does_nothing_else(demo: Assembly) -> None:
    scopes = {
        key: {
            flat(scope).partition("/")[2]
            for scope in demo.referred(
                parameter(demo, key).properties["Value"], stack="alsolike-demo-serving"
            ).properties["AllowedOAuthScopes"]
        }
        for key in ("client-id", "admin-client-id")
    }

    assert scopes == {"client-id": {"recommendations.read", "events.write"}, "admin-client-id": {"admin"}}


def test_resource_server_has_the_scopes_of_the_contract(assembly: Assembly) -> None:
    server = assembly.only("AWS::Cognito::UserPoolResourceServer").properties

    assert server["Identifier"] == "alsolike"
    assert [scope["ScopeName"] for scope in server["Scopes"]] == ["recommendations.read", "events.write", "admin"]


def test_nobody_signs_up(assembly: Assembly) -> None:
    pool = assembly.only("AWS::Cognito::UserPool").properties

    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_prefix_of_the_token_endpoint_differs_between_deployments(demo: Assembly) -> None:
    domain = demo.only("AWS::Cognito::UserPoolDomain").properties["Domain"]

    assert domain["Fn::Join"][1] == [
        "alsolike-demo-",
        {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]},
    ]


def parameter(assembly: Assembly, key: str) -> Resource:
    (resource,) = [
        p for p in assembly.of_type("AWS::SSM::Parameter") if p.properties["Name"] == f"/alsolike/demo/{key}"
    ]
    return resource
