"""Interactions with actions, in the body of Personalize's PutActionInteractions and on the stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from alsolike.declarations.limits import MAX_ACTION_INTERACTIONS_PER_CALL
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED
from alsolike.records.action_interaction import CALL_FIELDS, CALL_REQUIRED, OUTCOME
from alsolike.records.interaction import ID
from alsolike.schema.fields import Fields, LenientList

_TYPES: Mapping[str, str] = MappingProxyType(
    {"taken": ACTION_TAKEN, "nottaken": ACTION_NOT_TAKEN, "viewed": ACTION_VIEWED}
)
_SEPARATORS = re.compile(r"[ _-]+")
ACTION_INTERACTION = Fields(CALL_FIELDS, required=CALL_REQUIRED)
PUT_ACTION_INTERACTIONS = Fields(
    {
        "trackingId": ID,
        "actionInteractions": LenientList(ACTION_INTERACTION, 1, MAX_ACTION_INTERACTIONS_PER_CALL),
    },
    required=("trackingId", "actionInteractions"),
)


class ActionEvent(NamedTuple):
    """Interaction of a user with an action. Tuples sort by time."""

    event_time_ms: int
    action_id: str
    event_type: str


def action_type(text: str, where: str = "eventType") -> str:
    """Return the event type for an action event type of Personalize, ignoring case, spaces, `_` and `-`.

    Examples
    --------
    >>> action_type("Not Taken")
    'action:not-taken'
    """
    return _TYPES[_SEPARATORS.sub("", OUTCOME.read(text, where)).lower()]


def action_properties(
    action_id: str, impression: list[str] | None = None, properties: Mapping[str, Any] | None = None
) -> str:
    more = {"impression": impression, "properties": properties}
    return orjson.dumps({"actionId": action_id, **{name: value for name, value in more.items() if value}}).decode()


def action_events(event_time_ms: int, event_type: str, properties: str) -> list[ActionEvent]:
    """Return the event of a record, and a view event for each other action in its impression."""
    fields = orjson.loads(properties)
    own = fields["actionId"]
    shown = dict.fromkeys(fields.get("impression", ()))
    shown.pop(own, None)
    views = (ActionEvent(event_time_ms, action_id, ACTION_VIEWED) for action_id in shown)
    return [ActionEvent(event_time_ms, own, event_type), *views]
