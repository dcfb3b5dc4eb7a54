"""Interactions and properties that the users of a day had when they received their responses.

The log has a hash of the interactions that each response used (`state_hash`). Interactions arrive in order, so the
state of a user is a prefix of the user's interactions by time of arrival. The prefix with the logged hash is the exact
state, although interactions reach the profile some time after their arrival.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.declarations.retention import PROFILE_DAYS, SESSION_PROFILE_DAYS
from alsolike.declarations.times import DAY_MS
from alsolike.events.context import context_of
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.profiles.profile import RecentInteraction
from alsolike.records.served_response import ServedResponse, state_hash
from alsolike.runtime import s3
from alsolike.runtime.client_protocols import S3Client
from operations.recovery.lake_reader import LakeReader

MAX_STEPS = 200
"""Maximum number of prefixes to compare in each direction from the time of the response."""

_LIFETIME_MS = {
    field: days * DAY_MS for field, days in (("user_id", PROFILE_DAYS), ("session_id", SESSION_PROFILE_DAYS))
}
"""Time from the arrival of an interaction to its deletion from the profile, in milliseconds."""

_COLUMNS = (
    "user_id", "session_id", "event_id", "event_time_ms", "item_id", "event_type", "received_time_ms", "properties",
)  # fmt: skip


class _Arrival(NamedTuple):
    """Stored event with its time of arrival. `interaction` is None for an event without an item."""

    received_ms: int
    event_time_ms: int
    event_id: str
    user_id: str | None
    session_id: str | None
    interaction: RecentInteraction | None


@dataclasses.dataclass(frozen=True, slots=True)
class Histories:
    """Interactions and properties of the users and sessions in a day's rows.

    `arrivals` have keys such as `user_id u1` and `session_id s1`, and are sorted by time of arrival. `users` and
    `sessions` are stored IDs by their hash in the log. `properties` are by the hash of the user ID.
    """

    arrivals: Mapping[str, Sequence[_Arrival]]
    users: Mapping[str, str]
    sessions: Mapping[str, str]
    properties: Mapping[str, Sequence[Change]]

    def recent(self, row: ServedResponse, *, length: int) -> tuple[RecentInteraction, ...] | None:
        """Return the interactions that a response used, or None if no prefix has the logged hash."""
        if row.history is None:
            return ()
        owners = (("user_id", self.users.get(row.shopper or "")), ("session_id", self._session_of(row)))
        for field, owner in owners:
            if owner is None:
                continue
            arrivals = self.arrivals.get(f"{field} {owner}", ())
            expired_ms = row.served_ms - _LIFETIME_MS[field]
            has_expired = bool(arrivals) and arrivals[0].received_ms < expired_ms
            for count in _counts(arrivals, at_ms=row.served_ms):
                for since_ms in (0, expired_ms) if has_expired else (0,):
                    recent = _recent(arrivals[:count], field, owner, since_ms=since_ms)[-length:]
                    if state_hash([each.event_id for each in recent]) == row.history:
                        return recent
        return None

    def user(self, row: ServedResponse) -> Mapping[str, Any]:
        changes = [each for each in self.properties.get(row.shopper or "", ()) if each.updated_at_ms <= row.served_ms]
        latest = max(changes, key=lambda change: change.precedence, default=None)
        return {} if latest is None else latest.properties or {}

    def _session_of(self, row: ServedResponse) -> str | None:
        # A client may pass a session ID as user ID. Unless IDs are pseudonymised, `shopper` is then the session's hash.
        return self.sessions.get(row.session or row.shopper or "")


def read_histories(
    client: S3Client,
    bucket: str,
    rows: Iterable[ServedResponse],
    *,
    hashes: Pseudonyms,
    until_ms: int,
    context: Sequence[str],
) -> Histories:
    """Read the interactions that arrived until `until_ms`, and the users' properties.

    `context` names the properties that belong to the context of an interaction.
    """
    wanted = {each for row in rows for each in (row.shopper, row.session) if each is not None}
    lake = LakeReader(client, bucket, received_by_ms=until_ms)

    @functools.cache
    def hash_of(stored_id: str) -> str | None:
        """Return the hash of a stored ID, or None if the day's rows do not contain it."""
        found = hashes.shopper(stored_id)
        return found if found in wanted else None

    users: dict[str, str] = {}
    sessions: dict[str, str] = {}
    joined: dict[str, set[str]] = defaultdict(set)
    for piece in lake.scan("users of the responses", ("user_id", "session_id")):
        pairs = set(zip(piece["user_id"].to_pylist(), piece["session_id"].to_pylist(), strict=True))
        for user_id, session_id in pairs:
            if user_id is not None and (known := hash_of(user_id)):
                users[known] = user_id
                if session_id is not None:
                    joined[session_id].add(user_id)
            if session_id is not None and (known := hash_of(session_id)):
                sessions[known] = session_id
    arrivals: dict[str, list[_Arrival]] = defaultdict(list)
    own_users, own_sessions = set(users.values()), set(sessions.values())
    for arrival in _arrivals(lake, context, own_users, own_sessions | joined.keys()):
        owners = {arrival.user_id} & own_users if arrival.user_id is not None else set()
        if arrival.session_id is not None:
            owners |= joined.get(arrival.session_id, set())
        for owner in owners:
            arrivals[f"user_id {owner}"].append(arrival)
        if arrival.session_id in own_sessions:
            arrivals[f"session_id {arrival.session_id}"].append(arrival)
    for each in arrivals.values():
        each.sort(key=lambda arrival: arrival[:3])
    return Histories(arrivals, users, sessions, _properties(client, bucket, hash_of))


def _arrivals(lake: LakeReader, context: Sequence[str], users: set[str], sessions: set[str]) -> Iterator[_Arrival]:
    for piece in lake.scan("histories", _COLUMNS if context else _COLUMNS[:-1]):
        columns = [piece[name].to_pylist() for name in _COLUMNS[:-1]]
        properties = piece["properties"].to_pylist() if context else [None] * len(piece)
        for user_id, session_id, event_id, time_ms, item_id, event_type, received_ms, text in zip(
            *columns, properties, strict=True
        ):
            if user_id not in users and session_id not in sessions:
                continue
            interaction = None
            if item_id is not None:
                interaction = RecentInteraction(time_ms, event_id, item_id, event_type, context_of(text, context))
            yield _Arrival(received_ms, time_ms, event_id, user_id, session_id, interaction)


def _counts(arrivals: Sequence[_Arrival], *, at_ms: int) -> Iterator[int]:
    """Yield possible lengths of the prefix: the number of events that had arrived, then numbers at growing distance."""
    arrived = sum(arrival.received_ms <= at_ms for arrival in arrivals)
    yield arrived
    for step in range(1, MAX_STEPS + 1):
        if arrived - step >= 0:
            yield arrived - step
        if arrived + step <= len(arrivals):
            yield arrived + step


def _recent(arrivals: Sequence[_Arrival], field: str, owner: str, *, since_ms: int) -> tuple[RecentInteraction, ...]:
    """Return the interactions that belong to a user or session; see `alsolike.events.logins` for the rule."""
    logins: dict[str, tuple[int, str, str]] = {}
    for arrival in arrivals:
        if arrival.user_id is not None and arrival.session_id is not None:
            login = (arrival.event_time_ms, arrival.event_id, arrival.user_id)
            logins[arrival.session_id] = min(login, logins.get(arrival.session_id, login))
    by_id: dict[str, RecentInteraction] = {}
    for arrival in arrivals:
        if arrival.interaction is None or arrival.received_ms < since_ms or not _belongs(arrival, field, owner, logins):
            continue
        known = by_id.get(arrival.event_id)
        if known is None or arrival.interaction > known:
            by_id[arrival.event_id] = arrival.interaction
    return tuple(sorted(by_id.values()))


def _belongs(arrival: _Arrival, field: str, owner: str, logins: Mapping[str, tuple[int, str, str]]) -> bool:
    if arrival.user_id is not None:
        return field == "user_id" and arrival.user_id == owner
    login = logins.get(arrival.session_id or "")
    is_users = login is not None and arrival.event_time_ms <= login[0]
    if field == "user_id":
        return is_users and login is not None and login[2] == owner
    return not is_users and arrival.session_id == owner


def _properties(client: S3Client, bucket: str, hash_of: Callable[[str], str | None]) -> Mapping[str, Sequence[Change]]:
    changes: dict[str, list[Change]] = defaultdict(list)
    for stored in s3.scan(client, bucket, ChangeKind.USER.prefix):
        if stored.body is not None:
            for change in change_log.decode(ChangeKind.USER, stored.body, name=stored.key):
                if known := hash_of(change.entity_id):
                    changes[known].append(change)
    return changes
