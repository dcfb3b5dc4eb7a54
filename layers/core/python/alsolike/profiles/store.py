"""The table of live profiles: one call reads a profile, and each write is conditional on the revision read."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.domain.configuration import HISTORY_LENGTH
from alsolike.events.identity import Login
from alsolike.events.interactions import profile_id
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.profiles.profile import Profile, RecentInteraction, SessionLink, from_item, pack, recent, to_item, unpack
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.clients import ProfileClient
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable

__all__ = ["Profile", "ProfileStore", "RecentInteraction", "SessionLink", "pack", "recent", "unpack"]

TIME_TO_LIVE_DAYS = 400
MAX_ATTEMPTS = 8

_KEYS_AT_ONCE = 100
"""DynamoDB's limit."""
_FIRST_PAUSE_S = 0.05

_ITEM_OVERHEAD_BYTES = 700
"""Approximate memory per item in addition to its packed interactions: its id, attribute names and values."""


class ProfileStore:
    """The profile table.

    Parameters
    ----------
    client
        A low-level DynamoDB client.
    table
        The table's name.
    remember_bytes
        Maximum size of cached profiles from the latest writes, so that the next write needs no read. After another
        writer's change, the conditional write fails, and its response has the stored profile.
    """

    def __init__(self, client: ProfileClient, table: str, *, remember_bytes: int = 0) -> None:
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
        try:  # not `translate_aws_errors`: each recommendation waits for this call
            answer = self._client.get_item(
                TableName=self._table, Key={"profile_id": {"S": profile_id}}, ConsistentRead=consistent
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error
        return from_item(profile_id, answer.get("Item"))

    def read_many(
        self, profile_ids: Iterable[str], *, pause: Callable[[float], None] = time.sleep
    ) -> dict[str, Profile]:
        """Return profiles by id, each as `read` would, with few calls.

        Parameters
        ----------
        pause
            Waits for the given seconds after DynamoDB has read none of the requested keys.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer, or reads nothing `MAX_ATTEMPTS` times in a row.
        """
        wanted = list(dict.fromkeys(profile_ids))
        found = {profile_id: Profile(profile_id) for profile_id in wanted}
        in_vain = 0
        while wanted:
            asked, wanted = wanted[:_KEYS_AT_ONCE], wanted[_KEYS_AT_ONCE:]
            items, unread = self._read_batch(asked)
            found |= {profile_id: from_item(profile_id, item) for profile_id, item in items.items()}
            wanted = unread + wanted
            in_vain = in_vain + 1 if len(unread) == len(asked) else 0
            if in_vain == MAX_ATTEMPTS:
                raise Unavailable(f"profile table {self._table}: nothing was read {MAX_ATTEMPTS} times in a row")
            if in_vain:
                pause(_FIRST_PAUSE_S * 2 ** (in_vain - 1))
        return found

    def _read_batch(self, profile_ids: Sequence[str]) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Return the found items, and the ids that were not read: one call reads up to 16 MB."""
        keys = [{"profile_id": {"S": profile_id}} for profile_id in profile_ids]
        with translate_aws_errors(f"profile table {self._table}"):
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        items = {item["profile_id"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        unread = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return items, [key["profile_id"]["S"] for key in unread]

    def scan(self) -> Iterator[Profile]:
        """Yield every stored profile, in no order.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        with translate_aws_errors(f"profile table {self._table}"):
            for page in self._client.get_paginator("scan").paginate(TableName=self._table):
                yield from (from_item(item["profile_id"]["S"], item) for item in page["Items"])

    def add(
        self,
        profile_id: str,
        interactions: Sequence[RecentInteraction],
        *,
        now_ms: int,
        length: int = HISTORY_LENGTH,
        erased: IsErased = no_erased_users,
    ) -> bool:
        """Merge interactions into a profile; return true if anything changed.

        A session's interactions before its login go to the user, unless the user was erased.

        Parameters
        ----------
        length
            See `Profile.merge`.
        erased
            Returns true if a user id was erased. This object may remember a session's mark longer than it is stored.
            Without the check, the session's late interactions would recreate an erased user's profile.

        Raises
        ------
        ConcurrentUpdate
            If other writers won `MAX_ATTEMPTS` times in a row.
        Unavailable
            If DynamoDB does not answer.
        """
        remembered = self._remembered.get(profile_id)
        stored = from_item(profile_id, remembered) if remembered else self.read(profile_id, consistent=True)
        return self._add(stored, interactions, now_ms=now_ms, length=length, erased=erased)

    def create(
        self,
        profile_id: str,
        interactions: Sequence[RecentInteraction],
        *,
        now_ms: int,
        length: int = HISTORY_LENGTH,
    ) -> None:
        """Add to a profile that is probably not stored yet; cheaper than `add` for bulk imports."""
        self._add(Profile(profile_id), interactions, now_ms=now_ms, length=length)

    def overwrite(self, profile: Profile, *, now_ms: int) -> None:
        """Replace the stored profile unconditionally; an erased one stays erased.

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

    def join(self, session_id: str, login: Login, *, now_ms: int, length: int = HISTORY_LENGTH) -> None:
        """Move a session's interactions until its first login into the user's profile, and mark the session; once.

        The user's profile has the interactions before the session loses them, so a repeated call completes an
        interrupted one. A marked session stays as it is at later logins of any user.

        Raises
        ------
        ConcurrentUpdate, Unavailable
            See `add`.
        """
        joined = SessionLink(profile_id(user_id=login.user_id, session_id=None), login.event_time_ms)
        self._join(session_id, joined, now_ms=now_ms, length=length)

    def join_erased(self, session_id: str, login: Login, *, erasure_id: str, now_ms: int) -> None:
        """Mark the session of an erased user's login, and drop its interactions until then; see `join`.

        The purge finds the mark, which names the erasure and not the user.

        Raises
        ------
        ConcurrentUpdate, Unavailable
            See `add`.
        """
        joined = SessionLink(SessionLink.of_erasure(erasure_id), login.event_time_ms)
        self._join(session_id, joined, now_ms=now_ms, length=HISTORY_LENGTH)

    def _join(self, session_id: str, joined: SessionLink, *, now_ms: int, length: int) -> None:
        session = Profile(profile_id(user_id=None, session_id=session_id), joined=joined)
        if "joined_profile" in (self._remembered.get(session.profile_id) or ()):
            return
        for _ in range(MAX_ATTEMPTS):
            stored = self._replace(session, now_ms=now_ms)
            if stored is None or stored.joined is not None or stored.erased:
                return
            users, sessions = joined.split(stored.recent)
            if users and not joined.erased:
                self.add(joined.profile_id, users, now_ms=now_ms, length=length)
            session = dataclasses.replace(stored, recent=tuple(sessions), joined=joined)
        raise self._lost()

    def erase(self, profile_id: str, *, now_ms: int) -> None:
        """Empty a profile and let it stay so; also one that is not stored yet. Repeated, it keeps the first time.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        with translate_aws_errors(f"profile table {self._table}"):
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
        self._remembered.forget(profile_id)

    def _add(
        self,
        stored: Profile,
        interactions: Sequence[RecentInteraction],
        *,
        now_ms: int,
        length: int,
        erased: IsErased = no_erased_users,
    ) -> bool:
        for _ in range(MAX_ATTEMPTS):
            users: Sequence[RecentInteraction] = ()
            own = interactions
            if stored.joined is not None:
                users, own = stored.joined.split(interactions)
            merged = stored.merge(own, length=length)
            changed = merged.recent != stored.recent
            newer = self._replace(merged, now_ms=now_ms) if changed else None
            if newer is not None:
                stored = newer
                continue
            if stored.joined is not None and users and not (stored.joined.erased or erased(stored.joined.user_id)):
                return self.add(stored.joined.profile_id, users, now_ms=now_ms, length=length) or changed
            return changed
        raise self._lost()

    def _replace(self, profile: Profile, *, now_ms: int) -> Profile | None:
        """Replace the profile's revision; return None, or the stored profile if it has another revision."""
        item = to_item(profile, expires_s=now_ms // 1000 + TIME_TO_LIVE_DAYS * 86_400)
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
            return from_item(profile.profile_id, found)
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
