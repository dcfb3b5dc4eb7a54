"""Fields in the body of `POST /events`, which follows Personalize's PutEvents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from alsolike.configuration.configuration import Configuration, EventType
from alsolike.records.interaction import EVENT_FIELDS, EVENT_REQUIRED, MAX_ID_CHARACTERS
from alsolike.schema.fields import NOT_BLANK, Fields, LenientList, Text

MAX_BODY_BYTES = 1_000_000
MAX_EVENTS_PER_CALL = 10
MAX_ATTRIBUTION_CHARACTERS = 1024

EVENT = Fields(
    {
        **EVENT_FIELDS,
        "metricAttribution": Fields(
            {"eventAttributionSource": Text(MAX_ATTRIBUTION_CHARACTERS)}, required=("eventAttributionSource",)
        ),
    },
    required=EVENT_REQUIRED,
)

CALL = Fields(
    {
        "trackingId": Text(MAX_ID_CHARACTERS, about="Tracking ID of this deployment."),
        "userId": Text(MAX_ID_CHARACTERS, about="Absent for anonymous visitors."),
        "sessionId": Text(MAX_ID_CHARACTERS),
        "eventList": LenientList(EVENT, 1, MAX_EVENTS_PER_CALL),
    },
    required=("trackingId", "sessionId", "eventList"),
    about="PutEvents of Amazon Personalize. Valid events are stored even if others are refused.",
)

SESSION_CALL = Fields(
    {name: CALL.fields[name] for name in ("trackingId", "eventList")},
    required=("eventList",),
    about="Events from a browser. The token names the session and user.",
)


def put_events(configuration: Configuration) -> Fields:
    """Return `CALL` with the event types that `configuration` declares."""
    return _with_types(CALL, list(configuration.events.values()))


def put_session_events(configuration: Configuration) -> Fields:
    """Return `SESSION_CALL` with the event types that `configuration` permits to sessions."""
    permitted = configuration.sessions.events
    return _with_types(SESSION_CALL, [declared for name, declared in configuration.events.items() if name in permitted])


def _with_types(call: Fields, types: Sequence[EventType]) -> Fields:
    needless = _spelled(event_type for event_type in types if not event_type.item_required)
    named = Text(MAX_ID_CHARACTERS, pattern=_spelled(types), about=_names(types))
    event = dataclasses.replace(
        EVENT,
        fields={**EVENT.fields, "eventType": named},
        rules={
            "if": {"properties": {"eventType": {"pattern": needless}}},
            "then": {"anyOf": [_HAS_ITEM, _HAS_QUERY]},
            "else": _HAS_ITEM,
        },
    )
    return dataclasses.replace(call, fields={**call.fields, "eventList": LenientList(event, 1, MAX_EVENTS_PER_CALL)})


def _names(types: Sequence[EventType]) -> str:
    return f"Always: {', '.join(event_type.name for event_type in types)}." if types else "None is permitted."


_HAS_ITEM = {"required": ["itemId"], "properties": {"itemId": {"type": "string"}}}
_WITH_QUERY = {
    "type": "object",
    "required": ["query"],
    "properties": {"query": {"type": "string", "pattern": NOT_BLANK}},
}
_HAS_QUERY = {
    "required": ["properties"],
    "properties": {
        "properties": {
            "anyOf": [
                {"type": "string", "contentMediaType": "application/json", "contentSchema": _WITH_QUERY},
                _WITH_QUERY,
            ]
        }
    },
}


def _spelled(types: Iterable[EventType]) -> str:
    """Return a regular expression that matches the names of event types in upper and lower case."""
    spellings = sorted(spelling for event_type in types for spelling in (event_type.name, *event_type.aliases))
    return f"^({'|'.join(''.join(map(_in_any_case, spelling)) for spelling in spellings)})$" if spellings else "^(?!)"


def _in_any_case(character: str) -> str:
    other = character.upper()
    if len(other) == 1 and other != character:
        return f"[{other}{character}]"
    return f"\\{character}" if character in r"^$\.*+?()[]{}|/" else character
