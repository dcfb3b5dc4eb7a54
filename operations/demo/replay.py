"""Replay of the held-back days as live events."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from alsolike.declarations.limits import MAX_EVENTS_PER_CALL
from alsolike.events.interactions import profile_id
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import Unavailable
from operations.client.api import Api
from operations.client.deployment import Deployment
from operations.demo.complete_journey import LiveEvent

EVENT_TYPE = "purchase"
_THREADS = 4
_POLL_S = 0.1


Plan = Mapping[str, Sequence[Sequence[LiveEvent]]]
"""Events of each user, oldest first, in bodies of `POST /events`. A body has events of one basket."""


def plan(held_back: Sequence[LiveEvent], *, max_calls: int) -> Plan:
    """Select shoppers in the order of their first events. Skip a shopper who needs more than the remaining calls."""
    by_user: dict[str, list[LiveEvent]] = {}
    for event in held_back:
        by_user.setdefault(event.user_id, []).append(event)
    calls, calls_left = dict[str, Sequence[Sequence[LiveEvent]]](), max_calls
    for user_id, events in by_user.items():
        bodies = _bodies(events)
        if len(bodies) <= calls_left:
            calls[user_id] = bodies
            calls_left -= len(bodies)
    return calls


def send(plan: Plan, deployment: Deployment, *, on_sent: Callable[[int], None]) -> None:
    """Send the events of each user in order."""
    api = Api(deployment)

    def call(user: tuple[str, Sequence[Sequence[LiveEvent]]]) -> None:
        user_id, bodies = user
        for events in bodies:
            api.put_events(user_id, [_wire(event) for event in events], session_id=events[0].basket_id)
            on_sent(len(events))

    with ThreadPoolExecutor(_THREADS, "replay") as pool:
        for _ in pool.map(call, plan.items()):
            pass


def expected_profiles(plan: Plan, before: Mapping[str, Profile]) -> dict[str, Profile]:
    return {
        user_id: before[user_id].merge(
            RecentInteraction(event.time_s * 1000, event.event_id, event.item_id, EVENT_TYPE)
            for event in itertools.chain.from_iterable(bodies)
        )
        for user_id, bodies in plan.items()
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
