"""Interaction of a user or session with an item, a query or an action.

To add a field, add a `column` at the end of `Interaction`, with the next version as `since`, and raise `SCHEMA_VERSION`
to this version. Versions only add fields, so records of older versions remain readable. The partition key on the stream
is the user or session, which keeps a user's interactions in order. Delivery is at least once, and consumers deduplicate
by owner (the user, else the session) and `event_id`. An interaction with an action has no item and no query, so models
of items ignore it. Its properties contain the action's ID.
"""

from __future__ import annotations

from typing import Any

import orjson

from alsolike.declarations.limits import (
    MAX_EVENT_PROPERTIES_CHARACTERS,
    MAX_EVENT_VALUE,
    MAX_ID_CHARACTERS,
    MAX_IMPRESSION_ITEMS,
    MAX_QUERY_CHARACTERS,
    MAX_RECOMMENDATION_ID_CHARACTERS,
    MAX_RECORD_PROPERTIES_CHARACTERS,
)
from alsolike.declarations.tables import INTERACTIONS_PARTITION, INTERACTIONS_TABLE, once_sql
from alsolike.records import columns
from alsolike.records.columns import (
    AnyNumber,
    Call,
    JsonText,
    Milliseconds,
    Text,
    Texts,
    Timestamp,
    Version,
    column,
    record,
)
from alsolike.schema.fields import NOT_BLANK, SPACE, JsonObject, Number
from alsolike.schema.json_schemas import Schema

SCHEMA_VERSION = 4
"""Version of the stream records that producers write, which is the latest `since`."""

ID, QUERY = Text(MAX_ID_CHARACTERS), Text(MAX_QUERY_CHARACTERS, about="Search text.")
_QUERY_OR_BLANK = {
    "type": ["string", "null"], "maxLength": MAX_QUERY_CHARACTERS, "pattern": rf"^[{SPACE}]*$|{NOT_BLANK}",
}  # fmt: skip
_SENT_PROPERTIES = JsonObject(
    MAX_EVENT_PROPERTIES_CHARACTERS,
    rules={"properties": {"query": _QUERY_OR_BLANK}},
    about="Other properties as JSON. `query` is the search text.",
)


@record
class Interaction:
    event_id: str = column(
        ID,
        "ID of the event. Events of one user with the same ID count once.",
        required=True,
        call=Call("eventId"),
        file="EVENT_ID",
    )
    user_id: str | None = column(
        ID,
        "ID of the user. A record has a user_id, a session_id or both; with both, the history is the user's.",
        file="USER_ID",
    )
    session_id: str | None = column(ID, "ID of the session.", file="SESSION_ID")
    item_id: str | None = column(
        ID,
        "ID of the item. A record has an item_id, a query or both, unless the interaction is with an action; most "
        "event types, such as purchases, need the item.",
        call=Call("itemId", about="Optional only for event types that the configuration declares so."),
        file="ITEM_ID",
    )
    event_type: str = column(
        ID,
        "Event type that the configuration declares, in any case.",
        required=True,
        call=Call("eventType", required=True),
        file="EVENT_TYPE",
    )
    event_value: float | None = column(
        AnyNumber(),
        "Value of the event in the shop's own unit, such as a price.",
        call=Call("eventValue", Number(MAX_EVENT_VALUE, about="Value of the event, such as a price.")),
        file="EVENT_VALUE",
    )
    event_time_ms: int = column(
        Milliseconds(),
        "Time of the event in milliseconds since 1970 UTC, up to the year 9999.",
        required=True,
        call=Call(
            "sentAt",
            Timestamp(about="Time of the event in seconds since 1970. Milliseconds are recognised."),
            required=True,
        ),
        file="TIMESTAMP",
    )
    recommendation_id: str | None = column(
        Text(MAX_RECOMMENDATION_ID_CHARACTERS),
        "ID of the response that led to the event.",
        call=Call("recommendationId"),
        file="RECOMMENDATION_ID",
    )
    impression: tuple[str, ...] = column(
        Texts(ID, 0, MAX_IMPRESSION_ITEMS),
        "IDs of the items that were shown at the time of the event.",
        call=Call("impression", Texts(ID, 1, MAX_IMPRESSION_ITEMS, about="Items that the page showed.")),
        file="IMPRESSION",
    )
    properties: str = column(
        JsonText(MAX_RECORD_PROPERTIES_CHARACTERS),
        "A JSON object in a string, nested up to 32 levels.",
        call=Call("properties", _SENT_PROPERTIES),
    )
    received_time_ms: int = column(
        Milliseconds(), "Time of ingestion in milliseconds since 1970 UTC, up to the year 9999.", required=True
    )
    schema_version: int = column(Version(), "Version of the stream record.", required=True, default=SCHEMA_VERSION)
    query: str | None = column(QUERY, "Search text.", since=2, file="QUERY", default=None)
    correlation_id: str | None = column(
        Text(64),
        "Correlation ID of the request: the caller's x-correlation-id, else the API's request ID. Null in imports.",
        since=3,
        default=None,
    )
    agent: str | None = column(
        Text(64),
        "Program that sent the event, from the header [x-alsolike-agent](agents.md#declare-agents); null for people. "
        "Trends and training skip such events.",
        since=4,
        default=None,
    )

    @property
    def profile_id(self) -> str:
        return profile_id(user_id=self.user_id, session_id=self.session_id)

    def to_record(self) -> bytes:
        if self.schema_version == SCHEMA_VERSION:
            return orjson.dumps(self)
        return orjson.dumps({name: getattr(self, name) for name in RECORDS[self.schema_version].fields})


COLUMNS = columns.columns_of(Interaction)
ABSENT = {name: column.type.absent for name, column in COLUMNS.items()}

FILE_REQUIRED = ("USER_ID", "ITEM_ID", "TIMESTAMP")
"""Required columns of an imported file. Searches need no ITEM_ID."""
FILE_OPTIONAL = tuple(column.file for column in COLUMNS.values() if column.file and column.file not in FILE_REQUIRED)
"""Optional columns of an imported file. All other columns become properties of the event."""

READABLE_VERSIONS = range(1, columns.newest_version(Interaction) + 1)

_ABOUT = (
    "One interaction of one user or session with an item, a search or both, as UTF-8 JSON in one Kinesis record of at "
    "most 1 MB. The partition key is `u#` and the user_id where known, else `s#` and the session_id, so that one "
    "user's interactions stay in order; a key of more than 256 characters is replaced by its BLAKE2b-256 hash in "
    "hexadecimal. A record may come more than once: readers count each event_id of a user, or of a session without a "
    "user, once. Numbers of type integer are written without a fraction. Readers also refuse a record whose "
    "event_time_ms or received_time_ms is later than its arrival on the stream, as Kinesis states it "
    "(approximateArrivalTimestamp), by more than the configured limit "
    "(five minutes by default); one whose event_type the configuration does not declare; and one without item_id whose "
    "event_type needs an item (all built-in ones but search). An interaction with an action has the event_type "
    "action:taken, action:not-taken or action:viewed, no item_id and no query, and the properties actionId, impression "
    "(the actions that were shown) and properties (the shop's own). Records of earlier versions stay readable; they "
    "lack the fields of later ones."
)


def _given(name: str, kind: str) -> Schema:
    return {"required": [name], "properties": {name: {"type": kind}}}


_SUBJECT = {"anyOf": [_given("item_id", "string"), _given("query", "string")]}
_ACTION = {"required": ["event_type"], "properties": {"event_type": {"pattern": "^action:(taken|not-taken|viewed)$"}}}
_OF_ACTION = {
    "required": ["properties"],
    "properties": {
        "item_id": {"type": "null"},
        "query": {"type": "null"},
        "properties": {"type": "string", "contentSchema": {"required": ["actionId"]}},
    },
}
_RULES = {
    "allOf": [
        {"anyOf": [_given("user_id", "string"), _given("session_id", "string")]},
        {"if": _ACTION, "then": _OF_ACTION, "else": _SUBJECT},
    ]
}
RECORDS = {version: columns.record_fields(Interaction, version) for version in READABLE_VERSIONS}


def record_schema() -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:alsolike:stream-record:v{SCHEMA_VERSION}",
        "title": f"Alsolike stream record, version {SCHEMA_VERSION}",
        "description": _ABOUT,
        **columns.record_schema(Interaction, SCHEMA_VERSION, rules=_RULES),
    }


USER_PREFIX, SESSION_PREFIX = "u#", "s#"


def profile_id(*, user_id: str | None, session_id: str | None) -> str:
    """Return the ID of a live profile. IDs of users and sessions have different prefixes.

    Examples
    --------
    >>> profile_id(user_id="7", session_id="abc")
    'u#7'
    """
    return f"{USER_PREFIX}{user_id}" if user_id is not None else f"{SESSION_PREFIX}{session_id}"


INTERACTIONS_COLUMNS = columns.glue_columns(Interaction)

COPY_KEY = ("event_id", "coalesce(user_id, session_id)")
"""SQL expressions that identify an event by its ID and its owner.

The owner is included so that a reused event ID does not hide another owner's event.
"""

_TIMES = ("received_time_ms", "event_time_ms")
COPY_ORDER = (*_TIMES, *(name for name in COLUMNS if name not in ("event_id", *_TIMES)))
"""Sort order of an event's duplicates, ascending, nulls last. The first duplicate is kept.

Columns that datasets use come first. A reader of a column must also read all columns before it, so that all readers
select the same duplicate, before and after a compaction.
"""
INTERACTIONS_ONCE_SQL = once_sql(
    INTERACTIONS_TABLE, (*INTERACTIONS_COLUMNS, INTERACTIONS_PARTITION), key=COPY_KEY, order=COPY_ORDER
)
"""SQL query that returns the table without duplicates, like `alsolike.lake.duplicates.deduplicate`."""


def values_of_call(event: dict[str, Any]) -> dict[str, Any]:
    """Return the values by column from an event that was parsed with the fields of `call_fields`."""
    values = ABSENT.copy()
    for name, value in event.items():
        if name in _FROM_CALL:
            values[_FROM_CALL[name]] = value
    return values


EVENT_FIELDS, EVENT_REQUIRED = columns.call_fields(Interaction)
_FROM_CALL = dict(columns.from_call(Interaction))
