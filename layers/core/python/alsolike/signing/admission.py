"""Admission of signed requests: a handler sees them as the unsigned route's requests.

Each route with scopes has a twin below `SIGNED_PREFIX`, which API Gateway passes on unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.declarations.routes import SIGNED_PREFIX, SIGNED_ROUTES
from alsolike.runtime.errors import SignatureRefused
from alsolike.signing.keys import KeyReader
from alsolike.signing.signature import UNKNOWN_KEY, read_signature, verify

SIGNED_BY = "signedBy"
"""Field of an admitted request: the client of its key."""

DENIED = "AccessDeniedException"


def admit(event: Mapping[str, Any], keys: KeyReader, *, now_s: float) -> dict[str, Any]:
    """Return a verified request with the key of the unsigned route, and the field `SIGNED_BY`.

    Raises
    ------
    SignatureRefused
        If the signature is wrong, or its key has none of the route's scopes.
    InvalidInput
        If the body cannot be read.
    Unavailable
        If the key cannot be read.
    """
    signature = read_signature(event, now_s=now_s)
    key = keys.find(signature.key_id, now_s=now_s)
    if key is None or not key.is_active(now_ms=now_s * 1000):
        raise SignatureRefused("the access key does not exist, is disabled or has expired", UNKNOWN_KEY)
    verify(event, signature, secret=keys.secret(key))
    scopes = SIGNED_ROUTES[event["routeKey"]].scopes
    if not set(key.scopes) & set(scopes):
        expected = " or ".join(scopes)
        raise SignatureRefused(f"the access key lacks the scope {expected}", DENIED)
    keys.mark_used(key, now_s=now_s)
    method, path = event["routeKey"].split(" ")
    return {**event, "routeKey": f"{method} {path.removeprefix(SIGNED_PREFIX)}", SIGNED_BY: key.client}
