"""The live profile: the last interactions of a user or session, and its form as one packed DynamoDB item.

Merging is a union by event id, cut to the latest interactions. Repeating or reordering merges does not change the
result, as at-least-once delivery requires. If two contents have one id, the later one counts. Otherwise an id that was
cut off with its early content could return with its late one.

A session whose visitor logged in bears a mark, `SessionLink`; the rule is `alsolike.events.identity`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.events.interactions import Interaction
from alsolike.runtime.struct import struct

MAX_BYTES = 350_000
"""Maximum size of the packed interactions: DynamoDB allows 400 KB per item."""


class RecentInteraction(NamedTuple):
    """The profile's part of an interaction; ordered by time, then event id.

    It is a tuple, because a request reads a hundred and a frozen dataclass takes several times as long to create.
    """

    event_time_ms: int
    event_id: str
    item_id: str
    event_type: str


_ERASURE = "e#"


@struct
class SessionLink:
    """The mark of a session that logged in: its interactions until then belong to another profile.

    Attributes
    ----------
    profile_id
        Of the user; of an erased one, the erasure's (`of_erasure`).
    at_ms
        Event time of the login.
    """

    profile_id: str
    at_ms: int

    @property
    def user_id(self) -> str:
        """The user."""
        return self.profile_id.removeprefix("u#")

    @property
    def erased(self) -> bool:
        """True if the user was erased before the login was read."""
        return self.profile_id.startswith(_ERASURE)

    @staticmethod
    def of_erasure(erasure_id: str) -> str:
        """Return the placeholder for the profile of an erased user."""
        return f"{_ERASURE}{erasure_id}"

    def split(
        self, interactions: Iterable[RecentInteraction]
    ) -> tuple[list[RecentInteraction], list[RecentInteraction]]:
        """Return the session's interactions that are the user's, and those that stay the session's."""
        users: list[RecentInteraction] = []
        sessions: list[RecentInteraction] = []
        for interaction in interactions:
            (users if interaction.event_time_ms <= self.at_ms else sessions).append(interaction)
        return users, sessions


@struct
class Profile:
    """A live profile.

    Attributes
    ----------
    recent
        Oldest first.
    revision
        0 for a profile that is not stored yet; one more with each write.
    joined
        Of a session: the profile with its interactions until the login.
    erased
        True for a profile that stays empty at any addition.
    """

    profile_id: str
    recent: tuple[RecentInteraction, ...] = ()
    revision: int = 0
    joined: SessionLink | None = None
    erased: bool = False

    def merge(self, interactions: Iterable[RecentInteraction], *, length: int = HISTORY_LENGTH) -> Profile:
        """Return the profile with the new ones of the interactions, cut to the latest.

        Parameters
        ----------
        length
        Maximum number; fewer are kept if their ids are so long that they would exceed an item of the table.
        """
        if self.erased:
            return self
        by_id = {interaction.event_id: interaction for interaction in self.recent}
        for interaction in interactions:
            known = by_id.get(interaction.event_id)
            if known is None or interaction > known:
                by_id[interaction.event_id] = interaction
        return dataclasses.replace(self, recent=_that_fit(sorted(by_id.values())[-length:]))


def recent(interaction: Interaction) -> RecentInteraction:
    """Return the profile's part of an interaction with an item."""
    if interaction.item_id is None:
        raise ValueError("a profile keeps only interactions with an item")
    return RecentInteraction(
        interaction.event_time_ms, interaction.event_id, interaction.item_id, interaction.event_type
    )


def _that_fit(interactions: Sequence[RecentInteraction]) -> tuple[RecentInteraction, ...]:
    """Return the latest that pack into `MAX_BYTES`.

    Where ids of hundreds of bytes make that fewer than a profile may have, the oldest ones kept may depend on the order
    in which they came.
    """
    surplus = 0 if len(interactions) <= HISTORY_LENGTH else len(pack(interactions)) - MAX_BYTES
    first = 0
    while surplus > 0:
        surplus -= len(pack(interactions[first : first + 1])) - 1  # one of the brackets becomes its comma
        first += 1
    return tuple(interactions[first:])


def pack(interactions: Sequence[RecentInteraction]) -> bytes:
    """Return the interactions as one value."""
    return orjson.dumps(list(map(tuple, interactions)))


def unpack(data: bytes) -> tuple[RecentInteraction, ...]:
    """Return the interactions from the result of `pack`."""
    return tuple(map(RecentInteraction._make, orjson.loads(data)))


def to_item(profile: Profile, *, expires_s: int) -> dict[str, Any]:
    """Return the item of the profile's next revision."""
    item = {
        "profile_id": {"S": profile.profile_id},
        "recent": {"B": pack(profile.recent)},
        "revision": {"N": str(profile.revision + 1)},
        "expires_at": {"N": str(expires_s)},
    }
    if profile.joined is not None:
        item["joined_profile"] = {"S": profile.joined.profile_id}
        item["joined_at_ms"] = {"N": str(profile.joined.at_ms)}
    return item


def from_item(profile_id: str, item: dict[str, Any] | None) -> Profile:
    """Return the profile in a stored item; empty with revision 0 without an item, and empty for an erased user."""
    if item is None:
        return Profile(profile_id)
    revision = int(item["revision"]["N"]) if "revision" in item else 0
    if "erased_at_ms" in item:
        return Profile(profile_id, revision=revision, erased=True)
    joined = None
    if "joined_profile" in item:
        joined = SessionLink(item["joined_profile"]["S"], int(item["joined_at_ms"]["N"]))
    return Profile(profile_id, unpack(bytes(item["recent"]["B"])), revision, joined)
