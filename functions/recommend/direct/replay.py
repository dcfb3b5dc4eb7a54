"""Replays of an answer: the same request, at its time, with the history of that time.

The event is ``{"replay": {...}}``, see `REPLAY`; `alsolike explain` sends it. Model, configuration, catalogue and
trends are the current ones. The answer names their versions, so that the caller can explain a different result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from alsolike.contract.fields import Choice, Fields, Integer, ListOf, Text
from alsolike.domain.recommendation_id import RECOMMENDER_CODES
from alsolike.events.interactions import MAX_ID_CHARACTERS, MAX_TIME_MS
from alsolike.profiles.store import Profile, ProfileStore, RecentInteraction
from alsolike.recommendations.requests import GET_RECOMMENDATIONS, MAX_RESULTS, WINDOWS
from functions.recommend.http.request import RecommendationRequest, parse_replay
from functions.recommend.http.response import Answer
from functions.recommend.state.users import UserStores

MAX_HISTORY = 10_000

_ID = Text(MAX_ID_CHARACTERS)
_TIME = Integer(0, MAX_TIME_MS)
_INTERACTION = Fields(
    {"timeMs": _TIME, "eventId": _ID, "itemId": _ID, "eventType": _ID},
    required=("timeMs", "eventId", "itemId", "eventType"),
)
REPLAY = Fields(
    {
        "nowMs": _TIME,
        "recommender": Choice(tuple(RECOMMENDER_CODES)),
        "numResults": Integer(1, MAX_RESULTS),
        "userId": _ID,
        "itemId": _ID,
        "filter": _ID,
        "inputList": ListOf(_ID, 1, MAX_RESULTS),
        "history": ListOf(_INTERACTION, 0, MAX_HISTORY),
        "window": Choice(tuple(WINDOWS)),
        **{name: GET_RECOMMENDATIONS.fields[name] for name in ("filterValues", "context", "promotions", "exclude")},
    },
    required=("nowMs", "recommender", "numResults"),
)


class _Given(ProfileStore):
    """A profile store that returns one profile for every id."""

    def __init__(self, recent: Iterable[RecentInteraction]) -> None:
        self._recent = tuple(recent)

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        return Profile(profile_id, self._recent, 1)


def answer_replay(
    given: Any, *, people: UserStores, answer: Callable[[RecommendationRequest, UserStores, int], Answer]
) -> dict[str, Any]:
    """Answer a replay.

    Parameters
    ----------
    answer
        Answers a request of a user at a time.

    Raises
    ------
    InvalidInput, NotFound
        If it breaks the contract, or names something that does not exist any more.
    """
    fields = REPLAY.read(given, "replay")
    recent = sorted(
        RecentInteraction(each["timeMs"], each["eventId"], each["itemId"], each["eventType"])
        for each in fields.get("history", ())
    )
    found = answer(parse_replay(fields), dataclasses.replace(people, profiles=_Given(recent)), fields["nowMs"])
    return {
        "items": [
            {"itemId": item.item_id, "score": item.score, "origin": item.origin, "reason": item.reasons or []}
            for item in found.items
        ],
        "source": found.source,
        "modelVersion": found.version,
        "configuration": found.configuration,
        "filter": found.filter,
        "rules": found.rules,
        "arms": found.arms,
        "gave": found.unmet_rules,
        "degraded": found.degraded,
    }
