"""The erased users, whose rows a merge leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader


class ErasedUsers:
    """The tombstones, read on each call: a merge must see one that was written during the merge."""

    def __init__(self, client: Any, bucket: str, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._client, self._bucket, self._pseudonyms = client, bucket, pseudonyms

    def now(self) -> Mapping[str, int]:
        """Return the time of each erasure, by keyed hash."""
        return TombstoneReader(self._client, self._bucket, self._pseudonyms).refresh(now_ms=0).users

    def hash(self, user_id: str) -> str:
        """Return a user's hash in tombstones."""
        return self._pseudonyms().erased_user(user_id)
