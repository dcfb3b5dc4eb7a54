"""The live profile: the last interactions of a user or session, one packed DynamoDB item.

Merging is a union by event id, cut to the latest `HISTORY_LENGTH`: it can be repeated and reordered without
changing the result, which is what at-least-once delivery asks for. Of two contents under one id the later counts:
were it the earlier, an id cut off with its early content could come back with its late one.

A session whose visitor logged in bears a mark, `Joined`; the rule is `alsolike.identity`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike.cache import BoundedCache
from alsolike.configuration import HISTORY_LENGTH
from alsolike.errors import ConcurrentUpdate, Unavailable
from alsolike.identity import Login
from alsolike.interactions import Interaction, profile_id

TIME_TO_LIVE_DAYS = 400
MAX_ATTEMPTS = 8

_ITEM_OVERHEAD_BYTES = 700
"""What an item costs in memory beside its packed interactions, about: its id and its attributes' names and values."""


class RecentInteraction(NamedTuple):
    """What the profile keeps of an interaction; ordered by time, then event id.

    A tuple, since a request reads a hundred: a frozen dataclass takes several times as long to make.
    """

    event_time_ms: int
    event_id: str
    item_id: str
    event_type: str


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """The mark of a session that logged in: what happened in it until then is another profile's.

    Attributes
    ----------
    profile_id
        Of the user.
    at_ms
        Event time of the login.
    """

    profile_id: str
    at_ms: int

    def split(
        self, interactions: Iterable[RecentInteraction]
    ) -> tuple[list[RecentInteraction], list[RecentInteraction]]:
        """Return the session's interactions that are the user's, and those that stay the session's."""
        users: list[RecentInteraction] = []
        sessions: list[RecentInteraction] = []
        for interaction in interactions:
            (users if interaction.event_time_ms <= self.at_ms else sessions).append(interaction)
        return users, sessions


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """A live profile.

    Attributes
    ----------
    recent
        Oldest first, `HISTORY_LENGTH` at most.
    revision
        0 for a profile that is not stored yet; one more with each write.
    joined
        Of a session: where its interactions until the login are.
    erased
        It stays empty, whatever is added.
    """

    profile_id: str
    recent: tuple[RecentInteraction, ...] = ()
    revision: int = 0
    joined: Joined | None = None
    erased: bool = False

    def merge(self, interactions: Iterable[RecentInteraction]) -> Profile:
        """Return the profile with the interactions added that it does not have yet."""
        if self.erased:
            return self
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
    return orjson.dumps(list(map(tuple, interactions)))


def unpack(data: bytes) -> tuple[RecentInteraction, ...]:
    """Read what `pack` wrote."""
    return tuple(map(RecentInteraction._make, orjson.loads(data)))


class ProfileStore:
    """The profile table.

    Parameters
    ----------
    client
        A low-level DynamoDB client.
    table
        The table's name.
    remember_bytes
        How much of what was written last is remembered, so that writing it again needs no reading first. Where another
        writer was faster, the conditional write fails, and its answer is what is stored.
    """

    def __init__(self, client: Any, table: str, *, remember_bytes: int = 0) -> None:
        self._client = client
        self._table = table
        self._remembered: BoundedCache[str, dict[str, Any]] = BoundedCache(remember_bytes)

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        """Return the stored profile, or an empty one with revision 0; an erased one is empty.

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
        return _profile(profile_id, answer.get("Item"))

    def scan(self) -> Iterator[Profile]:
        """Yield every stored profile, in no order.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        try:
            for page in self._client.get_paginator("scan").paginate(TableName=self._table):
                yield from (_profile(item["profile_id"]["S"], item) for item in page["Items"])
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error

    def add(self, profile_id: str, interactions: Sequence[RecentInteraction], *, now_ms: int) -> bool:
        """Merge interactions into a profile; return whether anything changed.

        Those of a session that were before its login go to the user.

        Raises
        ------
        ConcurrentUpdate
            If other writers won `MAX_ATTEMPTS` times in a row.
        Unavailable
            If DynamoDB does not answer.
        """
        remembered = self._remembered.get(profile_id)
        stored = _profile(profile_id, remembered) if remembered else self.read(profile_id, consistent=True)
        return self._add(stored, interactions, now_ms=now_ms)

    def create(self, profile_id: str, interactions: Sequence[RecentInteraction], *, now_ms: int) -> None:
        """Like `add`, cheaper where the profile is most likely not stored yet (bulk import)."""
        self._add(Profile(profile_id), interactions, now_ms=now_ms)

    def overwrite(self, profile: Profile, *, now_ms: int) -> None:
        """Put a profile in the place of what is stored, whatever that is; an erased one stays erased.

        Raises
        ------
        ConcurrentUpdate, Unavailable
            See `add`.
        """
        wanted = dataclasses.replace(profile, revision=0)
        for _ in range(MAX_ATTEMPTS):
            stored = self._replace(wanted, now_ms=now_ms)
            if stored is None or stored.erased:
                return
            wanted = dataclasses.replace(profile, revision=stored.revision)
        raise self._lost()

    def join(self, session_id: str, login: Login, *, now_ms: int) -> None:
        """Move what a session did until its first login into the user's profile, and mark the session; once.

        The user's profile has the interactions before the session loses them: a call that was cut short is completed
        by its repetition. A session that is marked stays as it is, whoever logs in.

        Raises
        ------
        ConcurrentUpdate, Unavailable
            See `add`.
        """
        joined = Joined(profile_id(user_id=login.user_id, session_id=None), login.event_time_ms)
        session = Profile(profile_id(user_id=None, session_id=session_id), joined=joined)
        if "joined_profile" in (self._remembered.get(session.profile_id) or ()):
            return
        for _ in range(MAX_ATTEMPTS):
            stored = self._replace(session, now_ms=now_ms)
            if stored is None or stored.joined is not None or stored.erased:
                return
            users, sessions = joined.split(stored.recent)
            if users:
                self.add(joined.profile_id, users, now_ms=now_ms)
            session = dataclasses.replace(stored, recent=tuple(sessions), joined=joined)
        raise self._lost()

    def erase(self, profile_id: str, *, now_ms: int) -> None:
        """Empty a profile and let it stay so; also one that is not stored yet. Repeated, it keeps the first time.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"profile_id": {"S": profile_id}},
                UpdateExpression="SET erased_at_ms = if_not_exists(erased_at_ms, :now), recent = :nothing, "
                "expires_at = :expires ADD revision :one",
                ExpressionAttributeValues={
                    ":now": {"N": str(now_ms)},
                    ":nothing": {"B": pack(())},
                    ":expires": {"N": str(now_ms // 1000 + TIME_TO_LIVE_DAYS * 86_400)},
                    ":one": {"N": "1"},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error
        self._remembered.forget(profile_id)

    def _add(self, stored: Profile, interactions: Sequence[RecentInteraction], *, now_ms: int) -> bool:
        for _ in range(MAX_ATTEMPTS):
            users: Sequence[RecentInteraction] = ()
            own = interactions
            if stored.joined is not None:
                users, own = stored.joined.split(interactions)
            merged = stored.merge(own)
            changed = merged.recent != stored.recent
            newer = self._replace(merged, now_ms=now_ms) if changed else None
            if newer is not None:
                stored = newer
                continue
            if stored.joined is not None and users:
                return self.add(stored.joined.profile_id, users, now_ms=now_ms) or changed
            return changed
        raise self._lost()

    def _replace(self, profile: Profile, *, now_ms: int) -> Profile | None:
        """Write over the profile's revision; return None, or what is stored if that is another revision."""
        item = _item(profile, expires_s=now_ms // 1000 + TIME_TO_LIVE_DAYS * 86_400)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(profile_id)"}
        if profile.revision:
            condition = {
                "ConditionExpression": "revision = :read AND attribute_not_exists(erased_at_ms)",
                "ExpressionAttributeValues": {":read": {"N": str(profile.revision)}},
            }
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            found = error.response.get("Item")
            self._remember(profile.profile_id, found)
            return _profile(profile.profile_id, found)
        except (BotoCoreError, ClientError) as error:
            self._remember(profile.profile_id, None)  # it may have been written
            raise Unavailable(f"profile table {self._table}: {error}") from error
        self._remember(profile.profile_id, item)
        return None

    def _remember(self, profile_id: str, item: dict[str, Any] | None) -> None:
        if item is None:
            self._remembered.forget(profile_id)
        else:
            size_bytes = len(item["recent"]["B"]) if "recent" in item else 0
            self._remembered.put(profile_id, item, size_bytes=size_bytes + _ITEM_OVERHEAD_BYTES)

    def _lost(self) -> ConcurrentUpdate:
        return ConcurrentUpdate(f"a profile of {self._table} changed {MAX_ATTEMPTS} times while it was updated")


def _item(profile: Profile, *, expires_s: int) -> dict[str, Any]:
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


def _profile(profile_id: str, item: dict[str, Any] | None) -> Profile:
    if item is None:
        return Profile(profile_id)
    revision = int(item["revision"]["N"]) if "revision" in item else 0
    if "erased_at_ms" in item:
        return Profile(profile_id, revision=revision, erased=True)
    joined = None
    if "joined_profile" in item:
        joined = Joined(item["joined_profile"]["S"], int(item["joined_at_ms"]["N"]))
    return Profile(profile_id, unpack(bytes(item["recent"]["B"])), revision, joined)
