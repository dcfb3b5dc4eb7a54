"""Personalize's PutEvents: what the body of `POST /events` says, event by event."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike import wire
from alsolike.configuration import DEFAULT, Configuration
from alsolike.errors import InvalidInput, NotFound, UnknownEventType
from alsolike.interactions import (
    MAX_ID_CHARACTERS,
    MAX_PROPERTIES_CHARACTERS,
    MAX_QUERY_CHARACTERS,
    MAX_RECOMMENDATION_ID_CHARACTERS,
    MAX_TIME_MS,
    Interaction,
    content_event_id,
    item_ids,
)
from alsolike.pseudonyms import AS_THEY_COME, EdgeIds

MAX_EVENTS_PER_CALL = 10
MAX_ATTRIBUTION_CHARACTERS = 1024

# Dictionaries for the look-up; their order is that of the messages.
_EVENT_FIELDS = dict.fromkeys(
    (
        "eventType", "sentAt", "eventId", "eventValue", "itemId",
        "properties", "recommendationId", "impression", "metricAttribution",
    )
)  # fmt: skip
_CALL_FIELDS = dict.fromkeys(("trackingId", "userId", "sessionId", "eventList"))


@dataclasses.dataclass(frozen=True, slots=True)
class EventCall:
    """A call whose envelope is right.

    Attributes
    ----------
    interactions
        Its good events, in their order.
    refused
        Why the others are not among them, one error an event.
    """

    interactions: tuple[Interaction, ...]
    refused: tuple[InvalidInput, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Sender:
    user_id: str | None
    session_id: str


def parse_put_events(
    body: bytes,
    *,
    now_ms: int,
    tracking_id: str | None = None,
    configuration: Configuration = DEFAULT,
    ids: EdgeIds = AS_THEY_COME,
) -> EventCall:
    """Read the body of `POST /events`; a bad event costs the others nothing.

    An event without `eventId` gets one made of its content, and of its number among those that say the same, so that
    a repeated call changes nothing, also where it leaves out what was refused. Times
    ahead of the clock are taken: whether they can be is judged where nothing is lost by it.

    Parameters
    ----------
    tracking_id
        The one that is expected; None takes any.
    configuration
        Has the event types.
    ids
        Says how ids of people are stored; nothing of the call keeps them otherwise, not even a made event id.

    Raises
    ------
    InvalidInput
        If the envelope breaks the contract: what all events have in common.
    NotFound
        If the call is for another tracking id.
    """
    call = wire.parse_object(body)
    wire.only_known(call, _CALL_FIELDS)
    found = wire.required_string(call, "trackingId", maximum=MAX_ID_CHARACTERS)
    if tracking_id is not None and found != tracking_id:
        raise NotFound(f"trackingId is {wire.describe(found)}, expected {tracking_id}")
    session_id = wire.required_string(call, "sessionId", maximum=MAX_ID_CHARACTERS)
    user_id = wire.optional_string(call, "userId", maximum=MAX_ID_CHARACTERS)
    sender = _Sender(None if user_id is None else ids.user(user_id), ids.session(session_id))
    interactions: list[Interaction] = []
    refused: list[InvalidInput] = []
    events = wire.required_list(call, "eventList", minimum=1, maximum=MAX_EVENTS_PER_CALL)
    same: Counter[bytes] = Counter()
    for index, event in enumerate(events):
        try:
            where = f"eventList[{index}]."
            interactions.append(_parse(event, sender, same, where=where, now_ms=now_ms, configuration=configuration))
        except InvalidInput as error:
            refused.append(error)
    return EventCall(tuple(interactions), tuple(refused))


def _parse(
    element: object,
    sender: _Sender,
    same: Counter[bytes],
    *,
    where: str,
    now_ms: int,
    configuration: Configuration,
) -> Interaction:
    """Read an event; `same` counts those of the same content that stand before it in the call."""
    event = wire.as_object(element, where=where[:-1])
    wire.only_known(event, _EVENT_FIELDS, where=where)
    event_time_ms = _time_ms(event, where=where)
    properties, query = _properties(event, where=where)
    item_id = wire.optional_string(event, "itemId", maximum=MAX_ID_CHARACTERS, where=where)
    name = wire.required_string(event, "eventType", maximum=MAX_ID_CHARACTERS, where=where)
    event_id = wire.optional_string(event, "eventId", maximum=MAX_ID_CHARACTERS, where=where)
    interaction = Interaction(
        event_id=event_id or _made_id(event, sender, same),
        user_id=sender.user_id,
        session_id=sender.session_id,
        item_id=item_id,
        event_type=_event_type(name, configuration, where=where),
        event_value=wire.optional_number(event, "eventValue", where=where),
        event_time_ms=event_time_ms,
        recommendation_id=wire.optional_string(
            event, "recommendationId", maximum=MAX_RECOMMENDATION_ID_CHARACTERS, where=where
        ),
        impression=item_ids(event, "impression", minimum=1, where=where),
        properties=properties,
        received_time_ms=now_ms,
        query=query,
    )
    if item_id is None:
        if configuration.events[interaction.event_type].item_required:
            raise InvalidInput(f"{where}itemId is missing, expected a non-empty string")
        if query is None:
            raise InvalidInput(f"{where}itemId and properties.query are missing, expected at least one")
    return interaction


def _made_id(event: Mapping[str, Any], sender: _Sender, same: Counter[bytes]) -> str:
    content = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    number = same[content]
    same[content] += 1
    return content_event_id(sender.user_id, sender.session_id, number, event)


def _event_type(name: str, configuration: Configuration, *, where: str) -> str:
    try:
        return configuration.canonical_event_type(name)
    except UnknownEventType as error:
        raise UnknownEventType(f"{where}{error}") from error


def _time_ms(event: Mapping[str, Any], *, where: str) -> int:
    sent_at = wire.optional_number(event, "sentAt", where=where)
    if sent_at is None:
        raise InvalidInput(f"{where}sentAt is missing, expected seconds since 1970")
    time_ms = round(sent_at * 1000) if abs(sent_at) < 1e12 else int(sent_at)
    if not 0 < time_ms <= MAX_TIME_MS:
        raise InvalidInput(f"{where}sentAt is {sent_at:.15g}, expected a time after 1970 and before the year 10000")
    return time_ms


def _properties(event: Mapping[str, Any], *, where: str) -> tuple[str, str | None]:
    """Return what stays a property, as JSON, and the query, which has a field of its own."""
    if "properties" not in event and "metricAttribution" not in event:
        return "{}", None
    properties = wire.json_string(event, "properties", maximum=MAX_PROPERTIES_CHARACTERS, where=where)
    query = properties.pop("query", None)
    if isinstance(query, str) and (not query or query.isspace()):  # a search box left empty
        query = None
    if query is not None:
        wire.required_string({"query": query}, "query", maximum=MAX_QUERY_CHARACTERS, where=f"{where}properties.")
    attribution = event.get("metricAttribution")
    if attribution is not None:
        source = wire.as_object(attribution, where=f"{where}metricAttribution")
        wire.only_known(source, ("eventAttributionSource",), where=f"{where}metricAttribution.")
        properties["eventAttributionSource"] = wire.required_string(
            source, "eventAttributionSource", maximum=MAX_ATTRIBUTION_CHARACTERS, where=f"{where}metricAttribution."
        )
    return orjson.dumps(properties).decode(), query
