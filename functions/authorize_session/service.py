"""Verification of a request's session token."""

from __future__ import annotations

from alsolike.events.session_tokens import Session, verify
from alsolike.runtime.errors import InvalidInput, WrongSignature
from functions.authorize_session.session_keys import SessionKeys

_SCHEME = "bearer "


def authorize(header: str, *, keys: SessionKeys, now_s: float) -> Session:
    """Return the session of a request's `Authorization` header. Raise `InvalidInput` without a valid token."""
    if header[: len(_SCHEME)].lower() != _SCHEME:
        raise InvalidInput("the Authorization header does not begin with Bearer")
    token = header[len(_SCHEME) :].strip(" ")
    try:
        return verify(token, keys.current(now_s=now_s), now_s=now_s)
    except WrongSignature:
        # The shop may have signed the token with a value that has just become current.
        if not keys.refresh(now_s=now_s):
            raise
    return verify(token, keys.current(now_s=now_s), now_s=now_s)
