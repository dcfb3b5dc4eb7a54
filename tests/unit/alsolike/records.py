"""Factories of valid and of random stream records and interactions."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.limits import MAX_IMPRESSION_ITEMS
from alsolike.records.columns import Text
from alsolike.records.interaction import COLUMNS, SCHEMA_VERSION, Interaction
from alsolike.schema.validation import is_blank

TIME_MS = 1_700_000_000_000

CONTROLS = "".join(map(chr, [*range(32), 127]))
ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), min_size=1, max_size=256).filter(
    lambda text: not is_blank(text)
)


def fields(**changes: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(COLUMNS),
        "event_id": "e1",
        "user_id": "u1",
        "session_id": "s1",
        "item_id": "i1",
        "event_type": "view",
        "event_time_ms": TIME_MS,
        "impression": [],
        "properties": "{}",
        "received_time_ms": TIME_MS,
        "schema_version": SCHEMA_VERSION,
        **changes,
    }


def record(**changes: Any) -> bytes:
    return orjson.dumps(fields(**changes))


def interaction(**changes: Any) -> Interaction:
    return dataclasses.replace(Interaction(**{**fields(), "impression": ()}), **changes)


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    user_id, session_id = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    event_type = draw(st.sampled_from(list(DEFAULT.events.values())))
    item_id = event_type.item_required or draw(st.booleans())
    received_time_ms = draw(st.integers(TIME_MS, 2 * TIME_MS))
    others: dict[str, Any] = {name: draw(st.none() | ids_up_to(maximum)) for name, maximum in _OTHER_TEXTS.items()}
    return Interaction(
        event_id=draw(ids),
        user_id=draw(ids) if user_id else None,
        session_id=draw(ids) if session_id else None,
        item_id=draw(ids) if item_id else None,
        event_type=event_type.name,
        event_value=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        event_time_ms=draw(st.integers(received_time_ms - 730 * 86_400_000, received_time_ms)),
        impression=tuple(draw(st.lists(ids, max_size=3) | st.just(["i"] * MAX_IMPRESSION_ITEMS))),
        properties=orjson.dumps(draw(st.dictionaries(ids, st.booleans(), max_size=2))).decode(),
        received_time_ms=received_time_ms,
        query=draw(st.none() | ids) if item_id else draw(ids),
        **others,
    )


def ids_up_to(maximum: int) -> st.SearchStrategy[str]:
    return ids.filter(lambda text: len(text) <= maximum)


_DRAWN = ("event_id", "event_type", "user_id", "session_id", "item_id", "query")
_OTHER_TEXTS = {
    name: column.type.maximum
    for name, column in COLUMNS.items()
    if isinstance(column.type, Text)
    and not column.required
    and name not in ("user_id", "session_id", "item_id", "query")
}


def owner(event, login):
    """Return the owner's profile ID. `login` is the first login of the event's session."""
    if event.user_id is None and login is not None and event.event_time_ms <= login.event_time_ms:
        return f"u#{login.user_id}"
    return event.profile_id
