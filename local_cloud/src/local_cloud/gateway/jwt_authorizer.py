"""JWT authorizers, which verify the signature, issuer, audience, times and scopes of tokens.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from local_cloud.gateway.authorizer import Admission, RefusedError
from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.response import message_response
from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest

_ALGORITHMS = ["RS256", "RS384", "RS512"]


class UnauthorizedError(Exception): ...


class ForbiddenError(Exception): ...


@dataclass(frozen=True, slots=True)
class Identity:
    claims: Mapping[str, Any]
    scopes: Sequence[str]


class JwtAuthorizer:
    """Authorizer that checks bearer tokens of an issuer. If `audiences` is None, it accepts any audience."""

    def __init__(self, *, issuer: str, audiences: Sequence[str] | None, keys: Mapping[str, Any], header: str) -> None:
        self._issuer = issuer
        self._audiences = None if audiences is None else set(audiences)
        self._keys = KeySet.import_key_set({"keys": list(keys["keys"])})
        self._header = header

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        header, scopes = request.header(self._header), match.route.scopes
        try:
            identity = self.authorize(header, required_scopes=scopes)
        except UnauthorizedError as error:
            invalid = f' scope="{" ".join(scopes)}" error="invalid_token" error_description="{error}"'
            challenge = ("www-authenticate", f"Bearer{invalid if header else ''}")
            raise RefusedError(message_response(401, "Unauthorized", challenge), str(error)) from error
        except ForbiddenError as error:
            challenge = ("www-authenticate", f'Bearer scope="{" ".join(scopes)}" error="{error}"')
            raise RefusedError(message_response(403, "Forbidden", challenge), str(error)) from error
        claims = {f"claims.{name}": value for name, value in identity.claims.items()}
        return Admission(authorizer_context(identity), claims)

    def authorize(self, header: str | None, *, required_scopes: Sequence[str]) -> Identity:
        """Return the token's claims, and its scopes that are among `required_scopes`."""
        claims = self._verified(header)
        granted = _scopes(claims)
        if required_scopes and not set(required_scopes) & set(granted):
            raise ForbiddenError("insufficient_scope")
        matched = [scope for scope in granted if scope in required_scopes]
        return Identity(claims=claims, scopes=matched)

    def _verified(self, header: str | None) -> Mapping[str, Any]:
        if not header:
            raise UnauthorizedError("no token")
        token = header[7:].strip() if header[:7].lower() == "bearer " else header.strip()
        try:
            claims: Mapping[str, Any] = jwt.decode(token, self._keys, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise UnauthorizedError(f"the token cannot be verified: {error}") from error
        if claims.get("iss") != self._issuer:
            raise UnauthorizedError("the token does not have a valid issuer")
        audience = claims["aud"] if "aud" in claims else claims.get("client_id")
        if self._audiences is not None and not self._audiences & set(
            audience if isinstance(audience, list) else [audience]
        ):
            raise UnauthorizedError("the token does not have a valid audience")
        now = time.time()
        if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now:
            raise UnauthorizedError("the token has expired")
        if claims.get("nbf", 0) > now:
            raise UnauthorizedError("the token is not valid yet")
        return claims


def authorizer_context(identity: Identity) -> dict[str, Any]:
    """Return `requestContext.authorizer`, in which all claims are strings."""
    return {
        "jwt": {
            "claims": {name: claim_text(value) for name, value in identity.claims.items()},
            "scopes": list(identity.scopes) or None,
        }
    }


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list):
            return [str(scope) for scope in value]
    return []


def claim_text(value: Any) -> str:
    """Return a claim as a string, as in an HTTP API's event."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(claim_text(item) for item in value)}]"
    return str(value)
