"""The inputs of recommenders, and their result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

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
    """A boost or demotion: its factor, and the mask of the items that it concerns."""

    factor: float
    mask: Mask | None


@struct
class RankingInputs:
    """The inputs of every recommender.

    Attributes
    ----------
    recent
        The user's latest interactions, oldest first; empty if the answer does not depend on them.
    mask
        Excludes the items that may not be in the answer; None if all may.
    k
        Number of items to find. It exceeds the requested number if rules choose among them, or if variants of a product
        are left out.
    boosts
        Change scores. A recommender that ranks with the model finds the k best changed scores if there is time.
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
    """A recommender's list, best first.

    Attributes
    ----------
    items
        The last ones may be popular items that follow those of the source; their origin is `filled`.
    source
        The step of the ladder that the items come from.
    cold
        Positions of the cold items that the model ranked.
    within
        The user column whose group the popular items belong to; None for the generally popular ones.
    history
        The model's input, if it ranked.
    degraded
        Reasons why the model did not rank.
    model_scores
        The model's scores by position before the reranker, if it ranked for the user.
    is_boosted_partly
        True if there was no time to rank for each factor of the boosts.
    """

    items: Sequence[ScoredItem] = ()
    source: Source = "none"
    cold: frozenset[int] = frozenset()
    within: str | None = None
    history: History = NO_HISTORY
    degraded: tuple[str, ...] = ()
    model_scores: Mapping[int, float] = dataclasses.field(default_factory=dict)
    is_boosted_partly: bool = False


NOTHING = Ranking()
