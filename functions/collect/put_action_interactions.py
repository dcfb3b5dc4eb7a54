"""Personalize's PutActionInteractions: the parser of `POST /action-interactions`, interaction by interaction."""

from __future__ import annotations

from typing import Any

from alsolike.contract import validation
from alsolike.events.action_events import (
    ACTION_INTERACTION,
    PUT_ACTION_INTERACTIONS,
    action_properties,
    action_type,
)
from alsolike.events.interactions import Interaction, content_event_id
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy
from alsolike.runtime.errors import InvalidInput, NotFound


def parse_put_action_interactions(
    body: bytes, *, now_ms: int, tracking_id: str, ids: IdPolicy = PLAIN_IDS, correlation_id: str | None = None
) -> tuple[list[Interaction], list[InvalidInput]]:
    """Return the valid interactions of a call, and the reasons why the others are invalid.

    Without `eventId`, the ID derives from the content, so that a repeated call changes nothing.

    Raises
    ------
    NotFound
        If the call is for another tracking ID.
    """
    call = PUT_ACTION_INTERACTIONS.read(validation.parse_sent_object(body))
    if call["trackingId"] != tracking_id:
        raise NotFound(f"trackingId is {validation.describe(call['trackingId'])}, expected {tracking_id}")
    interactions: list[Interaction] = []
    refused: list[InvalidInput] = []
    for index, element in enumerate(call["actionInteractions"]):
        where = f"actionInteractions[{index}]"
        try:
            interactions.append(_interaction(element, where, ids=ids, now_ms=now_ms, correlation_id=correlation_id))
        except InvalidInput as error:
            refused.append(error)
    return interactions, refused


def _interaction(element: Any, where: str, *, ids: IdPolicy, now_ms: int, correlation_id: str | None) -> Interaction:
    event = ACTION_INTERACTION.read(element, where)
    user_id = ids.user(event["userId"]) if "userId" in event else None
    session_id = ids.session(event["sessionId"])
    own = {name: value for name, value in event.items() if name not in ("userId", "sessionId")}
    return Interaction(
        event_id=event.get("eventId") or content_event_id(user_id, session_id, own),
        user_id=user_id,
        session_id=session_id,
        item_id=None,
        event_type=action_type(event["eventType"]),
        event_value=None,
        event_time_ms=event["timestamp"],
        recommendation_id=event.get("recommendationId"),
        impression=(),
        properties=action_properties(event["actionId"], event.get("impression"), event.get("properties")),
        received_time_ms=now_ms,
        correlation_id=correlation_id,
    )
