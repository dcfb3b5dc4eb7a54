"""The assignment of unreadable records to a user."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from alsolike.events.interactions import MAX_TIME_MS, USER_PREFIX, profile_id
from alsolike.events.stream import partition_key
from alsolike.privacy.record_ids import SessionLogin, read_ids


class Owner(Enum):
    """The owner of an unreadable record, in relation to one user."""

    USER = "user"
    OTHER = "other"
    UNDECIDED = "undecided"
    """A part of the record is unreadable, and the rest does not name its user."""


class UserMatcher:
    """A search for a user in unreadable records.

    A record that names the user in a field for users is the user's. Otherwise, a record that names other users there is
    theirs. A record without a user is this user's if it contains one of the sessions, or the ID as a value or a word
    outside of fields such as the item's. A short ID may occur in another user's record, but the loss of an unreadable
    record is the smaller harm.

    Parameters
    ----------
    sessions
        Sessions whose records without a user are all this user's.
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
        """Return the owner of a record.

        Parameters
        ----------
        key
            Partition key of the record.
        """
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
        """Return the logins of the user that a record names, also if only the partition key names the user."""
        ids = read_ids(data)
        if not ids.users and key == partition_key(profile_id(user_id=self._user_id, session_id=None)):
            order = [MAX_TIME_MS, ""]
            return [SessionLogin(self._user_id, session, order) for session in sorted(ids.sessions)]
        return [login for login in ids.logins if login.user_id == self._user_id]

    def is_named(self, data: bytes) -> bool:
        """Return true if data of any kind contain the ID, also next to other users."""
        ids = read_ids(data)
        return self._user_id in ids.users or self._user_id in ids.values
