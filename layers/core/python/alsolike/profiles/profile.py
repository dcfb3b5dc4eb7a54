"""Live profile: the latest interactions of a user or session, and their items in the profile table.

The partition of a profile contains these items, listed by sort key:

- ``!<session>``, in the partition of a user or an erasure: a session that joined the user.
- ``$<export>``, in an erasure's partition: the state of an export (`alsolike.profiles.export_state`).
- ``&<event time>#<event id>``, in a user's partition: an interaction with an action.
- ``<event time>#<event id>``: an interaction.
- ``<event time>+<event id>``, in a user's partition: a history, several interactions that an import or a rebuild wrote
  as one item, with the key of the latest interaction.
- ``~erased``: the mark of an erased profile, which hides its interactions.
- ``~joined``, in a session's partition: the mark of a login (`SessionLink`), which hides interactions up to the login.

Therefore a query of the latest items returns the marks first. `alsolike.events.logins` defines the effect of logins.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.events.action_events import ActionEvent, action_events
from alsolike.events.context import context_of
from alsolike.events.interactions import USER_PREFIX, Interaction
from alsolike.runtime.struct import struct

MAX_SORT_KEY_BYTES = 1_024
"""Maximum size of a sort key, as limited by DynamoDB."""

ERASURE_PREFIX = "e#"
"""Prefix of the partition key of an erasure, in place of `USER_PREFIX`."""
ERASED_KEY, JOINED_KEY = "~erased", "~joined"
FIRST_INTERACTION_KEY, FIRST_MARK_KEY = "0", "~"
"""Lower bounds of the sort keys of interactions, and of marks."""

_SESSION_KEY, _EXPORT_KEY = "!", "$"
FIRST_ACTION_KEY, LAST_ACTION_KEY = "&", "&~"
"""Bounds of the sort keys of interactions with actions."""
_TIME_DIGITS = 15
"""Number of digits of a time, which suffice for epoch milliseconds up to the year 9999."""
_ID_START = _TIME_DIGITS + 1
_DIGEST_CHARACTERS = 65

READ_ATTRIBUTES = (
    f"{PROFILES_SORT_KEY}, event_id, item_id, event_type, context, history, joined_profile, joined_at_ms, moving"
)
"""Projection expression with the attributes that `from_items` reads."""

Item = dict[str, Any]


class RecentInteraction(NamedTuple):
    """Fields of an interaction that a profile stores. Tuples sort by time, then event ID.

    Interactions are tuples, because a request creates about 100, and creating a frozen dataclass is several times
    slower.
    """

    event_time_ms: int
    event_id: str
    item_id: str
    event_type: str
    context: str = ""
    """Context as JSON; see `alsolike.events.context`."""


_make = RecentInteraction._make


@struct
class SessionLink:
    """Mark of a session with a login. The session's interactions up to the login belong to another profile.

    Attributes
    ----------
    profile_id
        Profile ID of the user, or for an erased user, the placeholder of the erasure (`erased_profile_id`).
    at_ms
        Event time of the login in epoch milliseconds.
    """

    profile_id: str
    at_ms: int

    @property
    def user_id(self) -> str:
        return self.profile_id.removeprefix(USER_PREFIX)

    @property
    def erased(self) -> bool:
        """True if the user was erased before the login was processed."""
        return self.profile_id.startswith(ERASURE_PREFIX)

    @staticmethod
    def erased_profile_id(erasure_id: str) -> str:
        return f"{ERASURE_PREFIX}{erasure_id}"

    def split(
        self, interactions: Iterable[RecentInteraction]
    ) -> tuple[list[RecentInteraction], list[RecentInteraction]]:
        """Return the interactions that belong to the user, and the interactions that remain with the session."""
        users: list[RecentInteraction] = []
        sessions: list[RecentInteraction] = []
        for interaction in interactions:
            (users if interaction.event_time_ms <= self.at_ms else sessions).append(interaction)
        return users, sessions


@struct
class Profile:
    """Live profile of a user or session.

    Attributes
    ----------
    recent
        Latest interactions, oldest first.
    joined
        Link from a session to the profile that has the session's interactions up to the login; None without a login.
    erased
        True for an erased profile, to which `merge` adds nothing.
    """

    profile_id: str
    recent: tuple[RecentInteraction, ...] = ()
    joined: SessionLink | None = None
    erased: bool = False

    def merge(self, interactions: Iterable[RecentInteraction], *, length: int = HISTORY_LENGTH) -> Profile:
        """Return the profile with additional interactions, truncated to the latest `length`.

        The result does not depend on the order or repetition of merges. If two interactions have the same event ID, the
        later one is kept. If the earlier one were kept and then truncated, the event could return with the later time.
        """
        if self.erased:
            return self
        by_id = {interaction.event_id: interaction for interaction in self.recent}
        for interaction in interactions:
            known = by_id.get(interaction.event_id)
            if known is None or interaction > known:
                by_id[interaction.event_id] = interaction
        return dataclasses.replace(self, recent=tuple(sorted(by_id.values())[-length:]))


def recent(interaction: Interaction, *, context: Sequence[str] = ()) -> RecentInteraction:
    if interaction.item_id is None:
        raise ValueError("a profile keeps only interactions with an item")
    return RecentInteraction(
        interaction.event_time_ms,
        interaction.event_id,
        interaction.item_id,
        interaction.event_type,
        context_of(interaction.properties, context),
    )


def sort_key(interaction: RecentInteraction) -> str:
    return _bounded(f"{interaction.event_time_ms:0{_TIME_DIGITS}}#{interaction.event_id}")


def key_after(time_ms: int) -> str:
    """Return a sort key that follows the keys of interactions up to and including a time.

    The result precedes the keys of histories with this time.
    """
    return f"{time_ms:0{_TIME_DIGITS}}$"


def session_key(session: str) -> str:
    return _bounded(f"{_SESSION_KEY}{session}")


def export_key(export_id: str) -> str:
    return f"{_EXPORT_KEY}{export_id}"


def to_item(profile_id: str, interaction: RecentInteraction, *, expires_s: int) -> Item:
    key = sort_key(interaction)
    item = {
        PROFILES_PARTITION_KEY: {"S": profile_id},
        PROFILES_SORT_KEY: {"S": key},
        "item_id": {"S": interaction.item_id},
        "event_type": {"S": interaction.event_type},
        "expires_at": {"N": str(expires_s)},
    }
    if key[_ID_START:] != interaction.event_id:
        item["event_id"] = {"S": interaction.event_id}
    if interaction.context:
        item["context"] = {"S": interaction.context}
    return item


def action_item(interaction: Interaction, *, expires_s: int) -> Item:
    key = f"{FIRST_ACTION_KEY}{interaction.event_time_ms:0{_TIME_DIGITS}}#{interaction.event_id}"
    return {
        PROFILES_PARTITION_KEY: {"S": interaction.profile_id},
        PROFILES_SORT_KEY: {"S": _bounded(key)},
        "event_type": {"S": interaction.event_type},
        "properties": {"S": interaction.properties},
        "expires_at": {"N": str(expires_s)},
    }


def action_events_of(item: Mapping[str, Any]) -> list[ActionEvent]:
    time_ms = int(item[PROFILES_SORT_KEY]["S"][len(FIRST_ACTION_KEY) :][:_TIME_DIGITS])
    return action_events(time_ms, item["event_type"]["S"], item["properties"]["S"])


def history_key(interactions: Sequence[RecentInteraction]) -> str:
    """Return the sort key of a history.

    The key differs from the keys of interactions, so a redelivery cannot overwrite the history.
    """
    latest = max(interactions)
    return _bounded(f"{latest.event_time_ms:0{_TIME_DIGITS}}+{latest.event_id}")


def history_item(profile_id: str, interactions: Sequence[RecentInteraction], *, expires_s: int) -> Item:
    return {
        PROFILES_PARTITION_KEY: {"S": profile_id},
        PROFILES_SORT_KEY: {"S": history_key(interactions)},
        "history": {"S": orjson.dumps([_cells(interaction) for interaction in interactions]).decode()},
        "expires_at": {"N": str(expires_s)},
    }


def _cells(interaction: RecentInteraction) -> tuple[int | str, ...]:
    return tuple(interaction) if interaction.context else interaction[:-1]


def link_item(session: str, link: SessionLink, *, expires_s: int, moving: bool = False) -> Item:
    """Return the mark of a joined session.

    If `moving` is true, interactions are still being copied, and the mark hides none.
    """
    item: Item = {
        PROFILES_PARTITION_KEY: {"S": session},
        PROFILES_SORT_KEY: {"S": JOINED_KEY},
        "joined_profile": {"S": link.profile_id},
        "joined_at_ms": {"N": str(link.at_ms)},
        "expires_at": {"N": str(expires_s)},
    }
    if moving:
        item["moving"] = {"BOOL": True}
    return item


def session_item(session: str, link: SessionLink, *, expires_s: int) -> Item:
    """Return the item with the ID of a joined session, for the partition of the profile that the session joined."""
    return {
        PROFILES_PARTITION_KEY: {"S": link.profile_id},
        PROFILES_SORT_KEY: {"S": session_key(session)},
        "session": {"S": session},
        "expires_at": {"N": str(expires_s)},
    }


def link_of(item: Mapping[str, Any]) -> SessionLink:
    return SessionLink(item["joined_profile"]["S"], int(item["joined_at_ms"]["N"]))


def is_moving(item: Mapping[str, Any]) -> bool:
    """Return true for a `link_item` of a session whose interactions are not yet all copied."""
    return "moving" in item


def is_session_item(item: Mapping[str, Any]) -> bool:
    return bool(item[PROFILES_SORT_KEY]["S"].startswith(_SESSION_KEY))


def from_items(profile_id: str, items: Sequence[Item], *, length: int | None = HISTORY_LENGTH) -> Profile:
    """Return the profile from the interactions, histories and marks in its partition, latest first."""
    joined = None
    after_ms: int | None = None
    first = 0
    while first < len(items) and (key := items[first][PROFILES_SORT_KEY]["S"]) >= FIRST_MARK_KEY:
        if key == ERASED_KEY:
            return Profile(profile_id, erased=True)
        joined = link_of(items[first])
        after_ms = None if is_moving(items[first]) else joined.at_ms
        first += 1
    rows = [
        _make(
            (
                int((key := item[PROFILES_SORT_KEY]["S"])[:_TIME_DIGITS]),
                item["event_id"]["S"] if "event_id" in item else key[_ID_START:],
                item["item_id"]["S"],
                item["event_type"]["S"],
                item["context"]["S"] if "context" in item else "",
            )
        )
        for item in items[first:]
        if "history" not in item
    ]
    if len(rows) < len(items) - first:
        histories = (item["history"]["S"] for item in items[first:] if "history" in item)
        rows += (RecentInteraction(*fields) for history in histories for fields in orjson.loads(history))
        rows.sort(reverse=True)
    if after_ms is not None:
        rows = [row for row in rows if row.event_time_ms > after_ms]
    by_id: dict[str, RecentInteraction] = {}
    for row in rows:
        by_id.setdefault(row.event_id, row)
    return Profile(profile_id, tuple(list(by_id.values())[:length][::-1]), joined)


def _bounded(key: str) -> str:
    """Return a key of at most `MAX_SORT_KEY_BYTES`. A hash of the complete key replaces the end of a longer key."""
    encoded = key.encode()
    if len(encoded) <= MAX_SORT_KEY_BYTES:
        return key
    start = encoded[: MAX_SORT_KEY_BYTES - _DIGEST_CHARACTERS].decode(errors="ignore")
    return f"{start}#{hashlib.sha256(encoded).hexdigest()}"
