"""The interaction: one user, one item, one moment. Its form on the stream, and how a request becomes one.

The stream record is JSON with the dataclass's field names; its partition key is the user or session, so that
one user's interactions stay in order. Consumers see a record at least once: `event_id` is what makes them
count it once.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike import wire
from alsolike.configuration import canonical_event_type
from alsolike.errors import InvalidInput

SCHEMA_VERSION = 1
MAX_ID_CHARACTERS = 256
MAX_PROPERTIES_CHARACTERS = 1024
MAX_RECOMMENDATION_ID_CHARACTERS = 40
MAX_IMPRESSION_ITEMS = 25
MAX_EVENTS_PER_CALL = 10
MAX_CLOCK_SKEW_MS = 5 * 60 * 1000
"""How far ahead of the clock that judges it a time may be."""

MAX_RECORD_PROPERTIES_CHARACTERS = 16_384
"""More than what a call may send: written again, JSON grows (1e15 to 16 digits) and takes in the attribution."""

MAX_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999; later ones have no date."""

_EVENT_FIELDS = (
    "eventType", "sentAt", "eventId", "eventValue", "itemId",
    "properties", "recommendationId", "impression", "metricAttribution",
)  # fmt: skip
_CALL_FIELDS = ("trackingId", "userId", "sessionId", "eventList")


@dataclasses.dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction, as it travels on the stream and stands in the lake.

    Attributes
    ----------
    user_id, session_id
        At least one of them.
    event_value
        What the shop says the event is worth, in its own unit.
    event_time_ms, received_time_ms
        When it happened and when Alsolike took it in, epoch milliseconds UTC.
    impression
        Items that were shown when it happened.
    properties
        A JSON object in a string.
    """

    event_id: str
    user_id: str | None
    session_id: str | None
    item_id: str
    event_type: str
    event_value: float | None
    event_time_ms: int
    recommendation_id: str | None
    impression: tuple[str, ...]
    properties: str
    received_time_ms: int
    schema_version: int = SCHEMA_VERSION

    @property
    def profile_id(self) -> str:
        """Whose history it belongs to: the user's where known, else the session's."""
        return profile_id(user_id=self.user_id, session_id=self.session_id)

    def to_record(self) -> bytes:
        """Return the stream record."""
        return orjson.dumps(self)


_RECORD_FIELDS = dict.fromkeys(field.name for field in dataclasses.fields(Interaction))


def profile_id(*, user_id: str | None, session_id: str | None) -> str:
    """Return the key of a live profile; users and sessions never share one.

    Examples
    --------
    >>> profile_id(user_id="7", session_id="abc")
    'u#7'
    """
    return f"u#{user_id}" if user_id is not None else f"s#{session_id}"


def parse_record(data: bytes, *, arrived_ms: int) -> Interaction:
    """Read a stream record, from whatever producer.

    Parameters
    ----------
    arrived_ms
        When the stream took the record in: the one clock that is not the producer's, and the same at each delivery.

    Raises
    ------
    InvalidInput
        Naming the field, its value and what was expected.
    """
    fields = wire.parse_object(data, what="record")
    version = fields.get("schema_version")
    if version != SCHEMA_VERSION or type(version) is not int:  # True equals 1
        raise InvalidInput(f"schema_version is {wire.describe(version)}, expected {SCHEMA_VERSION}")
    wire.only_known(fields, _RECORD_FIELDS)
    user_id = wire.optional_string(fields, "user_id", maximum=MAX_ID_CHARACTERS)
    session_id = wire.optional_string(fields, "session_id", maximum=MAX_ID_CHARACTERS)
    if user_id is None and session_id is None:
        raise InvalidInput("user_id and session_id are missing, expected at least one")
    received_time_ms = _milliseconds(fields, "received_time_ms")
    event_time_ms = _milliseconds(fields, "event_time_ms")
    for field, time_ms in (("event_time_ms", event_time_ms), ("received_time_ms", received_time_ms)):
        _check_not_ahead(time_ms, now_ms=arrived_ms, field=field, shown=time_ms, clock="the record arrived at")
    return Interaction(
        event_id=wire.required_string(fields, "event_id", maximum=MAX_ID_CHARACTERS),
        user_id=user_id,
        session_id=session_id,
        item_id=wire.required_string(fields, "item_id", maximum=MAX_ID_CHARACTERS),
        event_type=canonical_event_type(
            wire.required_string(fields, "event_type", maximum=MAX_ID_CHARACTERS), field="event_type"
        ),
        event_value=wire.optional_number(fields, "event_value"),
        event_time_ms=event_time_ms,
        recommendation_id=wire.optional_string(fields, "recommendation_id", maximum=MAX_RECOMMENDATION_ID_CHARACTERS),
        impression=_item_ids(fields, "impression", minimum=0),
        properties=_properties(fields),
        received_time_ms=received_time_ms,
    )


def parse_put_events(body: bytes, *, now_ms: int) -> list[Interaction]:
    """Read the body of `POST /events` (Personalize's PutEvents), whole or not at all.

    An event without `eventId` gets one made of its content and place, so that a repeated call changes nothing.

    Raises
    ------
    InvalidInput
        At the first field that breaks the contract.
    """
    call = wire.parse_object(body)
    wire.only_known(call, _CALL_FIELDS)
    wire.required_string(call, "trackingId", maximum=MAX_ID_CHARACTERS)
    session_id = wire.required_string(call, "sessionId", maximum=MAX_ID_CHARACTERS)
    user_id = wire.optional_string(call, "userId", maximum=MAX_ID_CHARACTERS)
    events = wire.required_list(call, "eventList", minimum=1, maximum=MAX_EVENTS_PER_CALL)
    interactions = []
    for index, element in enumerate(events):
        where = f"eventList[{index}]"
        event = wire.as_object(element, where=where)
        interactions.append(
            _parse_event(event, index=index, where=f"{where}.", user_id=user_id, session_id=session_id, now_ms=now_ms)
        )
    return interactions


def _parse_event(
    event: Mapping[str, Any], *, index: int, where: str, user_id: str | None, session_id: str, now_ms: int
) -> Interaction:
    wire.only_known(event, _EVENT_FIELDS, where=where)
    name = wire.required_string(event, "eventType", maximum=MAX_ID_CHARACTERS, where=where)
    try:
        event_type = canonical_event_type(name)
    except InvalidInput as error:
        raise InvalidInput(f"{where}{error}") from error
    sent_at = wire.optional_number(event, "sentAt", where=where)
    if sent_at is None:
        raise InvalidInput(f"{where}sentAt is missing, expected seconds since 1970")
    event_time_ms = round(sent_at * 1000) if abs(sent_at) < 1e12 else int(sent_at)
    if event_time_ms <= 0:
        raise InvalidInput(f"{where}sentAt is {sent_at:.15g}, expected a time after 1970")
    shown = f"{sent_at:.15g}"
    _check_not_ahead(event_time_ms, now_ms=now_ms, field=f"{where}sentAt", shown=shown, clock="the time here is")
    properties = wire.json_string(event, "properties", maximum=MAX_PROPERTIES_CHARACTERS, where=where)
    attribution = event.get("metricAttribution")
    if attribution is not None:
        source = wire.as_object(attribution, where=f"{where}metricAttribution")
        wire.only_known(source, ("eventAttributionSource",), where=f"{where}metricAttribution.")
        wire.required_string(source, "eventAttributionSource", maximum=1024, where=f"{where}metricAttribution.")
        properties = {**properties, "eventAttributionSource": source["eventAttributionSource"]}
    event_id = wire.optional_string(event, "eventId", maximum=MAX_ID_CHARACTERS, where=where)
    if event_id is None:
        event_id = content_event_id(user_id, session_id, index, event)
    return Interaction(
        event_id=event_id,
        user_id=user_id,
        session_id=session_id,
        item_id=wire.required_string(event, "itemId", maximum=MAX_ID_CHARACTERS, where=where),
        event_type=event_type,
        event_value=wire.optional_number(event, "eventValue", where=where),
        event_time_ms=event_time_ms,
        recommendation_id=wire.optional_string(
            event, "recommendationId", maximum=MAX_RECOMMENDATION_ID_CHARACTERS, where=where
        ),
        impression=_item_ids(event, "impression", minimum=1, where=where),
        properties=orjson.dumps(properties).decode(),
        received_time_ms=now_ms,
    )


def content_event_id(*content: Any) -> str:
    """Return an event id made of what the event says: 32 hexadecimal digits, the same for the same content."""
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _check_not_ahead(time_ms: int, *, now_ms: int, field: str, shown: object, clock: str) -> None:
    if time_ms > now_ms + MAX_CLOCK_SKEW_MS:
        raise InvalidInput(
            f"{field} is {shown}, more than {MAX_CLOCK_SKEW_MS // 60_000} minutes in the future ({clock} {now_ms} ms)"
        )


def _milliseconds(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 0 < value <= MAX_TIME_MS:  # a boolean is an int too
        raise InvalidInput(f"{name} is {wire.describe(value)}, expected milliseconds since 1970, at most {MAX_TIME_MS}")
    return value


def _properties(fields: Mapping[str, Any]) -> str:
    text = wire.json_text(fields, "properties")
    if len(text) > MAX_RECORD_PROPERTIES_CHARACTERS:
        raise InvalidInput(
            f"properties has {len(text)} characters, expected at most {MAX_RECORD_PROPERTIES_CHARACTERS}"
        )
    if text != "{}":
        wire.parse_object(text.encode(), what="properties")
    return text


def _item_ids(fields: Mapping[str, Any], name: str, *, minimum: int, where: str = "") -> tuple[str, ...]:
    values = fields.get(name)
    if values is None or (values == [] and not minimum):
        return ()
    wire.required_list(fields, name, minimum=minimum, maximum=MAX_IMPRESSION_ITEMS, where=where)
    for index, value in enumerate(values):
        plain = isinstance(value, str) and value.isprintable() and not value.isspace()
        if not plain or not 0 < len(value) <= MAX_ID_CHARACTERS:
            wire.required_string({f"[{index}]": value}, f"[{index}]", maximum=MAX_ID_CHARACTERS, where=where + name)
    return tuple(values)
