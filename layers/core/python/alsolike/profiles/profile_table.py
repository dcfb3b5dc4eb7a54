"""Table of live profiles with one item per interaction. Additions read no profile, and one query usually reads a
complete profile.

An import or a rebuild writes a user's interactions as one item, which reduces the price of the writes to about 5%.
Writes are idempotent by key. At a login, the session's interactions up to the login are copied to the user's partition,
and a mark in the session's partition hides them there. Writers of events and of logins write before they read: an event
is stored before its writer reads the mark, and the mark is stored before the login copies the interactions. Therefore
at least one of the two writers copies each interaction, in any order of events and logins. A repeated batch completes
an interrupted one.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.declarations.retention import PROFILE_DAYS, SESSION_ITEM_DAYS, SESSION_PROFILE_DAYS
from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.events.action_events import ActionEvent
from alsolike.events.interactions import SESSION_PREFIX, Interaction, profile_id
from alsolike.events.logins import Login
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.profiles.batch_writes import (
    BatchWriter,
    Key,
    deletions,
    put,
    raise_first,
    threads,
)
from alsolike.profiles.profile import (
    ERASED_KEY,
    FIRST_ACTION_KEY,
    FIRST_INTERACTION_KEY,
    FIRST_MARK_KEY,
    JOINED_KEY,
    LAST_ACTION_KEY,
    READ_ATTRIBUTES,
    Item,
    Profile,
    RecentInteraction,
    SessionLink,
    action_events_of,
    action_item,
    from_items,
    history_item,
    history_key,
    is_session_item,
    key_after,
    link_item,
    session_item,
    sort_key,
    to_item,
)
from alsolike.profiles.session_marks import SessionLinks
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import Unavailable

ACTIONS_LENGTH = 200
"""Maximum number of a user's interactions with actions in a model's input. The latest are kept."""

_MARKS = 2


_MOVING = (None, True)

_FIRST_KEY, _LAST_KEY = " ", "\x7f"


class ProfileStore:
    def __init__(
        self,
        client: DynamoDbClient,
        table: str,
        *,
        remember_bytes: int = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._writer = BatchWriter(client, table, pause=pause)
        self._links = SessionLinks(client, table, writer=self._writer, remember_bytes=remember_bytes)

    def read(self, profile_id: str, *, length: int | None = HISTORY_LENGTH, consistent: bool = False) -> Profile:
        """Return the stored profile, empty if it is unknown or erased. If `length` is None, read all interactions."""
        items: list[Item] = []
        pages = self._pages(
            profile_id,
            first=FIRST_INTERACTION_KEY,
            limit=None if length is None else length + _MARKS,
            ProjectionExpression=READ_ATTRIBUTES,
            ScanIndexForward=False,
            ConsistentRead=consistent,
        )
        for page in pages:
            items += page
            profile = from_items(profile_id, items, length=length)
            # Further pages are rare, for example for long IDs, repeated events or interactions that a mark hides.
            if profile.erased or len(profile.recent) == length:
                break
        return profile

    def read_many(self, profile_ids: Iterable[str], *, length: int = HISTORY_LENGTH) -> dict[str, Profile]:
        wanted = list(dict.fromkeys(profile_ids))
        return dict(zip(wanted, threads().map(functools.partial(self.read, length=length), wanted), strict=True))

    def scan(self, *, length: int | None = HISTORY_LENGTH) -> Iterator[Profile]:
        with translate_aws_errors(f"profile table {self._table}"):
            pages = self._client.get_paginator("scan").paginate(TableName=self._table)
            items = (item for page in pages for item in page["Items"])
            for profile_id, partition in itertools.groupby(items, key=lambda item: item[PROFILES_PARTITION_KEY]["S"]):
                own_items = [item for item in partition if item[PROFILES_SORT_KEY]["S"] >= FIRST_INTERACTION_KEY]
                if own_items:
                    yield from_items(profile_id, own_items[::-1], length=length)

    def add(self, profile_id: str, interactions: Sequence[RecentInteraction], *, now_ms: int) -> None:
        raise_first(self.add_many({profile_id: interactions}, now_ms=now_ms))

    def add_many(
        self,
        additions: Mapping[str, Sequence[RecentInteraction]],
        *,
        now_ms: int,
        erased: IsErased = no_erased_users,
    ) -> dict[str, str]:
        """Add interactions to profiles, and return the reason for each failure by profile ID.

        Interactions of a session up to its login are also copied to the user. If the user was erased, these
        interactions are deleted.

        Parameters
        ----------
        erased
            Predicate that is true for erased users. The cache of links can outlive the deletion of a mark. Without this
            check, late interactions of the session would recreate the profile of an erased user.
        """
        failed = self._put(additions, now_ms=now_ms)
        sessions = [
            addition for addition in additions if addition.startswith(SESSION_PREFIX) and addition not in failed
        ]
        try:
            links = self.links(sessions)
        except Unavailable as error:
            return failed | dict.fromkeys(sessions, str(error))
        interactions_by_user: dict[str, list[RecentInteraction]] = {}
        dropped: list[Key] = []
        for session, link in links.items():
            early, _ = link.split(additions[session])
            if early and (link.erased or erased(link.user_id)):
                dropped += [(session, sort_key(addition)) for addition in early]
            elif early:
                interactions_by_user.setdefault(link.profile_id, []).extend(early)
        lost = self._put(interactions_by_user, now_ms=now_ms)
        failed |= {session: lost[link.profile_id] for session, link in links.items() if link.profile_id in lost}
        return failed | self._writer.write(deletions(dropped))

    def add_actions(self, interactions: Iterable[Interaction], *, now_ms: int) -> dict[str, str]:
        expires_s = _expires_s(now_ms)
        items = [action_item(interaction, expires_s=expires_s) for interaction in interactions]
        by_key = {(item[PROFILES_PARTITION_KEY]["S"], item[PROFILES_SORT_KEY]["S"]): put(item) for item in items}
        return self._writer.write(list(by_key.values()), is_concurrent=True)

    def read_actions(
        self, profile_id: str, *, length: int | None = ACTIONS_LENGTH, consistent: bool = False
    ) -> list[ActionEvent]:
        """Return the events of a user's latest `length` interactions with actions, oldest first. None returns all.

        The result is empty for an erased profile.
        """
        if self.read(profile_id, length=1, consistent=consistent).erased:
            return []
        items: list[Item] = []
        pages = self._pages(
            profile_id,
            first=FIRST_ACTION_KEY,
            last=LAST_ACTION_KEY,
            limit=length,
            ScanIndexForward=False,
            ConsistentRead=consistent,
        )
        for page in pages:
            items += page
            if length is not None and len(items) >= length:
                break
        return [event for item in reversed(items[:length]) for event in action_events_of(item)]

    def add_histories(self, histories: Mapping[str, Sequence[RecentInteraction]], *, now_ms: int) -> dict[str, str]:
        """Add the interactions of each user as one item, and return the reason for each failure by profile ID."""
        expires_s = _expires_s(now_ms)
        items = [
            put(history_item(user, history, expires_s=expires_s)) for user, history in histories.items() if history
        ]
        return self._writer.write(items, is_concurrent=True)

    def overwrite(self, profile: Profile, *, now_ms: int) -> None:
        """Replace the stored profile, unless it is erased. Interactions that arrive during the call are kept."""
        stored = [item[PROFILES_SORT_KEY]["S"] for item in self._items(profile.profile_id, first=FIRST_INTERACTION_KEY)]
        if ERASED_KEY in stored:
            return
        packed = profile.recent and not profile.profile_id.startswith(SESSION_PREFIX)
        kept = {history_key(profile.recent)} if packed else {sort_key(interaction) for interaction in profile.recent}
        if profile.joined is not None:
            name = _name(profile.profile_id, profile.joined, now_ms=now_ms)
            mark = link_item(profile.profile_id, profile.joined, expires_s=_expires_s(now_ms))
            raise_first(self._writer.write([put(name), put(mark)]))
            kept.add(JOINED_KEY)
        self._links.forget(profile.profile_id)
        add = self.add_histories if packed else self._put
        raise_first(add({profile.profile_id: profile.recent}, now_ms=now_ms))
        self.delete((profile.profile_id, key) for key in stored if key not in kept)

    def remove(self, profile_id: str, event_ids: Collection[str]) -> int:
        """Remove stored interactions by event ID, and return their number.

        Interactions that arrive during the call are kept.
        """
        requests: list[Item] = []
        removed = 0
        for item in self._items(profile_id, first=FIRST_INTERACTION_KEY, before=FIRST_MARK_KEY):
            stored = from_items(profile_id, [item], length=None).recent
            kept = [interaction for interaction in stored if interaction.event_id not in event_ids]
            if len(kept) == len(stored):
                continue
            removed += len(stored) - len(kept)
            key = item[PROFILES_SORT_KEY]["S"]
            if kept:
                requests.append(put(history_item(profile_id, kept, expires_s=int(item["expires_at"]["N"]))))
            if not kept or history_key(kept) != key:
                requests += deletions([(profile_id, key)])
        raise_first(self._writer.write(requests))
        return removed

    def join(self, session_id: str, login: Login, *, now_ms: int, length: int = HISTORY_LENGTH) -> None:
        """Copy a session's interactions up to a login to the user's profile, and mark the session.

        A call with another login does not change a marked session. A repeated call completes an interrupted one.
        """
        raise_first(self.join_many({session_id: login}, now_ms=now_ms, length=length))

    def join_many(self, logins: Mapping[str, Login], *, now_ms: int, length: int) -> dict[str, str]:
        """Join sessions to users by their logins; see `join`. Return the reason for each failure by session ID."""
        wanted = {
            profile_id(user_id=None, session_id=session_id): SessionLink(
                profile_id(user_id=login.user_id, session_id=None), login.event_time_ms
            )
            for session_id, login in logins.items()
        }
        failed = self._join(wanted, now_ms=now_ms, length=length)
        return {session.removeprefix(SESSION_PREFIX): reason for session, reason in failed.items()}

    def join_erased(self, session_id: str, login: Login, *, erasure_id: str, now_ms: int) -> None:
        """Mark a session with a login of an erased user, and delete the interactions up to the login.

        The mark contains the erasure ID instead of the user ID, so that the purge of the erasure finds the session.
        """
        session = profile_id(user_id=None, session_id=session_id)
        link = SessionLink(SessionLink.erased_profile_id(erasure_id), login.event_time_ms)
        raise_first(self._join({session: link}, now_ms=now_ms, length=HISTORY_LENGTH))

    def links(self, sessions: Sequence[str]) -> dict[str, SessionLink]:
        return self._links.current(sessions)

    def sessions_of(self, profile_id: str) -> dict[str, SessionLink]:
        """Return the links of the sessions that joined a user, or the placeholder of an erasure, by profile ID of the
        session.
        """
        named = [
            item["session"]["S"]
            for item in self._items(profile_id, before=FIRST_INTERACTION_KEY)
            if is_session_item(item)
        ]
        # A concurrent login of another user can leave a session item without a link to this user.
        return {
            session: link for session, (link, _) in self._links.read(named).items() if link.profile_id == profile_id
        }

    def erase(self, profile_id: str, *, now_ms: int) -> None:
        """Mark a profile as erased. The mark hides existing and future interactions until the purge deletes them."""
        mark = {
            PROFILES_PARTITION_KEY: {"S": profile_id},
            PROFILES_SORT_KEY: {"S": ERASED_KEY},
            "expires_at": {"N": str(_expires_s(now_ms))},
        }
        raise_first(self._writer.write([put(mark)]))

    def keys(self, profile_id: str) -> list[Key]:
        return [(profile_id, item[PROFILES_SORT_KEY]["S"]) for item in self._items(profile_id)]

    def delete(self, keys: Iterable[Key]) -> None:
        raise_first(self._writer.write(deletions(keys)))

    def _join(self, links: Mapping[str, SessionLink], *, now_ms: int, length: int) -> dict[str, str]:
        """Join sessions by their links, and return the reason for each failure by profile ID of the session.

        The mark is written twice. The first mark has the flag `moving`, so that it does not hide interactions before
        they are copied.
        """
        new = [session for session, link in links.items() if not self._links.is_known(session, link)]
        try:
            stored = self._links.read(new)
        except Unavailable as error:
            return dict.fromkeys(new, str(error))
        unmarked = [session for session in new if session not in stored]
        lost = self._writer.write([put(_name(session, links[session], now_ms=now_ms)) for session in unmarked])
        failed = {session: lost[links[session].profile_id] for session in unmarked if links[session].profile_id in lost}
        copies: dict[str, list[RecentInteraction]] = {}
        moved: list[str] = []

        def move(session: str) -> Sequence[RecentInteraction] | str | None:
            """Return the interactions to copy, or an error message, or None if another login has already joined the
            session.
            """
            link = links[session]
            try:
                stored_link, _ = stored.get(session) or self._links.mark(session, link, expires_s=_expires_s(now_ms))
                return self._until_login(session, link, length=length) if stored_link == link else None
            except Unavailable as error:
                return str(error)

        open_sessions = [session for session in new if session not in failed and stored.get(session, _MOVING)[1]]
        for session, result in zip(open_sessions, threads().map(move, open_sessions), strict=True):
            if isinstance(result, str):
                failed[session] = result
            elif result is not None:
                moved.append(session)
                copies.setdefault(links[session].profile_id, []).extend(result)
        lost = self._put(copies, now_ms=now_ms)
        failed |= {session: lost[links[session].profile_id] for session in moved if links[session].profile_id in lost}
        moved = [session for session in moved if session not in failed]
        expires_s = _expires_s(now_ms)
        failed |= self._writer.write(
            [put(link_item(session, links[session], expires_s=expires_s)) for session in moved]
        )
        for session in moved:
            self._links.remember(session, links[session], moving=session in failed)
        return failed

    def _until_login(self, session: str, link: SessionLink, *, length: int) -> Sequence[RecentInteraction]:
        """Return the session's interactions up to the login.

        For an erased user, delete these interactions and return an empty sequence.
        """
        items = list(self._items(session, first=FIRST_INTERACTION_KEY, before=key_after(link.at_ms)))
        if link.erased:
            self.delete((session, item[PROFILES_SORT_KEY]["S"]) for item in items)
            return ()
        return from_items(session, items[::-1], length=length).recent

    def _items(self, profile_id: str, *, first: str = _FIRST_KEY, before: str = _LAST_KEY) -> Iterator[Item]:
        return itertools.chain.from_iterable(self._pages(profile_id, first=first, last=before, ConsistentRead=True))

    def _pages(
        self, profile_id: str, *, first: str, last: str = _LAST_KEY, limit: int | None = None, **options: Any
    ) -> Iterator[list[Item]]:
        """Yield pages of a profile's items with sort keys from `first` to `last`, at most `limit` items per page."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "profile_id = :profile AND sort_key BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":profile": {"S": profile_id}, ":first": {"S": first}, ":last": {"S": last}},
            **({} if limit is None else {"Limit": limit}),
            **options,
        }
        while True:
            try:
                answer = self._client.query(**request)
            except Exception:  # Entering `translate_aws_errors` for each page would slow down most recommendations.
                with translate_aws_errors(f"profile table {self._table}"):
                    raise
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _put(self, additions: Mapping[str, Iterable[RecentInteraction]], *, now_ms: int) -> dict[str, str]:
        expires_s = {
            False: _expires_s(now_ms),
            True: _expires_s(now_ms, days=SESSION_PROFILE_DAYS),
        }
        # One call must not contain a key twice. If several interactions have the same key, the greatest is stored.
        items = {
            (profile_id, sort_key(interaction)): put(
                to_item(profile_id, interaction, expires_s=expires_s[profile_id.startswith(SESSION_PREFIX)])
            )
            for profile_id, interactions in additions.items()
            for interaction in sorted(interactions)
        }
        return self._writer.write(list(items.values()), is_concurrent=True)


def _name(session: str, link: SessionLink, *, now_ms: int) -> Item:
    """Return the `session_item` with which erasures and exports find a user's session."""
    return session_item(session, link, expires_s=_expires_s(now_ms, days=PROFILE_DAYS + SESSION_ITEM_DAYS))


def _expires_s(now_ms: int, *, days: int = PROFILE_DAYS) -> int:
    return now_ms // 1000 + days * 86_400
