"""Replay of a request with its time and the history of that time.

The event is ``{"replay": {...}}``, see `REPLAY`; `alsolike explain` sends it. Model, configuration, catalogue and
trends are the current ones. The response contains the versions of model and configuration, so that the caller can
explain differences.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from alsolike.configuration.recommendation_id import RECOMMENDER_CODES
from alsolike.declarations.limits import MAX_EVENT_PROPERTIES_CHARACTERS, MAX_ID_CHARACTERS, MAX_RESULTS
from alsolike.events.interactions import MAX_TIME_MS
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.recommendations.request_fields import GET_RECOMMENDATIONS
from alsolike.runtime.struct import struct
from alsolike.schema.fields import Choice, Fields, Integer, ListOf, Text
from alsolike.trends.windows import WINDOWS
from functions.recommend.http.request import parse_replay
from functions.recommend.resolve import Replayed
from functions.recommend.service import Recommender

MAX_HISTORY = 10_000

_ID = Text(MAX_ID_CHARACTERS)
_TIME = Integer(0, MAX_TIME_MS)
_INTERACTION = Fields(
    {
        "timeMs": _TIME,
        "eventId": _ID,
        "itemId": _ID,
        "eventType": _ID,
        "context": Text(MAX_EVENT_PROPERTIES_CHARACTERS),
    },
    required=("timeMs", "eventId", "itemId", "eventType"),
)
REPLAY = Fields(
    {
        "nowMs": _TIME,
        "recommendationId": _ID,
        "recommender": Choice(tuple(RECOMMENDER_CODES)),
        "numResults": Integer(1, MAX_RESULTS),
        "userId": _ID,
        "itemId": _ID,
        "filter": _ID,
        "inputList": ListOf(_ID, 1, MAX_RESULTS),
        "history": ListOf(_INTERACTION, 0, MAX_HISTORY),
        "window": Choice(tuple(WINDOWS)),
        **{
            name: GET_RECOMMENDATIONS.fields[name]
            for name in ("cart", "filterValues", "context", "promotions", "exclude")
        },
    },
    required=("nowMs", "recommender", "numResults"),
)


@struct
class _OneHistory:
    recent: tuple[RecentInteraction, ...]

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        return Profile(profile_id, self.recent)


def answer_replay(given: Any, *, recommender: Recommender) -> dict[str, Any]:
    fields = REPLAY.read(given, "replay")
    replayed_id = fields.get("recommendationId")
    answer = past_recommender(fields, recommender).answer(
        parse_replay(fields),
        swaps=replayed_id is not None,
        replayed=None if replayed_id is None else Replayed(replayed_id),
    )
    return {
        "items": [
            {"itemId": item.item_id, "score": item.score, "origin": item.origin, "reason": item.reasons or []}
            for item in answer.items
        ],
        "source": answer.source,
        "modelVersion": answer.version,
        "configuration": answer.configuration,
        "filter": answer.filter,
        "rules": answer.rules,
        "arms": answer.arms,
        "unmetRules": answer.unmet_rules,
        "degraded": answer.degraded,
    }


def past_recommender(fields: Mapping[str, Any], recommender: Recommender) -> Recommender:
    profiles = _OneHistory(past_interactions(fields))
    stores = dataclasses.replace(recommender.stores, profiles=profiles, impressions=None)
    return dataclasses.replace(recommender, stores=stores, now_ms=fields["nowMs"])


def past_interactions(fields: Mapping[str, Any]) -> tuple[RecentInteraction, ...]:
    """Return the interactions, oldest first."""
    interactions = (
        RecentInteraction(past["timeMs"], past["eventId"], past["itemId"], past["eventType"], past.get("context", ""))
        for past in fields.get("history", ())
    )
    return tuple(sorted(interactions))
