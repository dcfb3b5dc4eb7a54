"""Keyed hashes of IDs, which replace IDs in stores that must not contain them.

The hashes are HMAC-SHA256 under the deployment's secret. Without the secret, an attacker cannot find the ID of a hash
by hashing candidate IDs. The secret is never rotated, because stored hashes would no longer match new ones.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import SecretsManagerClient
from alsolike.runtime.errors import MissingSetting

DIGITS = 64

SHOPPER_DIGITS = 32
"""Number of hexadecimal digits of a hash in the recommendation log. Short, because each log line contains a hash."""

MIN_KEY_BYTES = 32


class Pseudonyms:
    """Keyed hash function of a deployment. Equal user and session IDs have different hashes, except in `shopper`."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise MissingSetting(f"the secret of the keyed hashes has {len(key)} bytes, expected {MIN_KEY_BYTES}")
        self._keyed = hmac.new(key, digestmod="sha256")

    def user(self, user_id: str) -> str:
        return self._hash("user", user_id)

    def session(self, session_id: str) -> str:
        return self._hash("session", session_id)

    def erased_user(self, user_id: str) -> str:
        """Return the hash of a stored user ID in tombstones and receipts. It differs from the result of `user`."""
        return self._hash("erased-user", user_id)

    def shopper(self, stored_id: str) -> str:
        """Return the hash of a stored user or session ID in the recommendation log.

        Equal user and session IDs have the same hash here, so that one search by ID finds both.
        """
        return self._hash("shopper", stored_id)[:SHOPPER_DIGITS]

    def _hash(self, kind: str, value: str) -> str:
        code = self._keyed.copy()  # The copy avoids hashing the key again.
        # No kind contains the separator, so different pairs of kind and ID have different hash inputs.
        code.update(f"{kind}\0{value}".encode("utf-8", "surrogatepass"))
        return code.hexdigest()


@functools.cache
def pseudonyms_of(client: SecretsManagerClient, secret_arn: str) -> Pseudonyms:
    with translate_aws_errors(f"secret {secret_arn}"):
        secret = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    return Pseudonyms(secret.encode())


class IdPolicy:
    """Conversion of the shop's IDs to stored IDs, which are hashes if the deployment pseudonymises IDs."""

    __slots__ = ("_pseudonyms",)

    def __init__(self, pseudonyms: Callable[[], Pseudonyms] | None = None) -> None:
        self._pseudonyms = pseudonyms

    def user(self, user_id: str) -> str:
        return self._pseudonyms().user(user_id) if self._pseudonyms else user_id

    def session(self, session_id: str) -> str:
        return self._pseudonyms().session(session_id) if self._pseudonyms else session_id

    def logged(self, hashes: Pseudonyms, user_id: str | None, session_id: str) -> tuple[str | None, str | None]:
        """Return the hashes of a request's user and session for the recommendation log.

        The hash of the session is None if the stored IDs of user and session are equal.
        """
        user = None if user_id is None else self.user(user_id)
        session = self.session(session_id)
        return None if user is None else hashes.shopper(user), None if session == user else hashes.shopper(session)


PLAIN_IDS = IdPolicy()
