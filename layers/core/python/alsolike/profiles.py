"""The live profile: the last interactions of a user or session, one packed DynamoDB item.

Merging is a union by event id, cut to the latest `HISTORY_LENGTH`: it can be repeated and reordered without
changing the result, which is what at-least-once delivery asks for. Of two contents under one id the later counts:
were it the earlier, an id cut off with its early content could come back with its late one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike.configuration import HISTORY_LENGTH
from alsolike.errors import ConcurrentUpdate, Unavailable
from alsolike.interactions import Interaction

TIME_TO_LIVE_DAYS = 400
MAX_ATTEMPTS = 8


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class RecentInteraction:
    """What the profile keeps of an interaction; ordered by time, then event id."""

    event_time_ms: int
    event_id: str
    item_id: str
    event_type: str


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """A live profile.

    Attributes
    ----------
    recent
        Oldest first, `HISTORY_LENGTH` at most.
    revision
        0 for a profile that is not stored yet; one more with each write.
    """

    profile_id: str
    recent: tuple[RecentInteraction, ...] = ()
    revision: int = 0

    def merge(self, interactions: Iterable[RecentInteraction]) -> Profile:
        """Return the profile with the interactions added that it does not have yet."""
        by_id = {interaction.event_id: interaction for interaction in self.recent}
        for interaction in interactions:
            known = by_id.get(interaction.event_id)
            if known is None or interaction > known:
                by_id[interaction.event_id] = interaction
        return dataclasses.replace(self, recent=tuple(sorted(by_id.values())[-HISTORY_LENGTH:]))


def recent(interaction: Interaction) -> RecentInteraction:
    """Return what a profile keeps of an interaction with an item."""
    if interaction.item_id is None:
        raise ValueError("a profile keeps only interactions with an item")
    return RecentInteraction(
        interaction.event_time_ms, interaction.event_id, interaction.item_id, interaction.event_type
    )


def pack(interactions: Sequence[RecentInteraction]) -> bytes:
    """Return the interactions as one value."""
    rows = [(each.event_time_ms, each.event_id, each.item_id, each.event_type) for each in interactions]
    return orjson.dumps(rows)  # dataclasses.astuple copies deeply: many times slower


def unpack(data: bytes) -> tuple[RecentInteraction, ...]:
    """Read what `pack` wrote."""
    return tuple(RecentInteraction(*fields) for fields in orjson.loads(data))


class ProfileStore:
    """The profile table.

    Parameters
    ----------
    client
        A low-level DynamoDB client.
    table
        The table's name.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        """Return the stored profile, or an empty one with revision 0.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"profile_id": {"S": profile_id}}, ConsistentRead=consistent
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error
        if (item := answer.get("Item")) is None:
            return Profile(profile_id)
        return Profile(profile_id, unpack(bytes(item["recent"]["B"])), int(item["revision"]["N"]))

    def add(self, profile_id: str, interactions: Sequence[RecentInteraction], *, now_ms: int) -> bool:
        """Merge interactions into a profile; return whether it changed.

        Raises
        ------
        ConcurrentUpdate
            If other writers won `MAX_ATTEMPTS` times in a row.
        Unavailable
            If DynamoDB does not answer.
        """
        for _ in range(MAX_ATTEMPTS):
            stored = self.read(profile_id, consistent=True)
            merged = stored.merge(interactions)
            if merged.recent == stored.recent:
                return False
            if self._write(merged, now_ms=now_ms):
                return True
        raise ConcurrentUpdate(f"a profile of {self._table} changed {MAX_ATTEMPTS} times while it was updated")

    def create(self, profile_id: str, interactions: Sequence[RecentInteraction], *, now_ms: int) -> None:
        """Like `add`, cheaper where the profile is most likely not stored yet (bulk import)."""
        if not self._write(Profile(profile_id).merge(interactions), now_ms=now_ms):
            self.add(profile_id, interactions, now_ms=now_ms)

    def _write(self, profile: Profile, *, now_ms: int) -> bool:
        """Write over the revision that was read; False if somebody else was faster."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "profile_id": {"S": profile.profile_id},
                    "recent": {"B": pack(profile.recent)},
                    "revision": {"N": str(profile.revision + 1)},
                    "expires_at": {"N": str(now_ms // 1000 + TIME_TO_LIVE_DAYS * 86_400)},
                },
                ConditionExpression="attribute_not_exists(profile_id) OR revision = :read",
                ExpressionAttributeValues={":read": {"N": str(profile.revision)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error
        return True
