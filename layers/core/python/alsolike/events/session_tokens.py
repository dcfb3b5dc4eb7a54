"""Session tokens.

With a token, a browser can only send events of its session and read recommendations for this session.

A token is a JSON Web Token with an HMAC-SHA256 signature (HS256) under the deployment's session key, so the shop's
backend can issue it with any JWT library. The claims are `iss`, `aud`, `sid` (the session), `sub` (the user, if logged
in), `site` (the site key, if a page used one), `operator` (true for an operator's page), `iat` and `exp`, at most
`MAX_LIFETIME_S` after `iat`. A single token cannot be revoked before it expires.

References
----------
https://www.rfc-editor.org/rfc/rfc7519, https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.runtime.errors import InvalidInput, MissingSetting, WrongSignature
from alsolike.runtime.struct import struct
from alsolike.schema import validation

ISSUER = "alsolike"
AUDIENCE = "alsolike-session"
ALGORITHM = "HS256"

DEFAULT_LIFETIME_S = 900
MAX_LIFETIME_S = 3_600

CLOCK_LEEWAY_S = 5
"""Maximum time, in seconds, by which the issuer's clock may be ahead. The expiry has no such tolerance."""

MAX_TOKEN_CHARACTERS = 9_000
"""Maximum length of a token. Two IDs of 256 characters fit, even if JSON escapes every character with 12 characters.
API Gateway's limit for headers is 10,240 bytes."""

MIN_KEY_BYTES = 32
"""Minimum size of a key by RFC 7518, section 3.2, which is the size of the hash."""

_HEADER = {"alg": ALGORITHM, "typ": "JWT"}


@struct
class Session:
    """Subject of a token. The page of an `operator` may read all columns and use all filters."""

    session_id: str
    user_id: str | None = None
    site: str | None = None
    operator: bool = False


def mint(key: bytes, session: Session, *, now_s: int, lifetime_s: int = DEFAULT_LIFETIME_S) -> str:
    """Return a signed token for a session.

    Examples
    --------
    >>> token = mint(b"k" * 64, Session("f81d4fae", user_id="42"), now_s=1_764_032_400)
    >>> verify(token, [b"k" * 64], now_s=1_764_032_400 + DEFAULT_LIFETIME_S - 1)
    Session(session_id='f81d4fae', user_id='42', site=None, operator=False)
    """
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sid": session.session_id,
        "iat": now_s,
        "exp": now_s + lifetime_s,
    }
    if session.user_id is not None:
        claims["sub"] = session.user_id
    if session.site is not None:
        claims["site"] = session.site
    if session.operator:
        claims["operator"] = True
    _session(claims)
    if not 1 <= lifetime_s <= MAX_LIFETIME_S:
        raise InvalidInput(f"lifetime is {lifetime_s} s, expected 1 to {MAX_LIFETIME_S}")
    try:
        signed = b".".join(_encoded(orjson.dumps(part)) for part in (_HEADER, claims))
    except orjson.JSONEncodeError as error:
        raise InvalidInput("sid or sub is not valid Unicode: it holds half a surrogate pair") from error
    return (signed + b"." + _signature(key, signed)).decode()


def verify(token: str, keys: Sequence[bytes], *, now_s: float) -> Session:
    """Return the session that a token identifies. A wrong signature raises `WrongSignature`, another invalid token
    `InvalidInput`.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii() or token.count(".") != 2:
        raise InvalidInput(
            f"the token has {len(token)} characters in {token.count('.') + 1} parts,"
            f" expected at most {MAX_TOKEN_CHARACTERS} ASCII characters in 3 parts"
        )
    signed, _, signature = token.encode().rpartition(b".")
    header, _, claims = signed.partition(b".")
    _check_header(_decoded(header, subject="the token's header"))
    # Compare the base64 strings, because several strings decode to the same bytes, but only one string is valid.
    if not any(hmac.compare_digest(_signature(key, signed), signature) for key in keys):
        raise WrongSignature("the token is signed with none of the session keys")
    return _current(_decoded(claims, subject="the token's claims"), now_s=now_s)


def authorizer_context(session: Session) -> dict[str, str]:
    context = {
        "sessionId": session.session_id,
        "userId": session.user_id,
        "site": session.site,
        "operator": "true" if session.operator else None,
    }
    return {name: value for name, value in context.items() if value is not None}


def session_of(event: Mapping[str, Any]) -> Session:
    context = event["requestContext"]["authorizer"]["lambda"]
    return Session(context["sessionId"], context.get("userId"), context.get("site"), "operator" in context)


def _check_header(header: Mapping[str, Any]) -> None:
    if header.get("alg") != ALGORITHM:
        raise InvalidInput(f"the token's alg is {validation.describe(header.get('alg'))}, expected {ALGORITHM}")
    if "crit" in header:
        raise InvalidInput("the token's header has crit, expected no extensions")


def _current(claims: Mapping[str, Any], *, now_s: float) -> Session:
    if claims.get("iss") != ISSUER:
        raise InvalidInput(f"iss is {validation.describe(claims.get('iss'))}, expected {ISSUER}")
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise InvalidInput(f"aud is {validation.describe(claims.get('aud'))}, expected {AUDIENCE}")
    issued_s, ends_s = (_time(claims, name) for name in ("iat", "exp"))
    begins_s = max(issued_s, _time(claims, "nbf")) if "nbf" in claims else issued_s
    if begins_s > now_s + CLOCK_LEEWAY_S:
        raise InvalidInput(f"the token begins {begins_s - now_s:.0f} s from now, expected {CLOCK_LEEWAY_S} at most")
    if not 0 < ends_s - issued_s <= MAX_LIFETIME_S:
        raise InvalidInput(f"exp is {ends_s - issued_s:.0f} s after iat, expected 1 to {MAX_LIFETIME_S}")
    if ends_s <= now_s:
        raise InvalidInput(f"the token expired {now_s - ends_s:.0f} s ago")
    return _session(claims)


def _session(claims: Mapping[str, Any]) -> Session:
    session_id = validation.text(claims.get("sid"), "sid", maximum=MAX_ID_CHARACTERS)
    user_id, site = (validation.optional_string(claims, name, maximum=MAX_ID_CHARACTERS) for name in ("sub", "site"))
    return Session(session_id, user_id, site, claims.get("operator") is True)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = validation.optional_number(claims, name)
    if value is None:
        raise InvalidInput(f"{name} is missing, expected seconds since 1970")
    return value


def _signature(key: bytes, signed: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise MissingSetting(f"the session key has {len(key)} bytes, expected at least {MIN_KEY_BYTES}")
    return _encoded(hmac.digest(key, signed, "sha256"))


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes, *, subject: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InvalidInput(f"{subject} is not base64url") from error
    return validation.parse_object(data, subject=subject)
