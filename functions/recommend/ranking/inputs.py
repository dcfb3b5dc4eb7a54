"""Inputs of recommenders, and their result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alsolike.profiles.impressions import Impressions
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.struct import struct
from functions.recommend.http.response import Source
from functions.recommend.masks import RequestItems
from functions.recommend.resolve import ResolvedRequest
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import NO_HISTORY, Budget, History, Mask
from functions.recommend.user_data import StoredUser


@struct
class Boost:
    """Boost or demotion. A mask of None means all items."""

    factor: float
    mask: Mask | None


@struct
class RankingInputs:
    """Inputs of every recommender.

    `recent` are the latest interactions of the user, oldest first. `recent` is empty if the response does not depend on
    interactions. A mask of None allows all items. `k` exceeds the requested number of items if rules select items from
    the ranking, or variants of a product are removed.
    """

    resolved: ResolvedRequest
    user: StoredUser
    recent: Sequence[RecentInteraction]
    items: RequestItems
    mask: Mask | None
    k: int
    budget: Budget
    boosts: Sequence[Boost] = ()


@struct
class Ranking:
    """List of a recommender, best first.

    Attributes
    ----------
    source
        Source of the best items, such as `model` or `popular`.
    cold
        Positions of the cold items that the model ranked.
    within
        User column whose group the popular items belong to; None for popular items of all users.
    history
        Input of the model, from which reasons are computed. If it is empty, items have no reasons.
    model_scores
        Model scores by position before the reranker, if `for-you` ranked by the model.
    is_boosted_partly
        True if the boosts have too many distinct factors, or there was no time to rank for each factor.
    impressions
        Lists that the user saw, if seen items are demoted.
    """

    items: Sequence[ScoredItem] = ()
    source: Source = "none"
    cold: frozenset[int] = frozenset()
    within: str | None = None
    history: History = NO_HISTORY
    degraded: tuple[str, ...] = ()
    model_scores: Mapping[int, float] = dataclasses.field(default_factory=dict)
    is_boosted_partly: bool = False
    impressions: Sequence[Impressions] = ()
