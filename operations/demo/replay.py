"""Replay of the held-back days as live events. Some shoppers use the HTTP API, the others use the stream directly."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from alsolike.declarations.limits import MAX_EVENTS_PER_CALL
from alsolike.events.interactions import Interaction, profile_id
from alsolike.events.stream_writer import EventStream
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from operations.client.api import Api
from operations.client.deployment import Deployment
from operations.demo.complete_journey import LiveEvent

EVENT_TYPE = "purchase"
_THREADS = 4
_STREAM_EVERY = 4
_POLL_S = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class ReplayPlan:
    """Events of each user. All events of a user are sent over HTTP, or all directly to the stream.

    Each of the `calls` is a body of `POST /events` with events of one basket.
    """

    calls: Mapping[str, Sequence[Sequence[LiveEvent]]]
    records: Mapping[str, Sequence[LiveEvent]]

    @property
    def users(self) -> list[str]:
        return [*self.calls, *self.records]

    def events(self, user_id: str) -> Iterator[LiveEvent]:
        """Yield a user's events, oldest first."""
        yield from itertools.chain.from_iterable(self.calls.get(user_id, ()))
        yield from self.records.get(user_id, ())


def plan(held_back: Sequence[LiveEvent], *, max_calls: int, max_records: int) -> ReplayPlan:
    """Select shoppers in order of appearance. One of `_STREAM_EVERY` shoppers uses the stream, the others use HTTP.

    A shopper whose events exceed the remaining calls or records is skipped.
    """
    by_user: dict[str, list[LiveEvent]] = {}
    for event in held_back:
        by_user.setdefault(event.user_id, []).append(event)
    calls, records = dict[str, Sequence[Sequence[LiveEvent]]](), dict[str, Sequence[LiveEvent]]()
    calls_left, records_left = max_calls, max_records
    for index, (user_id, events) in enumerate(by_user.items()):
        bodies = _bodies(events)
        if index % _STREAM_EVERY == _STREAM_EVERY - 1:
            if len(events) <= records_left:
                records[user_id] = events
                records_left -= len(events)
        elif len(bodies) <= calls_left:
            calls[user_id] = bodies
            calls_left -= len(bodies)
    return ReplayPlan(calls, records)


def send(plan: ReplayPlan, deployment: Deployment, *, now_ms: int, on_sent: Callable[[int], None]) -> None:
    """Send the events of each user in order."""
    api = Api(deployment)

    def call(user: tuple[str, Sequence[Sequence[LiveEvent]]]) -> None:
        user_id, bodies = user
        for events in bodies:
            api.put_events(user_id, [_wire(event) for event in events], session_id=events[0].basket_id)
            on_sent(len(events))

    with ThreadPoolExecutor(_THREADS, "replay") as pool:
        for _ in pool.map(call, plan.calls.items()):
            pass
    records = [_interaction(event, now_ms=now_ms) for events in plan.records.values() for event in events]
    stream = EventStream(deployment.client("kinesis"), deployment.names.stream_name)
    stream.put(records, remaining_ms=lambda: math.inf)
    on_sent(len(records))


def expected_profiles(plan: ReplayPlan, before: Mapping[str, Profile]) -> dict[str, Profile]:
    return {
        user_id: before[user_id].merge(
            RecentInteraction(event.time_s * 1000, event.event_id, event.item_id, EVENT_TYPE)
            for event in plan.events(user_id)
        )
        for user_id in plan.users
    }


def read_profiles(user_ids: Sequence[str], store: ProfileStore) -> dict[str, Profile]:
    return {user_id: store.read(profile_id(user_id=user_id, session_id=None), consistent=True) for user_id in user_ids}


def wait_for(expected: Mapping[str, Profile], store: ProfileStore, *, timeout_s: float) -> dict[str, Profile]:
    """Poll until every profile has exactly the expected interactions, and return the profiles."""
    deadline = time.monotonic() + timeout_s
    arrived: dict[str, Profile] = {}
    while True:
        waiting = [user_id for user_id in expected if user_id not in arrived]
        for user_id, profile in read_profiles(waiting, store).items():
            if profile.recent == expected[user_id].recent:
                arrived[user_id] = profile
        if len(arrived) == len(expected):
            return arrived
        if time.monotonic() > deadline:
            incomplete = [user_id for user_id in expected if user_id not in arrived]
            raise Unavailable(
                f"after {timeout_s:g} s the profiles of {len(incomplete)} of {len(expected)} users lack events, for "
                f"example that of user {incomplete[0]}"
            )
        time.sleep(_POLL_S)


def _bodies(events: Sequence[LiveEvent]) -> list[Sequence[LiveEvent]]:
    bodies: list[Sequence[LiveEvent]] = []
    for _, basket in itertools.groupby(events, key=lambda event: event.basket_id):
        rows = list(basket)
        bodies += [rows[at : at + MAX_EVENTS_PER_CALL] for at in range(0, len(rows), MAX_EVENTS_PER_CALL)]
    return bodies


def _wire(event: LiveEvent) -> dict[str, object]:
    return {
        "eventId": event.event_id,
        "eventType": EVENT_TYPE,
        "eventValue": event.value,
        "itemId": event.item_id,
        "sentAt": event.time_s,
    }


def _interaction(event: LiveEvent, *, now_ms: int) -> Interaction:
    return Interaction(
        event_id=event.event_id,
        user_id=event.user_id,
        session_id=event.basket_id,
        item_id=event.item_id,
        event_type=EVENT_TYPE,
        event_value=event.value,
        event_time_ms=event.time_s * 1000,
        recommendation_id=None,
        impression=(),
        properties="{}",
        received_time_ms=now_ms,
    )
