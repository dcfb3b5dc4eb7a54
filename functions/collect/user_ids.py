"""The stored ids of users and sessions, and the check for erased users."""

from __future__ import annotations

import dataclasses

from alsolike.privacy.pseudonyms import IdPolicy
from alsolike.privacy.tombstones import TombstoneReader


@dataclasses.dataclass(frozen=True, slots=True)
class UserIds:
    """The rule for stored ids of users and sessions, and the tombstones of erased users."""

    ids: IdPolicy
    tombstones: TombstoneReader

    def erased(self, user_id: str | None, session_id: str | None = None, *, now_ms: int) -> bool:
        """Return whether data belongs to an erased user, given its stored ids; see `TombstoneReader.erased`."""
        return self.tombstones.erased(user_id, session_id, now_ms=now_ms)
