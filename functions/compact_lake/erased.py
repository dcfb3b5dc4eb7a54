"""Whom a merge leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alsolike.pseudonyms import Pseudonyms
from alsolike.tombstones import TombstoneReader


class ErasedUsers:
    """The tombstones, looked at anew each time: a merge that began before one was written must see it at its end."""

    def __init__(self, client: Any, bucket: str, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._client, self._bucket, self._pseudonyms = client, bucket, pseudonyms

    def now(self) -> Mapping[str, int]:
        """Return when each was erased, by keyed hash.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        return TombstoneReader(self._client, self._bucket, self._pseudonyms).refresh(now_ms=0).users

    def hash(self, user_id: str) -> str:
        """Return what tombstones call a user."""
        return self._pseudonyms().erased_user(user_id)
