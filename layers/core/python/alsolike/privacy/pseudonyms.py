"""Keyed hashes of ids, used in place of the id where it must not be stored.

HMAC-SHA256 under the deployment's secret. Without the secret, a hash cannot be resolved by hashing ids one after the
other; with it, the same id always has the same hash. The secret is therefore never rotated: a rotation would make every
stored hash useless.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import MissingSetting

DIGITS = 64
"""Hexadecimal digits of every hash, for ids of any length."""

SHOPPER_DIGITS = 32
"""Digits of a user's hash in the recommendation log; fewer, because every line has one."""

MIN_KEY_BYTES = 32


class Pseudonyms:
    """The hashes of one deployment. Each kind of id has its own: a user and a session of one name share nothing.

    Parameters
    ----------
    key
        The deployment's secret.

    Raises
    ------
    MissingSetting
        If the key has fewer than `MIN_KEY_BYTES`.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise MissingSetting(f"the secret of the keyed hashes has {len(key)} bytes, expected {MIN_KEY_BYTES}")
        self._keyed = hmac.new(key, digestmod="sha256")

    def user(self, user_id: str) -> str:
        """Return the stored form of a user id with pseudonymised ids."""
        return self._hash("user", user_id)

    def session(self, session_id: str) -> str:
        """Return the stored form of a session id with pseudonymised ids."""
        return self._hash("session", session_id)

    def erased_user(self, user_id: str) -> str:
        """Return a user's hash in tombstones and receipts; it differs from `user` for every id."""
        return self._hash("erased-user", user_id)

    def shopper(self, stored_id: str) -> str:
        """Return the hash of a stored user or session id in the recommendation log.

        The result is the same for a user's and a session's id, so that a search by one id need not know its kind.
        """
        return self._hash("shopper", stored_id)[:SHOPPER_DIGITS]

    def _hash(self, kind: str, value: str) -> str:
        # No kind contains the separator, so different pairs of kind and id have different texts.
        code = self._keyed.copy()  # reuses the state after the key
        code.update(f"{kind}\0{value}".encode("utf-8", "surrogatepass"))
        return code.hexdigest()


@functools.cache
def pseudonyms_of(client: Any, secret_arn: str) -> Pseudonyms:
    """Return the hashes under a secret, which is read once per process."""
    with translate_aws_errors(f"secret {secret_arn}"):
        secret = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    return Pseudonyms(secret.encode())


class IdPolicy:
    """Ids in their stored form: the shop's, or hashes if ids are pseudonymised at the edge.

    Parameters
    ----------
    pseudonyms
        Returns the deployment's hashes; None if ids are stored unchanged.
    """

    __slots__ = ("_pseudonyms",)

    def __init__(self, pseudonyms: Callable[[], Pseudonyms] | None = None) -> None:
        self._pseudonyms = pseudonyms

    def user(self, user_id: str) -> str:
        """Return the id under which a user is stored."""
        return self._pseudonyms().user(user_id) if self._pseudonyms else user_id

    def session(self, session_id: str) -> str:
        """Return the id under which a session is stored."""
        return self._pseudonyms().session(session_id) if self._pseudonyms else session_id

    def logged(self, hashes: Pseudonyms, user_id: str | None, session_id: str) -> tuple[str | None, str | None]:
        """Return the hashes of a request's user and session in the recommendation log.

        An id that may be a user's or a session's has both, unless they are equal.
        """
        user = None if user_id is None else self.user(user_id)
        session = self.session(session_id)
        return None if user is None else hashes.shopper(user), None if session == user else hashes.shopper(session)


PLAIN_IDS = IdPolicy()
"""Ids without pseudonymisation."""
