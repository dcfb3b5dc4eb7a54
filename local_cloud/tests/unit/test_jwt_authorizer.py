import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local_cloud.gateway.jwt_authorizer import (
    ForbiddenError,
    JwtAuthorizer,
    UnauthorizedError,
    authorizer_context,
)

KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
STRANGER = RSAKey.generate_key(2048, parameters={"kid": "one"})
ISSUER = "https://issuer.example/pool"


@pytest.fixture(scope="module")
def authorizer() -> JwtAuthorizer:
    keys = {"keys": [KEY.as_dict(private=False)]}
    return JwtAuthorizer(issuer=ISSUER, audiences=["client"], keys=keys, header="Authorization")


def token(*, key: RSAKey = KEY, algorithm: str = "RS256", **claims: Any) -> str:
    good = {"iss": ISSUER, "client_id": "client", "exp": int(time.time()) + 60, "scope": "a/read a/write"}
    stated = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "one"}, stated, key, algorithms=[algorithm])


def test_valid_token_is_authorized_with_or_without_bearer(authorizer: JwtAuthorizer) -> None:
    for header in (f"Bearer {token()}", f"bearer {token()}", token()):
        identity = authorizer.authorize(header, required_scopes=["a/read", "a/other"])
        assert identity.claims["client_id"] == "client"
        assert identity.scopes == ["a/read"]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"client_id": "other"}, "audience"),
        ({"client_id": None}, "audience"),
        ({"aud": "other"}, "audience"),
        ({"exp": int(time.time()) - 1}, "expired"),
        ({"exp": None}, "expired"),
        ({"nbf": int(time.time()) + 3600}, "not valid yet"),
    ],
)
def test_wrong_claim_is_unauthorized(authorizer: JwtAuthorizer, claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnauthorizedError, match=reason):
        authorizer.authorize(token(**claims), required_scopes=[])


def test_audience_precedes_the_client_id(authorizer: JwtAuthorizer) -> None:
    identity = authorizer.authorize(token(aud=["x", "client"], client_id="other"), required_scopes=[])

    assert identity.claims["aud"] == ["x", "client"]


def test_signature_of_another_key_is_unauthorized(authorizer: JwtAuthorizer) -> None:
    with pytest.raises(UnauthorizedError, match="cannot be verified"):
        authorizer.authorize(token(key=STRANGER), required_scopes=[])


def test_unsigned_token_is_unauthorized(authorizer: JwtAuthorizer) -> None:
    header, payload, _ = token().split(".")
    unsigned = "eyJhbGciOiJub25lIn0"  # The header is {"alg":"none"}.

    with pytest.raises(UnauthorizedError, match="cannot be verified"):
        authorizer.authorize(f"{unsigned}.{payload}.", required_scopes=[])
    with pytest.raises(UnauthorizedError, match="cannot be verified"):
        authorizer.authorize(f"{header}.{payload}.", required_scopes=[])


@pytest.mark.parametrize("header", ["nonsense", "Bearer nonsense", "Bearer ", "a.b.c"])
def test_malformed_token_is_unauthorized(authorizer: JwtAuthorizer, header: str) -> None:
    with pytest.raises(UnauthorizedError, match="cannot be verified"):
        authorizer.authorize(header, required_scopes=[])


def test_token_needs_one_of_the_scopes_of_the_route(authorizer: JwtAuthorizer) -> None:
    assert authorizer.authorize(token(), required_scopes=["b/x", "a/write"]).scopes == ["a/write"]
    with pytest.raises(ForbiddenError):
        authorizer.authorize(token(), required_scopes=["b/x"])
    with pytest.raises(ForbiddenError):
        authorizer.authorize(token(scope=None), required_scopes=["a/read"])


def test_claims_are_strings_in_the_event(authorizer: JwtAuthorizer) -> None:
    identity = authorizer.authorize(token(exp=4_000_000_000, admin=True, groups=["a", "b"]), required_scopes=[])

    context = authorizer_context(identity)

    assert context["jwt"]["claims"]["exp"] == "4000000000"
    assert context["jwt"]["claims"]["admin"] == "true"
    assert context["jwt"]["claims"]["groups"] == "[a b]"
    assert context["jwt"]["scopes"] is None
