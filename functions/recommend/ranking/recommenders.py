"""Recommenders by name.

`for-you` has four levels: the model, items similar to a recent item, popular items of the bundle, and trending
items. The response's `source` contains the level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.configuration.configuration import PURCHASE, Configuration
from alsolike.declarations.times import DAY_MS
from alsolike.events.returns import net_weights
from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.request_fields import (
    BOUGHT_TOGETHER,
    BUY_AGAIN,
    FOR_YOU,
    PERSONALIZED_RANKING,
    POPULAR,
    RECENTLY_VIEWED,
    SIMILAR_ITEMS,
    TRENDING,
)
from functions.recommend.http.response import Source
from functions.recommend.masks import passing
from functions.recommend.ranking.fallbacks import filled, popular
from functions.recommend.ranking.for_you import for_you
from functions.recommend.ranking.inputs import Ranking, RankingInputs
from functions.recommend.ranking.model_runs import score
from functions.recommend.ranking.related import bought_together, similar_items
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import NO_HISTORY, History

HALF_LIFE_MS = 90 * DAY_MS


def trending(inputs: RankingInputs) -> Ranking:
    return filled(inputs, passing(inputs.items.trending, inputs.mask)[: inputs.k], source="trending")


def recently_viewed(inputs: RankingInputs) -> Ranking:
    """Return the items that the user interacted with by events of positive weight, the latest first.

    Items that neither the model nor the catalogue contains are removed, unless there is neither a model nor a
    catalogue.
    """
    weights = inputs.resolved.configuration.event_weights
    viewed = zip(reversed(inputs.items.history.tolist()), reversed(inputs.recent), strict=True)
    latest = list(dict.fromkeys(place for place, event in viewed if weights.get(event.event_type, 0) > 0))
    if inputs.resolved.catalogue.has_items:
        known = inputs.items.known(np.array(latest, np.int64)).tolist()
        latest = [position for position, is_known in zip(latest, known, strict=True) if is_known]
    items = passing([ScoredItem(position, 1 / rank) for rank, position in enumerate(latest, start=1)], inputs.mask)
    return Ranking(items[: inputs.k], "recent" if items else "none")


def buy_again(inputs: RankingInputs) -> Ranking:
    """Return the user's purchases by the model's score, then by the decayed number of purchases."""
    configuration, now_ms = inputs.resolved.configuration, inputs.resolved.now_ms
    bought = passing(purchases(inputs.recent, inputs.items.history, configuration, now_ms=now_ms), inputs.mask)
    scores, history, degraded = _scores(inputs, [item.position for item in bought])
    # Items without a model score count as 0, and keep the order of `bought`: highest decayed number of purchases first.
    ordered = sorted(bought, key=lambda item: -scores.get(item.position, 0.0))[: inputs.k]
    items = [ScoredItem(item.position, scores.get(item.position, 0.0)) for item in ordered]
    source: Source = "model" if scores else "recent"
    return Ranking(items, source if items else "none", history=history, degraded=degraded)


def personalized_ranking(inputs: RankingInputs) -> Ranking:
    """Return the requested items that the response may contain, highest model score first.

    Items without a score count as 0. If scores are equal, the model's more frequent items precede, and items outside
    the model follow in the order of the request.
    """
    model = inputs.resolved.model
    given = [ScoredItem(position, 0.0) for position in inputs.items.to_rank.tolist()]
    allowed = [item.position for item in passing(given, inputs.mask)]
    scores, history, degraded = _scores(inputs, allowed)
    known = model.bundle.manifest.items if model else 0
    ordered = sorted(allowed, key=lambda position: (-scores.get(position, 0.0), min(position, known + 1)))
    items = [ScoredItem(position, scores.get(position, 0.0)) for position in ordered[: inputs.k]]
    source: Source = "model" if scores else "popular"
    return Ranking(items, source if items else "none", history=history, degraded=degraded)


RECOMMENDERS: Mapping[str, Callable[[RankingInputs], Ranking]] = {
    FOR_YOU: for_you,
    SIMILAR_ITEMS: similar_items,
    BOUGHT_TOGETHER: bought_together,
    BUY_AGAIN: buy_again,
    TRENDING: trending,
    POPULAR: popular,
    RECENTLY_VIEWED: recently_viewed,
    PERSONALIZED_RANKING: personalized_ranking,
}


def purchases(
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    configuration: Configuration,
    *,
    now_ms: int,
) -> list[ScoredItem]:
    """Return the items that were bought and not returned, best first.

    The score is the number of purchases, decayed with the half-life `HALF_LIFE_MS`. Purchases have the event type
    `purchase`, or the type with the highest weight if `purchase` is not configured.
    """
    weights = configuration.event_weights
    purchase = PURCHASE if PURCHASE in weights else max(weights, key=lambda name: weights[name], default=PURCHASE)
    if purchase not in weights:
        return []
    rows = [
        row
        for row, interaction in enumerate(recent)
        if interaction.event_type == purchase or weights.get(interaction.event_type, 0) < 0
    ]
    items = positions[rows]
    left = net_weights(items, np.array([weights[recent[row].event_type] for row in rows], np.float64))
    scores: defaultdict[int, float] = defaultdict(float)
    for row, position, weight in zip(rows, items.tolist(), left.tolist(), strict=True):
        if weight > 0:
            age_ms = max(now_ms - recent[row].event_time_ms, 0)
            scores[position] += weight / weights[purchase] * 0.5 ** (age_ms / HALF_LIFE_MS)
    return [ScoredItem(*item) for item in sorted(scores.items(), key=lambda item: -item[1])]


def _scores(inputs: RankingInputs, positions: Sequence[int]) -> tuple[dict[int, float], History, tuple[str, ...]]:
    model = inputs.resolved.model
    if model is None or not positions:
        return {}, NO_HISTORY, ()
    history = model.history(inputs.recent, inputs.items.history, user=inputs.user.columns)
    return score(inputs, history, np.array(positions, np.int64))
