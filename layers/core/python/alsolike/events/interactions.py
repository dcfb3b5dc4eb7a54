"""The interaction: one user, one item, query or action, one moment; and its form on the stream.

The stream record is JSON with the dataclass's field names. Its partition key is the user or session, so that one
user's interactions stay in order. Consumers see a record at least once; `event_id` lets them count it once. Records of
older versions stay readable, because a new version only adds fields. An interaction with an action has neither item nor
query: its properties name the action, so that models of items do not learn from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.contract import validation
from alsolike.contract.fields import Fields, JsonObject, ListOf, Text
from alsolike.domain.configuration import DEFAULT, Configuration
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct

SCHEMA_VERSION = 3
READABLE_VERSIONS = (1, 2, 3)
MAX_ID_CHARACTERS = 256
MAX_QUERY_CHARACTERS = 1000
MAX_PROPERTIES_CHARACTERS = 1024
MAX_RECOMMENDATION_ID_CHARACTERS = 40
MAX_CORRELATION_ID_CHARACTERS = 64
MAX_IMPRESSION_ITEMS = 25
MAX_EVENT_VALUE = 1e9
"""Maximum absolute value of an event. Sums of billions of such values are still exact to the cent."""
_MS_PER_DAY = 86_400_000
MAX_CLOCK_SKEW_MS = DEFAULT.limits.clock_skew_s * 1000
"""Maximum lead of a time over the clock that checks it, before a configuration is applied."""

MAX_RECORD_PROPERTIES_CHARACTERS = 16_384
"""More than the limit of a call, because JSON grows when written again (1e15 to 16 digits) and attribution is added."""

ACTION_TAKEN, ACTION_NOT_TAKEN, ACTION_VIEWED = "action:taken", "action:not-taken", "action:viewed"
ACTION_TYPES = (ACTION_TAKEN, ACTION_NOT_TAKEN, ACTION_VIEWED)
"""Event types of interactions with actions. Names in the configuration have no colon."""

ACTION_PROPERTIES = Fields(
    {
        "actionId": Text(MAX_ID_CHARACTERS),
        "impression": ListOf(Text(MAX_ID_CHARACTERS), 1, MAX_IMPRESSION_ITEMS),
        "properties": JsonObject(MAX_RECORD_PROPERTIES_CHARACTERS),
    },
    required=("actionId",),
)
"""Properties of these records: the action, the actions that were shown, and the shop's own properties."""

MAX_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999; later ones have no date."""


@struct
class Interaction:
    """An interaction, on the stream and in the lake.

    Attributes
    ----------
    user_id, session_id
        At least one of them.
    item_id, query
        Its subject: an item, a search query, or both; neither for an interaction with an action.
    event_value
        The shop's value of the event, in its own unit.
    event_time_ms, received_time_ms
        Time of the event, and time of its arrival, epoch milliseconds UTC.
    impression
        Items that were shown at the time.
    properties
        A JSON object in a string.
    schema_version
        Of its stream record.
    correlation_id
        Of its request (`alsolike.runtime.observability`).
    """

    event_id: str
    user_id: str | None
    session_id: str | None
    item_id: str | None
    event_type: str
    event_value: float | None
    event_time_ms: int
    recommendation_id: str | None
    impression: tuple[str, ...]
    properties: str
    received_time_ms: int
    schema_version: int = SCHEMA_VERSION
    query: str | None = None
    correlation_id: str | None = None

    @property
    def profile_id(self) -> str:
        """The profile that it belongs to: the user's if known, else the session's."""
        return profile_id(user_id=self.user_id, session_id=self.session_id)

    def to_record(self) -> bytes:
        """Return the stream record, in the interaction's own version."""
        if self.schema_version == SCHEMA_VERSION:
            return orjson.dumps(self)
        return orjson.dumps({name: getattr(self, name) for name in _RECORD_FIELDS[self.schema_version]})


_FIELDS = tuple(field.name for field in dataclasses.fields(Interaction))
LATER_FIELDS = {"query": 2, "correlation_id": 3}
"""Fields that records have from a version on."""
_RECORD_FIELDS = {
    version: dict.fromkeys(name for name in _FIELDS if LATER_FIELDS.get(name, 1) <= version)
    for version in READABLE_VERSIONS
}


USER_PREFIX, SESSION_PREFIX = "u#", "s#"
"""Beginnings of the keys of live profiles."""


def profile_id(*, user_id: str | None, session_id: str | None) -> str:
    """Return the key of a live profile; users and sessions never share one.

    Examples
    --------
    >>> profile_id(user_id="7", session_id="abc")
    'u#7'
    """
    return f"{USER_PREFIX}{user_id}" if user_id is not None else f"{SESSION_PREFIX}{session_id}"


def parse_record(data: bytes, *, arrived_ms: int, configuration: Configuration = DEFAULT) -> Interaction:
    """Parse a stream record of any readable version, from any producer.

    Parameters
    ----------
    arrived_ms
        Time of the record's arrival on the stream: the only clock that is not the producer's, constant over deliveries.
    configuration
        Provides the event types and the tolerated clock skew.

    Raises
    ------
    UnknownEventType
        If only the event type is wrong: a newer configuration may declare it.
    InvalidInput
        With the field, its value and the expectation.
    """
    fields = validation.parse_object(data, what="record")
    version = fields.get("schema_version")
    if version not in READABLE_VERSIONS or type(version) is not int:  # True equals 1
        raise InvalidInput(f"schema_version is {validation.describe(version)}, expected {SCHEMA_VERSION} or older")
    validation.only_known(fields, _RECORD_FIELDS[version])
    user_id = validation.optional_string(fields, "user_id", maximum=MAX_ID_CHARACTERS)
    session_id = validation.optional_string(fields, "session_id", maximum=MAX_ID_CHARACTERS)
    if user_id is None and session_id is None:
        raise InvalidInput("user_id and session_id are missing, expected at least one")
    received_time_ms = _milliseconds(fields, "received_time_ms")
    event_time_ms = _milliseconds(fields, "event_time_ms")
    skew_s = configuration.limits.clock_skew_s
    for field, time_ms in (("event_time_ms", event_time_ms), ("received_time_ms", received_time_ms)):
        if time_ms > arrived_ms + skew_s * 1000:
            raise InvalidInput(
                f"{field} is {time_ms}, more than {skew_s} s in the future (the record arrived at {arrived_ms} ms)"
            )
    age_days = configuration.limits.max_event_age_days
    if event_time_ms < arrived_ms - age_days * _MS_PER_DAY:
        raise InvalidInput(
            f"event_time_ms is {event_time_ms}, more than {age_days} days (limits.max_event_age_days) before the "
            f"record arrived at {arrived_ms} ms"
        )
    query = validation.optional_string(fields, "query", maximum=MAX_QUERY_CHARACTERS)
    item_id = validation.optional_string(fields, "item_id", maximum=MAX_ID_CHARACTERS)
    is_action = fields.get("event_type") in ACTION_TYPES
    if item_id is None and query is None and not is_action:
        raise InvalidInput(
            "item_id is missing, expected a non-empty string"
            if version == 1
            else "item_id and query are missing, expected at least one"
        )
    event_type = validation.required_string(fields, "event_type", maximum=MAX_ID_CHARACTERS)
    interaction = Interaction(
        event_id=validation.required_string(fields, "event_id", maximum=MAX_ID_CHARACTERS),
        user_id=user_id,
        session_id=session_id,
        item_id=item_id,
        event_type=event_type,
        event_value=validation.optional_number(fields, "event_value"),
        event_time_ms=event_time_ms,
        recommendation_id=validation.optional_string(
            fields, "recommendation_id", maximum=MAX_RECOMMENDATION_ID_CHARACTERS
        ),
        impression=item_ids(fields, "impression", minimum=0),
        properties=_properties(fields),
        received_time_ms=received_time_ms,
        schema_version=version,
        query=query,
        correlation_id=validation.optional_string(fields, "correlation_id", maximum=MAX_CORRELATION_ID_CHARACTERS),
    )
    if is_action:
        if item_id is not None or query is not None:
            raise InvalidInput(f"item_id or query is given, expected none for event_type {event_type!r}")
        ACTION_PROPERTIES.read(orjson.loads(interaction.properties), "properties")
        return interaction
    canonical = configuration.canonical_event_type(event_type, field="event_type")
    if item_id is None and configuration.events[canonical].item_required:
        raise InvalidInput(f"item_id is missing, expected a non-empty string for event_type {canonical!r}")
    return interaction if canonical == event_type else dataclasses.replace(interaction, event_type=canonical)


def content_event_id(*content: Any) -> str:
    """Return an event id derived from the content: 32 hexadecimal digits, the same for the same content."""
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def item_ids(fields: Mapping[str, Any], name: str, *, minimum: int, where: str = "") -> tuple[str, ...]:
    """Return the field's list of item ids; an absent one is empty.

    Raises
    ------
    InvalidInput
        Naming the element that is no id, or the number of elements.
    """
    values = fields.get(name)
    if values is None or (values == [] and not minimum):
        return ()
    validation.required_list(fields, name, minimum=minimum, maximum=MAX_IMPRESSION_ITEMS, where=where)
    for index, value in enumerate(values):
        plain = isinstance(value, str) and value.isprintable() and not value.isspace()
        if not plain or not 0 < len(value) <= MAX_ID_CHARACTERS:
            validation.required_string(
                {f"[{index}]": value}, f"[{index}]", maximum=MAX_ID_CHARACTERS, where=where + name
            )
    return tuple(values)


def _milliseconds(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 0 < value <= MAX_TIME_MS:  # a boolean is an int too
        raise InvalidInput(
            f"{name} is {validation.describe(value)}, expected milliseconds since 1970, at most {MAX_TIME_MS}"
        )
    return value


def _properties(fields: Mapping[str, Any]) -> str:
    text = validation.json_text(fields, "properties")
    if len(text) > MAX_RECORD_PROPERTIES_CHARACTERS:
        raise InvalidInput(
            f"properties has {len(text)} characters, expected at most {MAX_RECORD_PROPERTIES_CHARACTERS}"
        )
    if text != "{}":
        validation.parse_object(text.encode(), what="properties")
    return text
