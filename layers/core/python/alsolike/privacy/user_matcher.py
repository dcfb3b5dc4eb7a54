"""The assignment of unreadable records to a user."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import orjson

from alsolike.events.interactions import MAX_ID_CHARACTERS, MAX_TIME_MS, USER_PREFIX, profile_id
from alsolike.events.stream import partition_key

_USER_FIELDS = ("userid",)
_SESSION_FIELDS = ("sessionid",)
# A user id may equal an item id; the values of these fields are never users.
_OTHER_FIELDS = frozenset(
    ("itemid", "eventtype", "eventid", "recommendationid", "impression", "query", "trackingid", "eventname")
)
_ID_CHARACTER = r"[\w.@-]"


class UserMatcher:
    """A search for a user in unreadable records.

    A record that names another user is that user's. One in JSON that names none is this user's if the id occurs in it
    anywhere except as an item or a type. One that is no JSON is searched for the id's bytes as a whole word. A short id
    may occur in another user's record, but the loss of an unreadable record is the smaller harm.

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
        spellings = {user_id, json.dumps(user_id)[1:-1], orjson_text(user_id)}
        alternatives = "|".join(re.escape(spelling) for spelling in sorted(spellings))
        self._pattern = re.compile(f"(?<!{_ID_CHARACTER})(?:{alternatives})(?!{_ID_CHARACTER})")

    def record(self, data: bytes) -> bool:
        """Return true if a record is about the user."""
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            return self.text(data)
        if isinstance(document, dict):
            fields = {_plain(name): value for name, value in document.items()}
            users = [fields[name] for name in _USER_FIELDS if fields.get(name) is not None]
            if users:
                return any(self._is_user(user) for user in users)
            if any(fields.get(name) in self._sessions for name in _SESSION_FIELDS if _is_text(fields.get(name))):
                return True
        return self._value(document)

    def login(self, data: bytes) -> tuple[str, list[Any]] | None:
        """Return the session of a JSON record that names the user, with [event time, event ID].

        A record without a time counts as later than every other login.
        """
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(document, dict):
            return None
        fields = {_plain(name): value for name, value in document.items()}
        session = next((fields[name] for name in _SESSION_FIELDS if _is_text(fields.get(name))), None)
        if session is None or not 0 < len(session) <= MAX_ID_CHARACTERS:
            return None
        if not any(self._is_user(fields[name]) for name in _USER_FIELDS if name in fields):
            return None
        time_ms, event_id = fields.get("eventtimems"), fields.get("eventid")
        known = type(time_ms) is int and time_ms > 0
        return session, [time_ms if known else MAX_TIME_MS, event_id if _is_text(event_id) else ""]

    def partition(self, key: str | None) -> bool:
        """Return true if a record's partition key is the user's, or one of the sessions'."""
        return key in self._keys

    def text(self, data: bytes) -> bool:
        """Return true if bytes of any kind contain the id."""
        return self._pattern.search(data.decode("utf-8", "replace")) is not None

    def document(self, data: bytes) -> bool:
        """Return true if a JSON document has the id as a value of its own, or other bytes contain it as a word."""
        try:
            return self._value(orjson.loads(data))
        except orjson.JSONDecodeError:
            return self.text(data)

    def _is_user(self, value: Any) -> bool:
        return not isinstance(value, bool) and isinstance(value, str | int) and str(value) == self._user_id

    def _value(self, value: Any) -> bool:
        if isinstance(value, str):
            if value == self._user_id or value == f"{USER_PREFIX}{self._user_id}":
                return True
            if value[:1] in ("{", "["):
                try:
                    return self._value(orjson.loads(value))
                except orjson.JSONDecodeError:
                    return self.text(value.encode("utf-8", "replace"))
            return False
        if isinstance(value, dict):
            return any(
                name == self._user_id
                or (_plain(name) in _USER_FIELDS and self._is_user(inner))
                or (_plain(name) not in _OTHER_FIELDS and self._value(inner))
                for name, inner in value.items()
            )
        return isinstance(value, list) and any(map(self._value, value))


def orjson_text(value: str) -> str:
    """Return a string in orjson's form inside quotes, or unchanged if JSON cannot represent it."""
    try:
        return orjson.dumps(value).decode()[1:-1]
    except orjson.JSONEncodeError:  # half a surrogate pair
        return value


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
