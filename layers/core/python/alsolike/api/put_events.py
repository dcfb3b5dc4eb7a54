"""Fields and parser of `POST /events`, which is Personalize's PutEvents.

`POST /session/events` accepts events from browsers if the configuration permits their types. The token identifies the
session.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.declarations.limits import MAX_ATTRIBUTION_CHARACTERS, MAX_EVENTS_PER_CALL, MAX_ID_CHARACTERS
from alsolike.events.interactions import content_event_id
from alsolike.events.session_tokens import Session
from alsolike.events.site_keys import bounded, site_of
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy
from alsolike.records.interaction import (
    EVENT_FIELDS,
    EVENT_REQUIRED,
    QUERY,
    SCHEMA_VERSION,
    Interaction,
    values_of_call,
)
from alsolike.runtime.errors import InvalidInput, NotFound, UnknownEventType
from alsolike.schema import validation
from alsolike.schema.fields import NOT_BLANK, Fields, LenientList, Text

UNDECLARED = "view"
"""Event type that replaces an undeclared type in signed requests. The undeclared type becomes a property."""


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
    return _with_types(CALL, list(configuration.events.values()))


def put_session_events(configuration: Configuration) -> Fields:
    permitted = configuration.sessions.events
    return _with_types(SESSION_CALL, [declared for name, declared in configuration.events.items() if name in permitted])


@dataclasses.dataclass(frozen=True, slots=True)
class EventCall:
    interactions: tuple[Interaction, ...]
    refused: tuple[InvalidInput, ...]


def parse_put_events(
    body: bytes,
    *,
    now_ms: int,
    tracking_id: str | None = None,
    configuration: Configuration = DEFAULT,
    ids: IdPolicy = PLAIN_IDS,
    session: Session | None = None,
    correlation_id: str | None = None,
    agent: str | None = None,
    is_signed: bool = False,
) -> EventCall:
    """Parse the body of `POST /events` or `POST /session/events`. Invalid events are rejected individually.

    The ID of an event without `eventId` is a hash of the user, the session, the content and the number of earlier equal
    events in the call. Therefore the events of a repeated call are duplicates, even if the second call omits the
    rejected events. Future times are accepted, with a site key only up to `site_keys.MAX_LEAD_MS`.

    Parameters
    ----------
    tracking_id
        Expected tracking ID. None accepts any tracking ID.
    ids
        Conversion of the shop's user and session IDs to stored IDs. Event IDs that are hashes are computed from stored
        IDs.
    session
        Session in the call's token. The body then has no session, and the tracking ID is optional. Equal event IDs in
        different sessions remain different events.
    agent
        Program that sent the request; None for people.
    is_signed
        True for clients of Amazon Personalize: undeclared event types become `UNDECLARED`, and `properties.itemId`
        replaces a missing `itemId`.
    """
    call = (CALL if session is None else SESSION_CALL).read(validation.parse_sent_object(body))
    named = call.get("trackingId", tracking_id)
    if tracking_id is not None and named != tracking_id:
        raise NotFound(f"trackingId is {validation.describe(named)}, expected {tracking_id}")
    site = None if session is None else session.site
    if site is not None:
        site_of(site, configuration.sessions)
    sender = _stored(session or Session(call["sessionId"], call.get("userId")), ids)
    interactions: list[Interaction] = []
    refused: list[InvalidInput] = []
    same: Counter[bytes] = Counter()
    for index, event in enumerate(call["eventList"]):
        try:
            if is_signed:
                event = _adapted(event, configuration)
            where = f"eventList[{index}]"
            interaction = _parse(
                event,
                sender,
                same,
                where=where,
                now_ms=now_ms,
                configuration=configuration,
                correlation_id=correlation_id,
                agent=agent,
            )
            if session is not None:
                interaction = _confined(interaction, configuration, where=where)
            if site is not None:
                interaction = bounded(interaction, now_ms=now_ms, where=where)
            interactions.append(interaction)
        except InvalidInput as error:
            refused.append(error)
    return EventCall(tuple(interactions), tuple(refused))


def _stored(session: Session, ids: IdPolicy) -> Session:
    return Session(ids.session(session.session_id), None if session.user_id is None else ids.user(session.user_id))


def _confined(interaction: Interaction, configuration: Configuration, *, where: str) -> Interaction:
    """Check that browsers may send the event, and derive its ID from the session, so that the ID differs from the event
    IDs of other sessions.
    """
    permitted = configuration.sessions.events
    if interaction.event_type not in permitted:
        raise InvalidInput(
            f"{where}.eventType is {validation.describe(interaction.event_type)}, expected one that the configuration "
            f"permits sessions (sessions.events): {', '.join(permitted) or 'none'}"
        )
    event_id = content_event_id(interaction.session_id, interaction.event_id)
    return dataclasses.replace(interaction, event_id=event_id)


def _parse(
    element: Any,
    sender: Session,
    same: Counter[bytes],
    *,
    where: str,
    now_ms: int,
    configuration: Configuration,
    correlation_id: str | None,
    agent: str | None,
) -> Interaction:
    """Parse an event. `same` counts the call's earlier events without `eventId` by content."""
    event = EVENT.read(element, where)
    values = values_of_call(event)
    values["event_id"] = event.get("eventId") or _made_id(element, sender, same)
    values["user_id"], values["session_id"] = sender.user_id, sender.session_id
    values["properties"], values["query"] = _properties(event, where=where)
    values["event_type"] = _event_type(event["eventType"], configuration, where=where)
    values["received_time_ms"], values["schema_version"] = now_ms, SCHEMA_VERSION
    values["correlation_id"], values["agent"] = correlation_id, agent
    interaction = Interaction(**values)
    if interaction.item_id is None:
        if configuration.events[interaction.event_type].item_required:
            raise InvalidInput(f"{where}.itemId is missing, expected a non-empty string")
        if interaction.query is None:
            raise InvalidInput(f"{where}.itemId and properties.query are missing, expected at least one")
    return interaction


def _adapted(element: Any, configuration: Configuration) -> Any:
    if not isinstance(element, dict):
        return element
    properties = element.get("properties")
    if isinstance(properties, str):
        try:
            properties = orjson.loads(properties)
        except orjson.JSONDecodeError:
            return element
    if not isinstance(properties, dict):
        properties = {}
    changes: dict[str, Any] = {}
    if element.get("itemId") is None and isinstance(properties.get("itemId"), str):
        changes["itemId"] = properties.pop("itemId")
    event_type = element.get("eventType")
    if isinstance(event_type, str) and event_type and not configuration.declares(event_type):
        changes["eventType"] = UNDECLARED
        properties["eventType"] = event_type
    return {**element, **changes, "properties": properties} if changes else element


def _made_id(event: Mapping[str, Any], sender: Session, same: Counter[bytes]) -> str:
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
    """Return the properties and `metricAttribution` as JSON, and the search query, which becomes a separate field."""
    properties = event.get("properties", {})
    query = properties.pop("query", None)
    if isinstance(query, str) and validation.is_blank(query):  # An empty search box.
        query = None
    if query is not None:
        QUERY.read(query, f"{where}.properties.query")
    if "metricAttribution" in event:
        properties.update(event["metricAttribution"])
    return orjson.dumps(properties).decode(), query


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
    """Return a regular expression that matches the names and aliases of event types, ignoring case."""
    spellings = sorted(spelling for event_type in types for spelling in (event_type.name, *event_type.aliases))
    return f"^({'|'.join(''.join(map(_in_any_case, spelling)) for spelling in spellings)})$" if spellings else "^(?!)"


def _in_any_case(character: str) -> str:
    other = character.upper()
    if len(other) == 1 and other != character:
        return f"[{other}{character}]"
    return f"\\{character}" if character in r"^$\.*+?()[]{}|/" else character
