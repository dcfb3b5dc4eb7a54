"""Scores of users for the lines of a segment job.

A model's scores compare items, not users, so frequent and rare shoppers have similar sums. To compare users, the sum of
the scores of a line's items is multiplied by the user's interactions per day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alsolike.declarations.degraded_reasons import NO_CATALOGUE, NO_CONFIGURATION, NO_MODEL
from alsolike.declarations.times import DAY_MS
from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.recommendations.segments import SegmentLine, check_names, parse_line
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.schema import validation
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.masks import RequestItems, item_mask, request_items
from functions.recommend.ranking.for_you import rank
from functions.recommend.resolve import ResolvedRequest, SelectedFilter, named_filter, resolve
from functions.recommend.service import Recommender
from functions.recommend.state.serving_state import ServingState
from functions.recommend.user_data import StoredUser, stored_user

MIN_DAYS = 7.0
"""Minimum period in days over which a user's interactions are averaged. Otherwise a few interactions of one visit would
give a high rate."""

MAX_SCORED = 1_000
"""Maximum number of a user's best items over all lines. Items with lower scores are not summed."""


def parse_lines(given: Any) -> Sequence[SegmentLine]:
    if not isinstance(given, list) or not given:
        raise InvalidInput(f"the lines of the segment job are {validation.describe(given)}, expected a JSON list")
    return [parse_line(line, f"line {number}") for number, line in enumerate(given, start=1)]


def segment_scores(lines: Sequence[SegmentLine], *, recommender: Recommender) -> Callable[[str], dict[str, Any]]:
    """Return a function from a user ID to the user's result.

    The result has an item per line with a score above 0. The item's ID is the number of the line, from 0. Users without
    a history, such as erased users, have no items.
    """
    state = recommender.state
    if missing := {NO_MODEL, NO_CATALOGUE, NO_CONFIGURATION}.intersection(state.degraded):
        raise Unavailable(f"segments need a model, a catalogue and a configuration: {', '.join(sorted(missing))}")
    # The champion scores all users, also those in experiments.
    own = dataclasses.replace(
        state, configuration=dataclasses.replace(state.configuration, experiments={}), canary=None
    )
    filters = [_filter(line, own, number=number) for number, line in enumerate(lines, start=1)]

    def result(user_id: str) -> dict[str, Any]:
        request = RecommendationRequest(num_results=1, recommender=FOR_YOU, user_id=user_id)
        resolved = resolve(request, own, rules=None, now_ms=recommender.now_ms)
        user = stored_user(resolved, recommender.stores)
        recent = user.profile.recent
        items = request_items(resolved, recent, lambda: recommender.trends.current(now_ms=recommender.now_ms))
        scores = _scores(resolved, user, recent, items, filters)
        assert resolved.model is not None
        return {
            "userId": user_id,
            "itemList": [{"itemId": str(line), "score": score} for line, score in enumerate(scores) if score > 0],
            "source": "model" if len(scores) else "none",
            "modelVersion": resolved.model.version,
        }

    return result


def _filter(line: SegmentLine, state: ServingState, *, number: int) -> SelectedFilter:
    where = f"line {number}"
    check_names(line, where, state.configuration)
    if line.filter is None:
        request = RecommendationRequest(num_results=1, recommender=FOR_YOU)
        return named_filter(line.filter_name, request, state.configuration, values=line.values or {}, where=where)
    return SelectedFilter(where, line.filter)


def _scores(
    resolved: ResolvedRequest,
    user: StoredUser,
    recent: Sequence[RecentInteraction],
    items: RequestItems,
    filters: Sequence[SelectedFilter],
) -> list[float]:
    """Return the user's score of each line. Empty for a user without a history.

    The items of all lines are ranked together, so that the model does not run for each line.
    """
    model = resolved.model
    assert model is not None
    history = model.history(recent, items.history, user=user.columns)
    if not len(history):
        return []
    found = [item_mask(selected, resolved, user, items) for selected in filters]
    masks = [items.neutral() if mask is None else mask for mask in found]
    union = np.maximum.reduce(masks)
    k = min(int(np.count_nonzero(union > -np.inf)), MAX_SCORED)
    scores = np.zeros(len(union))
    if k:
        ranked = rank(model, resolved.catalogue, history, [union], k=k, now_ms=resolved.now_ms)
        scores[[item.position for item in ranked]] = [item.score for item in ranked]
    per_day = interactions_per_day(recent, now_ms=resolved.now_ms)
    return [float(scores[mask > -np.inf].sum()) * per_day for mask in masks]


def interactions_per_day(recent: Sequence[RecentInteraction], *, now_ms: int) -> float:
    """Return the average since the oldest interaction, over at least `MIN_DAYS`."""
    days = (now_ms - recent[0].event_time_ms) / DAY_MS
    return len(recent) / max(days, MIN_DAYS)
