import time

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_cloud.gateway.authorizers import JwtAuthorizer, RefusedError
from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.routes import Match, Route
from local_cloud.http_server import HttpRequest

KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
STRANGER = RSAKey.generate_key(2048, parameters={"kid": "one"})
ISSUER = "https://issuer.example/pool"
API = ApiContext("abc123", "123456789012", "us-east-1", "$default", {})
KEYS = {"keys": [KEY.as_dict(private=False)]}
AUTHORIZER = JwtAuthorizer(issuer=ISSUER, audiences=["client"], keys=KEYS, header="Authorization")


def token(*, key=KEY, algorithm="RS256", **claims):
    good = {"iss": ISSUER, "client_id": "client", "exp": int(time.time()) + 60, "scope": "a/read a/write"}
    stated = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "one"}, stated, key, algorithms=[algorithm])


def admit(header, *scopes):
    headers = () if header is None else (("authorization", header),)
    request = HttpRequest("GET", "/", "", headers, b"", "127.0.0.1", "HTTP/1.1")
    return AUTHORIZER.admit(request, API, Match(Route("GET /", "arn", scopes=scopes), {}))


def refusal(header, *scopes):
    """Return the status, the challenge and the reason of a refusal."""
    with pytest.raises(RefusedError) as refused:
        admit(header, *scopes)
    response = refused.value.response
    return response.status, dict(response.headers)["www-authenticate"], str(refused.value)


def test_valid_token_is_authorized_with_or_without_bearer():
    for header in (f"Bearer {token()}", f"bearer {token()}", token()):
        admission = admit(header, "a/read", "a/other")

        assert admission.variables["claims.client_id"] == "client"
        assert admission.context["jwt"]["scopes"] == ["a/read"]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "does not have a valid issuer"),
        ({"client_id": "other"}, "does not have a valid audience"),
        ({"client_id": None}, "does not have a valid audience"),
        ({"aud": "other"}, "does not have a valid audience"),
        ({"exp": int(time.time()) - 1}, "has expired"),
        ({"exp": None}, "has expired"),
        ({"nbf": int(time.time()) + 3600}, "is not valid yet"),
    ],
)
def test_wrong_claim_is_unauthorized(claims, reason):
    challenge = f'Bearer scope="" error="invalid_token" error_description="the token {reason}"'

    assert refusal(token(**claims)) == (401, challenge, f"the token {reason}")


def test_audience_precedes_the_client_id():
    assert admit(token(aud=["x", "client"], client_id="other")).variables["claims.aud"] == ["x", "client"]


def unsigned(header):
    return f"{header}.{token().split('.')[1]}."


@pytest.mark.parametrize(
    "header",
    [
        token(key=STRANGER),
        unsigned("eyJhbGciOiJub25lIn0"),  # The header is {"alg":"none"}.
        unsigned(token().split(".")[0]),
        "nonsense",
        "Bearer nonsense",
        "Bearer ",
        "a.b.c",
    ],
)
def test_token_without_a_valid_signature_is_unauthorized(header):
    status, _, reason = refusal(header)

    assert (status, reason.partition(":")[0]) == (401, "the token cannot be verified")


def test_request_without_a_token_is_unauthorized():
    assert refusal(None, "a/read") == (401, "Bearer", "no token")


def test_token_needs_one_of_the_scopes_of_the_route():
    assert admit(token(), "b/x", "a/write").context["jwt"]["scopes"] == ["a/write"]
    challenge = 'Bearer scope="b/x" error="insufficient_scope"'
    assert refusal(token(), "b/x") == refusal(token(scope=None), "b/x") == (403, challenge, "insufficient_scope")


def test_claims_are_strings_in_the_event():
    context = admit(token(exp=4_000_000_000, admin=True, groups=["a", "b"])).context["jwt"]

    assert {name: context["claims"][name] for name in ("exp", "admin", "groups")} == {
        "exp": "4000000000",
        "admin": "true",
        "groups": "[a b]",
    }
    assert context["scopes"] is None
