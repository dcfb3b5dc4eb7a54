"""Routes POST /actions and POST /action-interactions for next best action, called by clients of Amazon Personalize."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.catalogue.actions import ACTIONS, ActionStore
from alsolike.catalogue.rows import parse_put
from alsolike.declarations.limits import MAX_ROWS_BODY_BYTES
from alsolike.declarations.metrics import Metric
from alsolike.events.action_events import ACTION_INTERACTION, PUT_ACTION_INTERACTIONS, action_properties, action_type
from alsolike.events.interactions import Interaction, content_event_id
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy
from alsolike.privacy.tombstones import UserIds
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.observability import count
from alsolike.schema import validation
from functions.collect.request import CollectRequest, counting_rejected_calls, refuse


class ActionRoutes:
    def __init__(self, store: ActionStore, stream: EventStream, *, tracking_id: str, user_ids: UserIds) -> None:
        self._store, self._stream, self._tracking_id, self._user_ids = store, stream, tracking_id, user_ids

    def put(self, request: CollectRequest) -> dict[str, Any]:
        call = parse_put(request.body(maximum=MAX_ROWS_BODY_BYTES), ACTIONS, dataset="ACTIONS")
        if call.rows:
            self._store.put(call.rows, now_ms=request.now_ms)
            count(Metric.ACTIONS_ACCEPTED, len(call.rows))
        refuse(call.refused, stored=len(call.rows), noun="actions")
        return {}

    def put_interactions(self, request: CollectRequest) -> dict[str, Any]:
        """Send the valid interactions to the stream. Interactions of erased users are accepted and dropped."""
        with counting_rejected_calls():
            interactions, refused = parse_put_action_interactions(
                request.body(maximum=MAX_ROWS_BODY_BYTES),
                now_ms=request.now_ms,
                tracking_id=self._tracking_id,
                ids=self._user_ids.ids,
                correlation_id=request.correlation_id,
                agent=request.agent,
            )
        kept = [
            interaction
            for interaction in interactions
            if not self._user_ids.erased(interaction.user_id, interaction.session_id, now_ms=request.now_ms)
        ]
        if kept:
            self._stream.put(kept, remaining_ms=request.remaining_ms)
            count(Metric.EVENTS_ACCEPTED, len(kept))
        if len(kept) < len(interactions):
            count(Metric.EVENTS_OF_ERASED_USERS, len(interactions) - len(kept))
        count(Metric.EVENTS_REJECTED, len(refused))
        refuse(refused, stored=len(interactions), noun="action interactions")
        return {}


def parse_put_action_interactions(
    body: bytes,
    *,
    now_ms: int,
    tracking_id: str,
    ids: IdPolicy = PLAIN_IDS,
    correlation_id: str | None = None,
    agent: str | None = None,
) -> tuple[list[Interaction], list[InvalidInput]]:
    """Return the valid interactions of a request, and the errors of the invalid ones.

    The ID of an interaction without `eventId` is derived from its content, so that a repeated request sends equal IDs.
    """
    call = PUT_ACTION_INTERACTIONS.read(validation.parse_sent_object(body))
    if call["trackingId"] != tracking_id:
        raise NotFound(f"trackingId is {validation.describe(call['trackingId'])}, expected {tracking_id}")
    interactions: list[Interaction] = []
    refused: list[InvalidInput] = []
    for index, element in enumerate(call["actionInteractions"]):
        where = f"actionInteractions[{index}]"
        try:
            interaction = _interaction(element, where, ids=ids, now_ms=now_ms)
            interactions.append(dataclasses.replace(interaction, correlation_id=correlation_id, agent=agent))
        except InvalidInput as error:
            refused.append(error)
    return interactions, refused


def _interaction(element: Any, where: str, *, ids: IdPolicy, now_ms: int) -> Interaction:
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
    )
