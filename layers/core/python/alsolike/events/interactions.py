"""Parser of interactions from the stream. `alsolike.records.interaction` declares the record."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import orjson

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.declarations.limits import MAX_IMPRESSION_ITEMS, MAX_RECORD_PROPERTIES_CHARACTERS
from alsolike.declarations.times import DAY_MS
from alsolike.declarations.times import MAX_TIME_MS as MAX_TIME_MS
from alsolike.records.interaction import ABSENT, ID, READABLE_VERSIONS, RECORDS, SCHEMA_VERSION
from alsolike.records.interaction import SESSION_PREFIX as SESSION_PREFIX
from alsolike.records.interaction import USER_PREFIX as USER_PREFIX
from alsolike.records.interaction import Interaction as Interaction
from alsolike.records.interaction import profile_id as profile_id
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from alsolike.schema.fields import Fields, JsonObject, ListOf

MAX_CLOCK_SKEW_MS = DEFAULT.limits.clock_skew_s * 1000

ACTION_TAKEN, ACTION_NOT_TAKEN, ACTION_VIEWED = "action:taken", "action:not-taken", "action:viewed"
ACTION_TYPES = (ACTION_TAKEN, ACTION_NOT_TAKEN, ACTION_VIEWED)
"""Event types of interactions with actions. They contain a colon, so no configured event type has the same name."""

ACTION_PROPERTIES = Fields(
    {
        "actionId": ID,
        "impression": ListOf(ID, 1, MAX_IMPRESSION_ITEMS),
        "properties": JsonObject(MAX_RECORD_PROPERTIES_CHARACTERS),
    },
    required=("actionId",),
)


def parse_record(data: bytes, *, arrived_ms: int, configuration: Configuration = DEFAULT) -> Interaction:
    """Parse a stream record of any readable version.

    Parameters
    ----------
    arrived_ms
        Time of the record's arrival on the stream, in epoch milliseconds. Repeated deliveries have the same time.

    Raises
    ------
    InvalidInput
        If the record is invalid.
    UnknownEventType
        If the event type is unknown and no other fault was found. A newer configuration may declare the type.
    """
    fields = validation.parse_object(data, subject="record")
    version = fields.get("schema_version")
    if version not in READABLE_VERSIONS or type(version) is not int:  # True is not a version, but equals 1.
        raise InvalidInput(f"schema_version is {validation.describe(version)}, expected {SCHEMA_VERSION} or older")
    interaction = Interaction(**{**ABSENT, **RECORDS[version].read(fields)})
    if interaction.user_id is None and interaction.session_id is None:
        raise InvalidInput("user_id and session_id are missing, expected at least one")
    _check_times(interaction, arrived_ms, configuration)
    item_id, query, event_type = interaction.item_id, interaction.query, interaction.event_type
    if event_type in ACTION_TYPES:
        if item_id is not None or query is not None:
            raise InvalidInput(f"item_id or query is given, expected none for event_type {event_type!r}")
        ACTION_PROPERTIES.read(orjson.loads(interaction.properties), "properties")
        return interaction
    if item_id is None and query is None:
        raise InvalidInput(
            "item_id is missing, expected a non-empty string"
            if version == 1
            else "item_id and query are missing, expected at least one"
        )
    canonical = configuration.canonical_event_type(event_type, field="event_type")
    if item_id is None and configuration.events[canonical].item_required:
        raise InvalidInput(f"item_id is missing, expected a non-empty string for event_type {canonical!r}")
    return interaction if canonical == event_type else dataclasses.replace(interaction, event_type=canonical)


def _check_times(interaction: Interaction, arrived_ms: int, configuration: Configuration) -> None:
    skew_s = configuration.limits.clock_skew_s
    latest_ms = arrived_ms + skew_s * 1000
    for field in ("event_time_ms", "received_time_ms"):
        if (time_ms := getattr(interaction, field)) > latest_ms:
            raise InvalidInput(
                f"{field} is {time_ms}, more than {skew_s} s in the future (the record arrived at {arrived_ms} ms)"
            )
    age_days = configuration.limits.max_event_age_days
    if interaction.event_time_ms < arrived_ms - age_days * DAY_MS:
        raise InvalidInput(
            f"event_time_ms is {interaction.event_time_ms}, more than {age_days} days (limits.max_event_age_days) "
            f"before the record arrived at {arrived_ms} ms"
        )


def content_event_id(*content: Any) -> str:
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()
