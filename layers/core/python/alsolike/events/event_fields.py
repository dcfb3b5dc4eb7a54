"""The body of `POST /events`, field by field: Personalize's PutEvents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from alsolike.contract import validation
from alsolike.contract.fields import NOT_BLANK, SPACE, Fields, JsonObject, LenientList, ListOf, Number, Text
from alsolike.contract.json_schemas import Schema
from alsolike.domain.configuration import Configuration, EventType
from alsolike.events.interactions import (
    MAX_EVENT_VALUE,
    MAX_ID_CHARACTERS,
    MAX_IMPRESSION_ITEMS,
    MAX_PROPERTIES_CHARACTERS,
    MAX_QUERY_CHARACTERS,
    MAX_RECOMMENDATION_ID_CHARACTERS,
    MAX_TIME_MS,
)
from alsolike.runtime.errors import InvalidInput

MAX_BODY_BYTES = 1_000_000
MAX_EVENTS_PER_CALL = 10
MAX_ATTRIBUTION_CHARACTERS = 1024

_LEAST_MILLISECONDS = 1e12
"""Smaller numbers are seconds: as milliseconds they would be before September 2001, as seconds after the year 33658."""
_LEAST_S, _MOST_S = 0.001, MAX_TIME_MS / 1000

QUERY = Text(MAX_QUERY_CHARACTERS, about="What was searched for.")


@dataclasses.dataclass(frozen=True, slots=True)
class Timestamp:
    """A time: seconds since 1970, or milliseconds, distinguished by their size."""

    kind: ClassVar[str] = "seconds since 1970"
    about: str = ""

    def read(self, value: Any, where: str) -> int:
        """Return epoch milliseconds; see `fields.Field`."""
        sent_at = validation.number(value, where)
        if _LEAST_S <= sent_at <= _MOST_S:
            return round(sent_at * 1000)
        if _LEAST_MILLISECONDS <= sent_at <= MAX_TIME_MS:
            return int(sent_at)
        raise InvalidInput(f"{where} is {sent_at:.15g}, expected a time after 1970 and before the year 10000")

    def schema(self) -> Schema:
        """See `fields.Field`."""
        return {
            "type": "number",
            "anyOf": [
                {"minimum": _LEAST_S, "maximum": _MOST_S},
                {"minimum": _LEAST_MILLISECONDS, "maximum": MAX_TIME_MS},
            ],
            "description": self.about,
        }


_ID = Text(MAX_ID_CHARACTERS)

EVENT = Fields(
    {
        "eventType": Text(MAX_ID_CHARACTERS, about="A type that the configuration declares, in any case."),
        "sentAt": Timestamp(about="Time of the event in seconds since 1970. Milliseconds are recognised."),
        "eventId": Text(MAX_ID_CHARACTERS, about="ID of the event. Events of one user with the same ID count once."),
        "eventValue": Number(MAX_EVENT_VALUE, about="Value of the event, such as a price."),
        "itemId": Text(MAX_ID_CHARACTERS, about="Optional only for event types that the configuration declares so."),
        "properties": JsonObject(
            MAX_PROPERTIES_CHARACTERS,
            rules={
                "properties": {
                    "query": {
                        "type": ["string", "null"],
                        "maxLength": MAX_QUERY_CHARACTERS,
                        "pattern": rf"^[{SPACE}]*$|{NOT_BLANK}",
                    }
                }
            },
            about="Other properties as JSON. `query` is the search text.",
        ),
        "recommendationId": Text(MAX_RECOMMENDATION_ID_CHARACTERS, about="ID of the response that led to the event."),
        "impression": ListOf(_ID, 1, MAX_IMPRESSION_ITEMS, about="Items that the page showed."),
        "metricAttribution": Fields(
            {"eventAttributionSource": Text(MAX_ATTRIBUTION_CHARACTERS)}, required=("eventAttributionSource",)
        ),
    },
    required=("eventType", "sentAt"),
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
    """Return the pattern of the types' names, in any case."""
    spellings = sorted(spelling for event_type in types for spelling in (event_type.name, *event_type.aliases))
    return f"^({'|'.join(''.join(map(_in_any_case, spelling)) for spelling in spellings)})$" if spellings else "^(?!)"


def _in_any_case(character: str) -> str:
    other = character.upper()
    if len(other) == 1 and other != character:
        return f"[{other}{character}]"
    return f"\\{character}" if character in r"^$\.*+?()[]{}|/" else character
