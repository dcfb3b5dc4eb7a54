"""Inputs of recommenders, and their result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alsolike.profiles.impressions import Impressions
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.struct import struct
from functions.recommend.http.response import Source
from functions.recommend.items import RequestItems
from functions.recommend.resolve import ResolvedRequest
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import NO_HISTORY, Budget, History, Mask
from functions.recommend.user import StoredUser


@struct
class Boost:
    """Boost or demotion, with its factor and the mask of its items (None for all items)."""

    factor: float
    mask: Mask | None


@struct
class RankingInputs:
    """Inputs of every recommender.

    Attributes
    ----------
    recent
        Latest interactions of the user, oldest first. Empty if the response does not depend on them.
    mask
        Mask that excludes items; None if all items are allowed.
    k
        Number of items to find. It exceeds the requested number if rules select among them, or variants of a product
        are removed.
    boosts
        Boosts and demotions, which change scores. A recommender that ranks with the model finds the k best changed
        scores if there is time.
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
    items
        Ranked items. Popular items at the end have the origin `filled`.
    source
        Fallback level that the items come from.
    cold
        Positions of the cold items that the model ranked.
    within
        User column whose group the popular items belong to; None for popular items of all users.
    history
        Input of the model, if the model ranked.
    degraded
        Reasons why the model did not rank.
    model_scores
        Model scores by position before the reranker, if the model ranked.
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
