"""Mints access tokens of a user pool, since moto has no ``/oauth2/token`` endpoint.

They are signed with the key whose public half moto serves as the pool's ``jwks.json``, and have the claims that
Cognito gives to a client of the client-credentials grant.
"""

import time
import uuid
from collections.abc import Sequence

from joserfc import jwt
from joserfc.jwk import RSAKey
from moto.utilities.utils import load_resource

_KEY = "cognitoidp/resources/jwks-private.json"


def mint_access_token(
    *, user_pool_id: str, client_id: str, scopes: Sequence[str], region: str, lifetime_s: int = 3600
) -> str:
    """Return a signed token; a negative lifetime gives one that has expired."""
    now = int(time.time())
    claims = {
        "sub": client_id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iss": f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}",
        "exp": now + lifetime_s,
        "iat": now,
        "version": 2,
        "jti": str(uuid.uuid4()),
        "client_id": client_id,
    }
    key = load_resource(_KEY)
    return jwt.encode({"alg": "RS256", "kid": key.get("kid", "dummy")}, claims, RSAKey.import_key(key))
