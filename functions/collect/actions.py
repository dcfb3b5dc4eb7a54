"""POST /actions and POST /action-interactions: the data of next best action, from clients of Amazon Personalize."""

from __future__ import annotations

from typing import Any

from alsolike.catalogue.actions import ACTIONS, ActionStore
from alsolike.catalogue.rows import parse_put
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.user_ids import UserIds
from alsolike.runtime.observability import Metric, count
from functions.collect.partial_failure import refuse
from functions.collect.put_action_interactions import parse_put_action_interactions
from functions.collect.request import CollectRequest

MAX_BYTES = 4_000_000


class ActionRoutes:
    """Actions into their object, and interactions with actions onto the stream.

    Parameters
    ----------
    tracking_id
        The tracking ID that calls must name.
    """

    def __init__(self, store: ActionStore, stream: EventStream, *, tracking_id: str, people: UserIds) -> None:
        self._store, self._stream, self._tracking_id, self._people = store, stream, tracking_id, people

    def put(self, request: CollectRequest) -> dict[str, Any]:
        """Store the call's valid actions; see `functions.collect.rows.RowRoutes.put`."""
        call = parse_put(request.body(maximum=MAX_BYTES), ACTIONS, dataset="ACTIONS")
        if call.rows:
            self._store.put(call.rows, now_ms=request.now_ms)
            count(Metric.ACTIONS_ACCEPTED, len(call.rows))
        refuse(call.refused, stored=len(call.rows), what="actions")
        return {}

    def put_interactions(self, request: CollectRequest) -> dict[str, Any]:
        """Put the call's valid interactions on the stream; accept and drop those of erased users.

        Raises
        ------
        InvalidInput, NotFound, Unavailable
            As `functions.collect.events.Events.put` does.
        """
        interactions, refused = parse_put_action_interactions(
            request.body(maximum=MAX_BYTES),
            now_ms=request.now_ms,
            tracking_id=self._tracking_id,
            ids=self._people.ids,
            correlation_id=request.correlation_id,
        )
        kept = [
            interaction
            for interaction in interactions
            if not self._people.erased(interaction.user_id, interaction.session_id, now_ms=request.now_ms)
        ]
        if kept:
            self._stream.put(kept, remaining_ms=request.remaining_ms)
            count(Metric.EVENTS_ACCEPTED, len(kept))
        if len(kept) < len(interactions):
            count(Metric.EVENTS_OF_ERASED_USERS, len(interactions) - len(kept))
        refuse(refused, stored=len(interactions), what="action interactions")
        return {}
