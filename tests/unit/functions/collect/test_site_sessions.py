"""Events of sessions with a site key, and the limit of one session's effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alsolike.trends.counters import NOTHING_COUNTED, Event, fingerprint_of
from alsolike.trends.windows import WINDOWS
from tests.unit.functions.collect.events import EVENT

TYPES = {"view": 1.0, "click": 1.0, "cart": 3.0}
"""Weights of the event types that a session may send with an item."""
DAY_S = 86_400
SENT_AT: Any = EVENT["sentAt"]

Send = Callable[..., dict[str, Any]]


@pytest.fixture
def browse(collect, configure):
    configure({"sessions": {"sites": {"www": {"origins": ["https://www.shop.example"]}}}})

    def send(events, *, session="v-1", site="www"):
        context = {"sessionId": session, "site": site}
        return collect("POST /session/events", {"eventList": events}, authorizer={"lambda": context})

    return send


def flood(browse, session="v-1"):
    """Send 100 events of each type for one item, each with a different ID."""
    for call in range(30):
        events = [
            {**EVENT, "eventId": f"{call}-{n}", "sentAt": SENT_AT - n, "eventType": list(TYPES)[call % 3]}
            for n in range(10)
        ]
        assert browse(events, session=session)["statusCode"] == 200


def test_one_session_stores_one_event_per_type_and_item(browse, stored):
    flood(browse)

    events = stored()
    assert len(events) == 300
    assert len({event.event_id for event in events}) == len(TYPES)  # Profiles and datasets count an ID once.


def test_one_session_adds_five_to_the_trend_of_an_item(browse, stored):
    flood(browse)

    counts = NOTHING_COUNTED
    for sequence, sent in enumerate(stored()):
        fingerprint = fingerprint_of(str(sent.session_id), sent.event_id)
        event = Event(sequence, str(sent.item_id), sent.event_time_ms, TYPES[sent.event_type], fingerprint)
        counts = counts.add([event], sequence=sequence, arrived_ms=sent.event_time_ms)
    day = list(WINDOWS).index("1d")
    assert counts.counts[0, day] == pytest.approx(sum(TYPES.values()), rel=1e-3)


def test_two_sessions_and_two_days_count_separately(browse, stored):
    browse([EVENT, {**EVENT, "sentAt": SENT_AT - DAY_S + 60}])
    browse([EVENT], session="v-2")

    ids = {event.event_id for event in stored()}
    assert len(ids) == 3


@pytest.mark.parametrize("age_s", [DAY_S + 60, 400 * DAY_S, -3_600])
def test_event_of_another_time_is_rejected(browse, aws, age_s):
    answer = browse([EVENT, {**EVENT, "sentAt": SENT_AT - age_s}])

    assert answer["statusCode"] == 400
    assert "expected at most a day with a site key (1 of 2 events stored)" in answer["document"]["message"]


def test_removed_site_key_stores_nothing(browse, stored):
    answer = browse([EVENT], site="gone")

    assert answer["statusCode"] == 400
    assert answer["document"]["message"].startswith('the token\'s site key is "gone"')
    assert stored() == []
