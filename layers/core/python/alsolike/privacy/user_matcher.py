"""Search for a user's records among unreadable records."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from alsolike.events.interactions import MAX_TIME_MS, USER_PREFIX, profile_id
from alsolike.events.stream_records import partition_key
from alsolike.privacy.id_search import SessionLogin, read_ids


class Owner(Enum):
    USER = "user"
    OTHER = "other"
    UNDECIDED = "undecided"
    """A part of the record is unreadable, and the readable part does not identify the owner."""


class UserMatcher:
    """Search for the records of one user among unreadable records.

    A record belongs to the user if its partition key is the key of the user or of one of the sessions, or if a user ID
    field contains the user's ID. A record with only other IDs in user ID fields belongs to another user. A record
    without user ID fields belongs to the user if it contains one of the sessions, or the ID as a value or a word,
    except in fields such as the item ID. A short ID may occur in another user's record by chance. The loss of an
    unreadable record then does less harm than an incomplete erasure. If a part is unreadable, the owner of a record may
    be undecided.

    Parameters
    ----------
    sessions
        Sessions whose anonymous records all belong to the user.
    """

    def __init__(self, user_id: str, *, sessions: Collection[str] = ()) -> None:
        self._user_id = user_id
        self._sessions = frozenset(sessions)
        self._keys = frozenset(
            (
                partition_key(profile_id(user_id=user_id, session_id=None)),
                *sessions,
                *(partition_key(profile_id(user_id=None, session_id=session)) for session in sessions),
            )
        )

    def owner(self, data: bytes, *, key: str | None = None) -> Owner:
        if key in self._keys:
            return Owner.USER
        ids = read_ids(data)
        if self._user_id in ids.users:
            return Owner.USER
        if ids.users:
            return Owner.UNDECIDED if not ids.is_complete and self._user_id in ids.values else Owner.OTHER
        if self._user_id in ids.values or not self._sessions.isdisjoint(ids.sessions):
            return Owner.USER
        is_another_key = key is not None and key.startswith(USER_PREFIX)
        return Owner.OTHER if ids.is_complete or is_another_key else Owner.UNDECIDED

    def logins(self, data: bytes, *, key: str | None = None) -> list[SessionLogin]:
        """Return the user's logins in a record. The partition key may also identify the user."""
        ids = read_ids(data)
        if not ids.users and key == partition_key(profile_id(user_id=self._user_id, session_id=None)):
            order = [MAX_TIME_MS, ""]
            return [SessionLogin(self._user_id, session, order) for session in sorted(ids.sessions)]
        return [login for login in ids.logins if login.user_id == self._user_id]

    def is_named(self, data: bytes) -> bool:
        """Return true if data in any format contain the user ID, even together with other user IDs."""
        ids = read_ids(data)
        return self._user_id in ids.users or self._user_id in ids.values
