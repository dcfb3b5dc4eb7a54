"""Grants of sign-ins: codes for a single use with a short lifetime, and refresh tokens."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CODE_S = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission that a user gave to a client. `challenge` is the hash of the verifier, or None without PKCE."""

    client_id: str
    scopes: Sequence[str]
    auth_time: int
    redirect_uri: str
    challenge: str | None


class Grants:
    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[Grant, float]] = {}
        self._refresh: dict[str, tuple[Grant, float]] = {}

    def code(self, grant: Grant) -> str:
        return self._add(self._codes, grant, _CODE_S)

    def refresh_token(self, grant: Grant, *, lifetime_s: int) -> str:
        return self._add(self._refresh, grant, lifetime_s)

    def exchange(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Grant | None:
        """Delete a code and return its grant, or None if the code is not valid or the request does not match."""
        with self._lock:
            grant, ends = self._codes.pop(code, (None, 0.0))
        if grant is None or self._now() >= ends or (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
            return None
        if grant.challenge is not None and not hmac.compare_digest(grant.challenge, challenge_of(verifier)):
            return None
        return grant

    def refreshed(self, token: str, *, client_id: str) -> Grant | None:
        """Return the grant of a refresh token, or None if the token is unknown, expired or issued to another client."""
        with self._lock:
            grant, ends = self._refresh.get(token, (None, 0.0))
        return grant if grant and self._now() < ends and grant.client_id == client_id else None

    def revoke(self, token: str, *, client_id: str) -> None:
        with self._lock:
            if token in self._refresh and self._refresh[token][0].client_id == client_id:
                del self._refresh[token]

    def _add(self, grants: dict[str, tuple[Grant, float]], grant: Grant, lifetime_s: int) -> str:
        key, now = secrets.token_urlsafe(32), self._now()
        with self._lock:
            for ended in [each for each, (_, ends) in grants.items() if ends <= now]:
                del grants[ended]
            grants[key] = (grant, now + lifetime_s)
        return key


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
