"""Small factories: a stream record that is right, to be made wrong in one place, and records of any content."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
from hypothesis import strategies as st

from alsolike.contract.validation import is_blank
from alsolike.domain.configuration import DEFAULT
from alsolike.events.interactions import MAX_IMPRESSION_ITEMS, Interaction

TIME_MS = 1_700_000_000_000

CONTROLS = "".join(map(chr, [*range(32), 127]))
ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), min_size=1, max_size=256).filter(
    lambda text: not is_blank(text)
)
"""Any text that an id may be: astral and invisible characters, no controls, no half surrogate pairs, not blank."""


def fields(**changes: Any) -> dict[str, Any]:
    """Return the fields of a stream record with changes."""
    return {
        "event_id": "e1",
        "user_id": "u1",
        "session_id": "s1",
        "item_id": "i1",
        "event_type": "view",
        "event_value": None,
        "event_time_ms": TIME_MS,
        "recommendation_id": None,
        "impression": [],
        "properties": "{}",
        "received_time_ms": TIME_MS,
        "schema_version": 3,
        "query": None,
        "correlation_id": None,
        **changes,
    }


def record(**changes: Any) -> bytes:
    """Return a stream record with changes."""
    return orjson.dumps(fields(**changes))


def interaction(**changes: Any) -> Interaction:
    """Return an interaction with changes."""
    return dataclasses.replace(Interaction(**{**fields(), "impression": ()}), **changes)


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    """Draw any interaction that a call or a producer may bring."""
    user_id, session_id = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    event_type = draw(st.sampled_from(list(DEFAULT.events.values())))
    item_id = event_type.item_required or draw(st.booleans())
    received_time_ms = draw(st.integers(TIME_MS, 2 * TIME_MS))
    return Interaction(
        event_id=draw(ids),
        user_id=draw(ids) if user_id else None,
        session_id=draw(ids) if session_id else None,
        item_id=draw(ids) if item_id else None,
        event_type=event_type.name,
        event_value=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        event_time_ms=draw(st.integers(received_time_ms - 730 * 86_400_000, received_time_ms)),
        recommendation_id=draw(st.none() | ids.filter(lambda text: len(text) <= 40)),
        impression=tuple(draw(st.lists(ids, max_size=3) | st.just(["i"] * MAX_IMPRESSION_ITEMS))),
        properties=orjson.dumps(draw(st.dictionaries(ids, st.booleans(), max_size=2))).decode(),
        received_time_ms=received_time_ms,
        query=draw(st.none() | ids) if item_id else draw(ids),
        correlation_id=draw(st.none() | ids.filter(lambda text: len(text) <= 64)),
    )
