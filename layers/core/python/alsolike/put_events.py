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
from alsolike.event_fields import CALL, EVENT, QUERY
from alsolike.interactions import Interaction, content_event_id
from alsolike.pseudonyms import AS_THEY_COME, EdgeIds


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
    call = CALL.read(wire.parse_object(body))
    if tracking_id is not None and call["trackingId"] != tracking_id:
        raise NotFound(f"trackingId is {wire.describe(call['trackingId'])}, expected {tracking_id}")
    user_id = call.get("userId")
    sender = _Sender(None if user_id is None else ids.user(user_id), ids.session(call["sessionId"]))
    interactions: list[Interaction] = []
    refused: list[InvalidInput] = []
    same: Counter[bytes] = Counter()
    for index, event in enumerate(call["eventList"]):
        try:
            where = f"eventList[{index}]"
            interactions.append(_parse(event, sender, same, where=where, now_ms=now_ms, configuration=configuration))
        except InvalidInput as error:
            refused.append(error)
    return EventCall(tuple(interactions), tuple(refused))


def _parse(
    element: Any,
    sender: _Sender,
    same: Counter[bytes],
    *,
    where: str,
    now_ms: int,
    configuration: Configuration,
) -> Interaction:
    """Read an event; `same` counts those of the same content that stand before it in the call."""
    event = EVENT.read(element, where)
    properties, query = _properties(event, where=where)
    item_id = event.get("itemId")
    interaction = Interaction(
        event_id=event.get("eventId") or _made_id(element, sender, same),
        user_id=sender.user_id,
        session_id=sender.session_id,
        item_id=item_id,
        event_type=_event_type(event["eventType"], configuration, where=where),
        event_value=event.get("eventValue"),
        event_time_ms=event["sentAt"],
        recommendation_id=event.get("recommendationId"),
        impression=tuple(event.get("impression", ())),
        properties=properties,
        received_time_ms=now_ms,
        query=query,
    )
    if item_id is None:
        if configuration.events[interaction.event_type].item_required:
            raise InvalidInput(f"{where}.itemId is missing, expected a non-empty string")
        if query is None:
            raise InvalidInput(f"{where}.itemId and properties.query are missing, expected at least one")
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
        raise UnknownEventType(f"{where}.{error}") from error


def _properties(event: Mapping[str, Any], *, where: str) -> tuple[str, str | None]:
    """Return what stays a property, as JSON, and the query, which has a field of its own."""
    properties = event.get("properties", {})
    query = properties.pop("query", None)
    if isinstance(query, str) and (not query or query.isspace()):  # a search box left empty
        query = None
    if query is not None:
        QUERY.read(query, f"{where}.properties.query")
    if "metricAttribution" in event:
        properties.update(event["metricAttribution"])
    return orjson.dumps(properties).decode(), query
