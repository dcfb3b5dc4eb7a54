"""A user's interaction with an action, in calls and imported files.

On the stream and in the lake, an interaction with an action is an `Interaction` without an item. Its properties contain
the action's ID.
"""

from __future__ import annotations

from alsolike.declarations.limits import (
    MAX_EVENT_PROPERTIES_CHARACTERS,
    MAX_ID_CHARACTERS,
    MAX_IMPRESSION_ITEMS,
    MAX_RECOMMENDATION_ID_CHARACTERS,
)
from alsolike.records import columns
from alsolike.records.columns import Call, JsonText, Milliseconds, Texts, Timestamp, column, record
from alsolike.records.interaction import ID
from alsolike.schema.fields import JsonObject, Text

_PATTERN = "^([Tt][Aa][Kk][Ee][Nn]|[Nn][Oo][Tt][ _-]?[Tt][Aa][Kk][Ee][Nn]|[Vv][Ii][Ee][Ww][Ee][Dd])$"
OUTCOME = Text(
    MAX_ID_CHARACTERS, pattern=_PATTERN, expected="Taken, Not Taken or Viewed", about="Outcome, in any case."
)


@record
class ActionInteraction:
    user_id: str | None = column(
        ID, "ID of the user. Files must have it.", call=Call("userId", about="ID of the user."), file="USER_ID"
    )
    session_id: str | None = column(
        ID,
        "ID of the session. Calls must have it.",
        call=Call("sessionId", about="ID of the session.", required=True),
        file="SESSION_ID",
    )
    action_id: str = column(
        ID, "ID of the action.", required=True, call=Call("actionId", required=True), file="ACTION_ID"
    )
    event_type: str = column(
        ID,
        "Taken, Not Taken or Viewed, in any case.",
        required=True,
        call=Call("eventType", OUTCOME, required=True),
        file="EVENT_TYPE",
    )
    event_time_ms: int = column(
        Milliseconds(),
        "Time of the interaction.",
        required=True,
        call=Call(
            "timestamp", Timestamp(about="Time in seconds since 1970. Milliseconds are recognised."), required=True
        ),
        file="TIMESTAMP",
    )
    event_id: str | None = column(
        ID, "ID of the event. Events of one user with the same ID count once.", call=Call("eventId"), file="EVENT_ID"
    )
    recommendation_id: str | None = column(
        columns.Text(MAX_RECOMMENDATION_ID_CHARACTERS),
        "ID of the response that led to the event.",
        call=Call("recommendationId"),
        file="RECOMMENDATION_ID",
    )
    impression: tuple[str, ...] = column(
        Texts(ID, 0, MAX_IMPRESSION_ITEMS),
        "IDs of the actions that were shown at the time of the event.",
        call=Call("impression", Texts(ID, 1, MAX_IMPRESSION_ITEMS, about="Actions that the page showed.")),
        file="IMPRESSION",
    )
    properties: str = column(
        JsonText(MAX_EVENT_PROPERTIES_CHARACTERS),
        "Other properties as JSON.",
        call=Call("properties", JsonObject(MAX_EVENT_PROPERTIES_CHARACTERS, about="Other properties as JSON.")),
    )


COLUMNS = columns.columns_of(ActionInteraction)
CALL_FIELDS, CALL_REQUIRED = columns.call_fields(ActionInteraction)
FILE_REQUIRED = ("USER_ID", *(column.file for column in COLUMNS.values() if column.file and column.required))
