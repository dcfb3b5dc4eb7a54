"""Creation of a user pool's tokens, because moto has no endpoint `/oauth2/token`.

The tokens are signed with the private key that belongs to the public key in the pool's `jwks.json`, which moto serves.
They have the claims of Cognito's tokens for a client of the client-credentials grant, or for a signed-in user.
"""

import functools
import gzip
import importlib.util
import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

# File of the package moto, which is not imported here, because the import takes longer than all other steps.
_KEY = "cognitoidp/resources/jwks-private.json.gz"


def mint_access_token(
    *, user_pool_id: str, client_id: str, scopes: Sequence[str], region: str, lifetime_s: int = 3600
) -> str:
    """Return a signed token. With a negative lifetime, the token has expired."""
    now = int(time.time())
    claims = {"sub": client_id, "scope": " ".join(scopes), "auth_time": now, "version": 2, "client_id": client_id}
    return _signed({**claims, "token_use": "access", **_frame(user_pool_id, region, now=now, lifetime_s=lifetime_s)})


def mint_user_tokens(
    *,
    user_pool_id: str,
    client_id: str,
    username: str,
    scopes: Sequence[str],
    region: str,
    auth_time: int,
    access_s: int,
    id_s: int,
    groups: Sequence[str] = (),
) -> tuple[str, str]:
    """Return the access token and the ID token of a signed-in user. In a pool, a name always has the same subject."""
    now = int(time.time())
    user = {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{user_pool_id}/{username}")),
        "auth_time": auth_time,
        **({"cognito:groups": list(groups)} if groups else {}),
    }
    access = {"token_use": "access", "scope": " ".join(scopes), "version": 2, "client_id": client_id}
    identity = {"token_use": "id", "aud": client_id, "cognito:username": username}
    return (
        _signed({**user, **access, "username": username, **_frame(user_pool_id, region, now=now, lifetime_s=access_s)}),
        _signed({**user, **identity, **_frame(user_pool_id, region, now=now, lifetime_s=id_s)}),
    )


def _frame(user_pool_id: str, region: str, *, now: int, lifetime_s: int) -> dict[str, Any]:
    return {
        "iss": f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}",
        "exp": now + lifetime_s,
        "iat": now,
        "jti": str(uuid.uuid4()),
    }


def _signed(claims: dict[str, Any]) -> str:
    key_id, key = _key()
    return jwt.encode({"alg": "RS256", "kid": key_id}, claims, key)


@functools.cache
def _key() -> tuple[str, RSAKey]:
    """Return the ID of the key, and the key. The key is cached, because its validation takes a sixth of a second."""
    found = importlib.util.find_spec("moto")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("moto is not installed; it holds the key that the embedded cloud signs with")
    key = json.loads(gzip.decompress((Path(found.origin).parent / _KEY).read_bytes()))
    return key.get("kid", "dummy"), RSAKey.import_key(key)
