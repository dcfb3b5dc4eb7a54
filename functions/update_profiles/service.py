"""Adding a batch of the stream to the live profiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from alsolike.errors import ConcurrentUpdate, InvalidInput, Unavailable
from alsolike.interactions import parse_record
from alsolike.profiles import ProfileStore, RecentInteraction, recent
from alsolike.stream import StreamRecord

PROFILES_AT_ONCE = 8
"""Profiles wait for DynamoDB, not for the processor."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch.

    Attributes
    ----------
    failed_sequence
        The first record that was not applied; it and all after it have to come again. None if all were.
    failures
        Why, one message a profile.
    """

    profiles: int
    interactions: int
    unreadable: int
    failed_sequence: str | None = None
    failures: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class _Addition:
    """Interactions of one profile, with the sequence number of the first."""

    profile_id: str
    first_sequence: str
    interactions: list[RecentInteraction]


def update_profiles(records: Sequence[StreamRecord], *, store: ProfileStore, now_ms: int) -> Outcome:
    """Add the records to their profiles, each profile once, a failing one without harm to the others.

    A record that cannot be read is passed over: it stays unreadable however often it comes, and
    archive_events, which reads the same stream, keeps it.
    """
    additions, unreadable = _by_profile(records)

    def apply(addition: _Addition) -> str | None:
        try:
            store.add(addition.profile_id, addition.interactions, now_ms=now_ms)
        except (ConcurrentUpdate, Unavailable) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(PROFILES_AT_ONCE) as pool:
        failures = list(pool.map(apply, additions))
    failed = [addition for addition, failure in zip(additions, failures, strict=True) if failure is not None]
    return Outcome(
        profiles=len(additions) - len(failed),
        interactions=sum(len(addition.interactions) for addition in additions)
        - sum(len(addition.interactions) for addition in failed),
        unreadable=unreadable,
        failed_sequence=min((addition.first_sequence for addition in failed), key=int, default=None),
        failures=tuple(failure for failure in failures if failure is not None),
    )


def _by_profile(records: Sequence[StreamRecord]) -> tuple[list[_Addition], int]:
    additions: dict[str, _Addition] = {}
    unreadable = 0
    for record in records:
        try:
            interaction = parse_record(record.data, arrived_ms=record.arrived_ms)
        except InvalidInput:
            unreadable += 1
            continue
        if interaction.item_id is None:  # a search says nothing of an item that a history could hold
            continue
        addition = additions.setdefault(interaction.profile_id, _Addition(interaction.profile_id, record.sequence, []))
        addition.interactions.append(recent(interaction))
    return list(additions.values()), unreadable
