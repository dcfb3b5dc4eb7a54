"""Admission of requests with a key pair, by signature or HTTP Basic: age of the signature, key, and scopes.

Each of `ROUTES` with scopes has a second route below `SIGNED_PREFIX`. API Gateway does not check the requests of these
routes. After the verification, handlers receive the request with the route key of the unsigned route.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.declarations.routes import BASIC_ROUTES, CATCH_ALL, SIGNED_PREFIX, SIGNED_ROUTES
from alsolike.runtime.errors import NotFound, SignatureRefused, Unavailable
from alsolike.runtime.observability import logger
from alsolike.signing.key_pairs import KeyReader, SigningKey
from alsolike.signing.signature import (
    INVALID,
    MALFORMED,
    NO_SIGNATURE,
    UNKNOWN_KEY,
    Signature,
    read_signature,
    verify,
)

SIGNED_BY = "signedBy"
"""Field of an admitted request that contains the name of the key's client."""

DENIED = "AccessDeniedException"
MAX_SKEW_S = 300
"""Maximum age of a signature in seconds, and maximum time by which the client's clock may be ahead."""


def admit(event: Mapping[str, Any], keys: KeyReader, *, now_s: float) -> dict[str, Any]:
    """Verify the signature of a request, and return the request with the unsigned route key and the field
    `SIGNED_BY`.
    """
    signature = read_signature(event)
    check_age(signature, now_s=now_s)
    key, secret = _read_key(keys, signature.key_id, now_s=now_s)
    verify(event, signature, secret=secret)
    _check_path(event)
    _authorize(key, SIGNED_ROUTES[event["routeKey"]].scopes)
    keys.mark_used(key, source=_source(event), now_s=now_s)
    method, path = event["routeKey"].split(" ")
    return {**event, "routeKey": f"{method} {path.removeprefix(SIGNED_PREFIX)}", SIGNED_BY: key.client}


def check_age(signature: Signature, *, now_s: float) -> None:
    if abs(now_s - signature.signed_s) > MAX_SKEW_S:
        raise SignatureRefused(f"x-amz-date differs by more than {MAX_SKEW_S} seconds from the server's time", INVALID)


def _check_path(event: Mapping[str, Any]) -> None:
    # The path starts with the name of the stage, unless it is the default stage.
    path = event["rawPath"].removeprefix(f"/{event['requestContext'].get('stage')}")
    if event["routeKey"] == CATCH_ALL and path.rstrip("/") != SIGNED_PREFIX:
        posts = (key.removeprefix("POST ") for key in SIGNED_ROUTES if key.startswith("POST ") and key != CATCH_ALL)
        raise NotFound(f"POST {path} does not exist, expected one of {', '.join(sorted(posts))}")


def admit_basic(event: Mapping[str, Any], keys: KeyReader, *, now_s: float) -> dict[str, Any]:
    """Verify the HTTP Basic credentials (key ID and secret) of a request, and return the request with the field
    `SIGNED_BY`.
    """
    key_id, password = _read_password(event)
    key, secret = _read_key(keys, key_id, now_s=now_s)
    if not hmac.compare_digest(password.encode(), secret.encode()):
        raise SignatureRefused("the password is not the secret of this access key", UNKNOWN_KEY)
    _authorize(key, BASIC_ROUTES[event["routeKey"]].scopes)
    keys.mark_used(key, source=_source(event), now_s=now_s)
    return {**event, SIGNED_BY: key.client}


def _read_password(event: Mapping[str, Any]) -> tuple[str, str]:
    scheme, _, credentials = event["headers"].get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise SignatureRefused("the request has no user name and password (HTTP Basic)", NO_SIGNATURE)
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError as error:  # Includes binascii.Error and UnicodeDecodeError.
        raise SignatureRefused("the user name and password are not base64 of UTF-8", MALFORMED) from error
    if not colon or not user:
        raise SignatureRefused("the request has no user name and password (HTTP Basic)", MALFORMED)
    return user, password


def _read_key(keys: KeyReader, key_id: str, *, now_s: float) -> tuple[SigningKey, str]:
    with _hidden_details():
        key = keys.find(key_id, now_s=now_s)
        if key is None or not key.is_active(now_ms=now_s * 1000):
            raise SignatureRefused("the access key does not exist, is disabled or has expired", UNKNOWN_KEY)
        return key, keys.secret(key)


@contextlib.contextmanager
def _hidden_details() -> Iterator[None]:
    """Log the details of an AWS error, and raise an error with a general message instead."""
    try:
        yield
    except Unavailable as error:
        logger.warning("an access key cannot be read", reason=str(error))
        raise Unavailable("access keys cannot be read now; repeat the request") from error


def _source(event: Mapping[str, Any]) -> str:
    return str(event["requestContext"]["http"]["sourceIp"])


def _authorize(key: SigningKey, scopes: Sequence[str]) -> None:
    if not set(key.scopes) & set(scopes):
        raise SignatureRefused(f"the access key lacks the scope {' or '.join(scopes)}", DENIED)
