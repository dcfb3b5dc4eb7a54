"""The recommenders, by name, and the ladder of their fallbacks.

`for-you` has four steps: the model; items similar to the last viewed one; the bundle's popular items; trending items.
The answer's `source` names the step.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle.features import UserColumns
from alsolike.bundle.popular_groups import Group
from alsolike.bundle.related import SIMILAR, TOGETHER
from alsolike.bundle.reranker import Reranker
from alsolike.catalogue.variants import TITLE, leaf_category
from alsolike.domain.configuration import Configuration
from alsolike.events.returns import net_weights
from alsolike.lake.served import FILLED, RANKED
from alsolike.profiles.store import RecentInteraction
from alsolike.recommendations.requests import (
    BOUGHT_TOGETHER,
    BUY_AGAIN,
    FOR_YOU,
    PERSONALIZED_RANKING,
    POPULAR,
    RECENTLY_VIEWED,
    SIMILAR_ITEMS,
    TRENDING,
)
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct
from alsolike.snapshot.cold_items import LISTED
from functions.recommend.http.response import RankedItem, Source
from functions.recommend.ranking.context import RequestContext
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import GRAPH_ERRORS, NO_HISTORY, Bias, History, Model, Ranked

MODEL_FAILED = "model-failed"

LADDER_WINDOW = "1d"
"""Window of trending items that replace other lists: the longest has the most items."""

PURCHASE = "purchase"
HALF_LIFE_MS = 90 * 86_400_000

CANDIDATES_A_PLACE = 4
"""Candidates for each position of a list that completes a cart, since substitutes are left out."""
MAX_CART_CANDIDATES = 1_000


@struct
class RecommenderResult:
    """A recommender's result.

    Attributes
    ----------
    items
        Best first; the last `filled` ones are popular items that follow those of the source.
    source
        The step of the ladder that the items come from.
    cold
        Number of cold items among the ranked ones.
    within
        The user column whose group the popular items belong to; None for the generally popular ones.
    history
        The model's input, if it ranked.
    degraded
        Reasons why the model did not rank.
    model_scores
        The model's scores of the ranked items before the reranker, if it ranked for the user.
    """

    items: Sequence[RankedItem] = ()
    source: Source = "none"
    cold: int = 0
    within: str | None = None
    history: History = NO_HISTORY
    degraded: tuple[str, ...] = ()
    model_scores: Mapping[str, float] = dataclasses.field(default_factory=dict)


NOTHING = RecommenderResult()


def for_you(context: RequestContext) -> RecommenderResult:
    """Return recommendations for the user."""
    model = context.model
    if model is None:
        return _trending_now(context)
    recent = context.recent
    # The profile first, so that the check of the model's time includes the read.
    if recent and (degraded := context.model_delay()):
        return _similar_to_last_viewed(context, degraded)
    try:
        ranking = rank(
            recent,
            context.positions,
            model=model,
            catalogue=context.catalogue,
            bias=context.bias,
            group=context.group,
            user=context.user_columns,
            k=context.wanted,
            now_ms=context.now_ms,
            classes=None if context.classes is None else context.classes(),
        )
    except GRAPH_ERRORS as error:
        return _similar_to_last_viewed(context, model_failure(error))
    ranked, filling = ranking.ranked, ranking.filling
    items = context.named(ranked, filling)
    model_scores = {item.item_id: item.score for item in items[: len(ranked)]}
    if model.bundle.reranker is not None and ranked:
        shown = ranked[: context.request.num_results]
        items[: len(shown)] = _reranked(items[: len(shown)], shown, ranking.history, model.bundle.reranker, context)
    return RecommenderResult(
        items,
        "model" if ranked else "popular" if filling else "none",
        cold=ranking.cold,
        within=ranking.within,
        history=ranking.history if context.request.explain else NO_HISTORY,
        model_scores=model_scores,
    )


def _reranked(
    items: Sequence[RankedItem],
    ranked: Sequence[Ranked],
    history: History,
    reranker: Reranker,
    context: RequestContext,
) -> list[RankedItem]:
    """Return the items by the reranker's utility; the first one gets the highest of their scores, and so on."""
    positions, scores = zip(*ranked, strict=True)
    utilities = reranker.utilities(
        np.array(positions),
        np.array(scores),
        history=history.items,
        now_ms=context.now_ms,
        device=context.request.device,
    )
    order = np.argsort(-utilities, kind="stable").tolist()
    return [items[place]._replace(score=item.score) for place, item in zip(order, items, strict=True)]


def popular(
    context: RequestContext, leave_out: Sequence[int] = (), degraded: tuple[str, ...] = ()
) -> RecommenderResult:
    """Return popular items: first of the user's group, then of all users."""
    model = context.model
    if model is None:
        return _trending_now(context)
    group = context.group()
    within = group.items if group else ()
    ranked = model.popular(
        context.wanted, within=within, bias=context.bias_of_model, leave_out=leave_out, cold=context.cold_filling
    )
    of_group = group is not None and bool(ranked) and ranked[0].position in within
    return RecommenderResult(
        context.named(ranked),
        "popular" if ranked else "none",
        within=group.column if group and of_group else None,
        degraded=degraded,
    )


def trending(context: RequestContext) -> RecommenderResult:
    """Return the items whose interactions grow most against their usual number; popular items follow."""
    items = context.passing(context.trends.best(context.request.window, now_ms=context.now_ms))
    return _filled(context, items[: context.wanted], source="trending")


def recently_viewed(context: RequestContext) -> RecommenderResult:
    """Return the items that the shopper interacted with, the latest first.

    Items that neither the model nor the catalogue has are left out; before the first of either, all stay.
    """
    latest = list(
        dict.fromkeys(
            interaction.item_id
            for interaction in reversed(context.recent)
            if context.configuration.event_weights.get(interaction.event_type, 0) > 0
        )
    )
    if context.catalogue.has_items:
        latest = [item_id for item_id, known in zip(latest, context.catalogue.known(latest), strict=True) if known]
    items = context.passing([(item_id, 1 / rank) for rank, item_id in enumerate(latest, start=1)])
    return RecommenderResult(items[: context.wanted], "recent" if items else "none")


def buy_again(context: RequestContext) -> RecommenderResult:
    """Return the shopper's purchases, in the model's order of expected repeat purchase, without popular items."""
    candidates = context.passing(purchases(context.recent, context.configuration, now_ms=context.now_ms))
    scores, history, degraded = _scores(context, [item.item_id for item in candidates])
    # Items without a score from the model follow in the order of `bought`: the latest and most frequent first.
    ordered = sorted(candidates, key=lambda item: -scores.get(item.item_id, 0.0))[: context.wanted]
    items = [RankedItem(item.item_id, scores.get(item.item_id, 0.0)) for item in ordered]
    source: Source = "model" if scores else "recent"
    return RecommenderResult(items, source if items else "none", history=history, degraded=degraded)


def similar_items(context: RequestContext) -> RecommenderResult:
    """Return items similar to an item; the model's ranking after it, and popular items, follow."""
    return _of_item(context, SIMILAR)


def bought_together(context: RequestContext) -> RecommenderResult:
    """Return items that complete a cart; without one, items bought together with an item, then similar ones.

    Substitutes for the items are left out. The model's ranking after the items, and popular items, follow.
    """
    return _of_cart(context) if context.request.cart else _of_item(context, TOGETHER)


def personalized_ranking(context: RequestContext) -> RecommenderResult:
    """Return the given items that may be answered, those first that the model ranks for the shopper.

    The others that the model knows come after, the more frequent first; then those that it does not know, in the order
    in which they were given.
    """
    given = context.request.to_rank or ()
    allowed = [item.item_id for item in context.passing([(item_id, 0.0) for item_id in given])]
    scores, history, degraded = _scores(context, allowed)
    positions = context.catalogue.positions(allowed).tolist()
    known = context.model.bundle.manifest.items if context.model else 0
    frequency = {
        item_id: place if 0 < place <= known else known + 1 for item_id, place in zip(allowed, positions, strict=True)
    }
    ordered = sorted(allowed, key=lambda item_id: (-scores.get(item_id, 0.0), frequency[item_id]))
    items = [RankedItem(item_id, scores.get(item_id, 0.0)) for item_id in ordered]
    source: Source = "model" if scores else "popular"
    return RecommenderResult(items, source if items else "none", history=history, degraded=degraded)


RECOMMENDERS: Mapping[str, Callable[[RequestContext], RecommenderResult]] = {
    FOR_YOU: for_you,
    SIMILAR_ITEMS: similar_items,
    BOUGHT_TOGETHER: bought_together,
    BUY_AGAIN: buy_again,
    TRENDING: trending,
    POPULAR: popular,
    RECENTLY_VIEWED: recently_viewed,
    PERSONALIZED_RANKING: personalized_ranking,
}


def model_failure(error: Exception) -> tuple[str, ...]:
    """Log that the model did not run; return the reason why the answer is degraded."""
    logger.error("model does not run", error_type=type(error).__name__)
    return (MODEL_FAILED,)


def _similar_to_last_viewed(context: RequestContext, degraded: tuple[str, ...]) -> RecommenderResult:
    """Return items similar to the latest item that has any, then popular items."""
    model = context.model
    assert model is not None
    latest = list(dict.fromkeys(reversed(context.positions.tolist())))
    seen = latest if model.bundle.manifest.exclude_seen else []
    for position in latest:
        ranked = related_row(context, SIMILAR, position, leave_out=seen or position)
        if ranked:
            items = context.named(ranked[: context.wanted])
            return _filled(context, items, source="similar", leave_out=seen, degraded=degraded)
    return popular(context, seen, degraded)


def _trending_now(context: RequestContext) -> RecommenderResult:
    """Return trending items, which need no model."""
    items = context.passing(context.trends.best(LADDER_WINDOW, now_ms=context.now_ms))[: context.wanted]
    return RecommenderResult(items, "trending" if items else "none")


def _of_item(context: RequestContext, kind: str) -> RecommenderResult:
    model, item_id = context.model, context.request.item_id
    assert item_id is not None
    if model is None:
        return _trending_now(context)
    k = context.wanted
    position = int(context.catalogue.positions([item_id])[0])
    ranked = related_row(context, kind, position, leave_out=position)[:k]
    if len(ranked) < k and kind != SIMILAR:
        ranked = append_rescaled(ranked, related_row(context, SIMILAR, position, leave_out=position))[:k]
    source: Source = "similar" if ranked else "model"
    degraded: tuple[str, ...] = ()
    if len(ranked) < k and 0 < position <= model.bundle.manifest.items and not (degraded := context.model_delay()):
        try:
            after = ranked_after(context, [position], k=k + len(ranked), bias=context.bias_of_model)
            ranked = append_rescaled(ranked, after)[:k]
        except GRAPH_ERRORS as error:
            degraded = model_failure(error)
    items = context.named(ranked)
    if kind == TOGETHER:
        items = _without_substitutes(context, items, [item_id], k=k)
    return _filled(context, items, source=source, leave_out=[position], degraded=degraded)


def _of_cart(context: RequestContext) -> RecommenderResult:
    """Return items by their strongest link to an item of the cart, without substitutes for its items.

    The strongest link finds more of the left-out items of baskets than the sum of links (docs/related-items.md).
    """
    model = context.model
    if model is None:
        return _trending_now(context)
    most = max(context.wanted, MAX_CART_CANDIDATES)  # rules may want many already
    wide = context.steered(wanted=min(CANDIDATES_A_PLACE * context.wanted, most), classes=context.classes)
    cart = context.catalogue.positions(context.request.cart)
    cart = cart[(cart > 0) & (cart <= model.bundle.manifest.items)]
    links: dict[int, float] = {}
    for position in cart.tolist():
        for item in related_row(context, TOGETHER, position, leave_out=cart.tolist()):
            links[item.position] = max(item.score, links.get(item.position, 0.0))
    ranked = [Ranked(*item) for item in sorted(links.items(), key=lambda item: -item[1])[: wide.wanted]]
    source: Source = "similar" if ranked else "model"
    degraded: tuple[str, ...] = ()
    if len(ranked) < wide.wanted and len(cart) and not (degraded := context.model_delay()):
        try:
            after = ranked_after(context, cart, k=wide.wanted + len(ranked), bias=context.bias_of_model)
            ranked = append_rescaled(ranked, after)[: wide.wanted]
        except GRAPH_ERRORS as error:
            degraded = model_failure(error)
    result = _filled(wide, context.named(ranked), source=source, leave_out=cart.tolist(), degraded=degraded)
    items = _without_substitutes(context, result.items, context.request.cart, k=context.wanted)
    return dataclasses.replace(result, items=items)


def _without_substitutes(
    context: RequestContext, items: Sequence[RankedItem], item_ids: Sequence[str], *, k: int
) -> list[RankedItem]:
    """Return up to k of the items, without substitutes for others; their columns are read as far as necessary."""
    bought = [_Kind.of(properties) for properties in context.catalogue.properties(item_ids)]
    kept: list[RankedItem] = []
    for start in range(0, len(items), k):
        some = items[start : start + k]
        kinds = map(_Kind.of, context.catalogue.properties([item.item_id for item in some]))
        kept += [item for item, kind in zip(some, kinds, strict=True) if not any(map(kind.replaces, bought))]
        if len(kept) >= k:
            break
    return kept[:k]


@struct
class _Kind:
    """The kind of an item: its leaf category and the words of its title."""

    category: Any
    words: frozenset[str]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> _Kind:
        return cls(leaf_category(properties), frozenset(str(properties.get(TITLE) or "").lower().split()))

    def replaces(self, other: _Kind) -> bool:
        """Return whether it is a substitute: of the same category, with at least half of the words in common."""
        if self.category is None or self.category != other.category:
            return False
        return 2 * len(self.words & other.words) >= len(self.words | other.words)


def _filled(
    context: RequestContext,
    items: Sequence[RankedItem],
    *,
    source: Source,
    leave_out: Sequence[int] = (),
    degraded: tuple[str, ...] = (),
) -> RecommenderResult:
    """Return the items, followed by popular ones up to the wanted number."""
    missing = context.wanted - len(items)
    if missing <= 0 or context.model is None:
        return RecommenderResult(items, source if items else "none", degraded=degraded)
    places = context.catalogue.positions([item.item_id for item in items]).tolist()
    after = [Ranked(place, item.score) for place, item in zip(places, items, strict=True)]
    filling = context.named(
        context.model.popular(
            missing, after=after, bias=context.bias_of_model, leave_out=leave_out, cold=context.cold_filling
        ),
        origin=FILLED if items else RANKED,
    )
    return RecommenderResult(
        [*items, *filling], source if items else "popular" if filling else "none", degraded=degraded
    )


def _scores(context: RequestContext, item_ids: Sequence[str]) -> tuple[dict[str, float], History, tuple[str, ...]]:
    """Return the scores of items that the model knows, the model's input, and the reasons if it did not run."""
    model = context.model
    if model is None or not item_ids:
        return {}, NO_HISTORY, ()
    history = context.history(model)
    places = context.catalogue.positions(item_ids)
    known: npt.NDArray[np.int64] = places[(places > 0) & (places <= model.bundle.manifest.items)]
    if not len(history) or not len(known):
        return {}, NO_HISTORY, ()
    if degraded := context.model_delay():
        return {}, NO_HISTORY, degraded
    only = np.full(model.bundle.manifest.items + 1, -np.inf, np.float32)
    only[known] = 0
    try:
        positions, scores = model.rank(history, k=len(known), now_ms=context.now_ms, bias=only, leave_out_seen=False)
    except GRAPH_ERRORS as error:
        return {}, NO_HISTORY, model_failure(error)
    by_position = dict(zip(positions.tolist(), scores.tolist(), strict=True))
    return (
        {
            item_id: by_position[place]
            for item_id, place in zip(item_ids, places.tolist(), strict=True)
            if place in by_position
        },
        history,
        (),
    )


def related_row(context: RequestContext, kind: str, position: int, *, leave_out: int | Sequence[int]) -> list[Ranked]:
    """Return the items of an item's row that may be recommended, best first.

    For an item that the model does not know, return the known items that resemble it most.

    Parameters
    ----------
    kind
        `similar` or `together`.
    leave_out
        Positions of items to exclude.
    """
    model = context.model
    assert model is not None
    items = model.bundle.manifest.items
    if position <= 0:
        return []
    positions, scores = (
        model.bundle.related(kind, position)
        if position <= items
        else context.catalogue.cold_items.nearest(position - items - 1)
    )
    allowed = ~np.isin(positions, leave_out)
    bias = context.bias_of_model
    if bias is not None:
        allowed &= bias[positions] > -np.inf
    return [Ranked(*item) for item in zip(positions[allowed].tolist(), scores[allowed].tolist(), strict=True)]


def ranked_after(
    context: RequestContext, positions: Sequence[int] | npt.NDArray[np.int64], *, k: int, bias: Bias | None
) -> list[Ranked]:
    """Return the model's ranking for a user whose history is these items only."""
    model = context.model
    assert model is not None
    count = len(positions)
    history = History(np.asarray(positions), event_weights=[1.0] * count, event_time_ms=[context.now_ms] * count)
    listed = model.rank(history, k=k, now_ms=context.now_ms, bias=bias, leave_out_seen=True)
    return [Ranked(*item) for item in zip(*(values.tolist() for values in listed), strict=True)]


def append_rescaled(ranked: Sequence[Ranked], more: Sequence[Ranked]) -> list[Ranked]:
    """Return a list, followed by the new items of another one, whose scores are scaled to fall below."""
    before = {item.position for item in ranked}
    added = [item for item in more if item.position not in before]
    if not ranked or not added:
        return [*ranked, *added]
    scale = scale_below(ranked[-1].score, added[0].score)
    return [*ranked, *(Ranked(item.position, item.score * scale) for item in added)]


def scale_below(last: float, best: float) -> float:
    """Return the factor that makes the best score of another list half of the last one."""
    return last / (2 * best) if best > 0 else 0.0


def purchases(
    recent: Sequence[RecentInteraction], configuration: Configuration, *, now_ms: int
) -> list[tuple[str, float]]:
    """Return the items that were bought and not returned, with a score each, best first.

    The score is the number of purchases, with a half-life of 90 days. The event type `purchase` marks purchases;
    without that type, the one with the highest weight does.
    """
    weights = configuration.event_weights
    purchase = PURCHASE if PURCHASE in weights else max(weights, key=lambda name: weights[name], default=PURCHASE)
    if purchase not in weights:
        return []
    told = [
        interaction
        for interaction in recent
        if interaction.event_type == purchase or weights.get(interaction.event_type, 0) < 0
    ]
    items = {
        item_id: number for number, item_id in enumerate(dict.fromkeys(interaction.item_id for interaction in told))
    }
    left = net_weights(
        np.array([items[interaction.item_id] for interaction in told], np.int64),
        np.array([weights[interaction.event_type] for interaction in told], np.float64),
    )
    scores: defaultdict[str, float] = defaultdict(float)
    for interaction, weight in zip(told, left.tolist(), strict=True):
        if weight > 0:
            age_ms = max(now_ms - interaction.event_time_ms, 0)
            scores[interaction.item_id] += weight / weights[purchase] * 0.5 ** (age_ms / HALF_LIFE_MS)
    return sorted(scores.items(), key=lambda item: -item[1])


@struct
class Ranking:
    """A list, best first.

    Attributes
    ----------
    ranked
        The ranking from the history, cold items included.
    filling
        Popular items that follow.
    cold
        Number of cold items in `ranked`.
    within
        The column of the group whose popular items are in `filling`; None for generally popular ones.
    history
        The model's input.
    """

    ranked: Sequence[Ranked] = ()
    filling: Sequence[Ranked] = ()
    cold: int = 0
    within: str | None = None
    history: History = NO_HISTORY


def rank(
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    *,
    model: Model,
    catalogue: ModelCatalogue,
    bias: Bias | None,
    group: Callable[[], Group | None],
    user: UserColumns,
    k: int,
    now_ms: int,
    classes: Sequence[Bias] | None = None,
) -> Ranking:
    """Return up to k items for a user's interactions.

    Parameters
    ----------
    positions
        The result of `catalogue.positions` for the interactions' items.
    bias
        By position, cold items included.
    group
        Returns the user's group; called if the interactions give no ranking.
    user
        See `functions.recommend.state.model.known_history`.
    classes
        Biases that divide the items that `bias` allows: the k best of each are ranked, instead of the k best of all.
    """
    history = model.history(recent, positions, user=user)
    best: list[Ranked] = []
    if len(history.items):
        speaking = None
        for allowed in (bias,) if classes is None else classes:
            of_class = None if allowed is None else allowed[: model.bundle.manifest.items + 1]
            listed = model.rank(history, k=max(k, LISTED) if catalogue.has_cold else k, now_ms=now_ms, bias=of_class)
            best += _first(*listed, k=k)
            if catalogue.has_cold:
                if speaking is None:  # evidence for cold items need not pass: a filter for new items bars all of it
                    speaking = listed if allowed is None else model.rank(history, k=LISTED, now_ms=now_ms)
                barred = _barred(recent, positions, model, allowed)
                best += _cold(catalogue.cold.scores(*speaking), barred, first=model.bundle.manifest.items + 1, k=k)
        if catalogue.has_cold or classes is not None:
            best = sorted(best, key=lambda item: -item.score)
        if classes is None:
            best = best[:k]
    within = None if best else group()
    filling = model.popular(
        k - len(best),
        history=history,
        after=best,
        within=within.items if within else (),
        bias=None if bias is None else bias[: model.bundle.manifest.items + 1],
        leave_out=seen_cold(recent, positions, model).tolist() if catalogue.has_cold else (),
        cold=catalogue.cold_filling(bias) if catalogue.has_cold else None,
    )
    of_group = within is not None and bool(filling) and filling[0].position in within.items
    cold = sum(item.position > model.bundle.manifest.items for item in best) if catalogue.has_cold else 0
    return Ranking(best, filling, cold, within.column if within and of_group else None, history)


def _first(positions: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], *, k: int) -> list[Ranked]:
    return list(map(Ranked, positions[:k].tolist(), scores[:k].tolist()))


def _cold(scores: npt.NDArray[np.float32], barred: npt.NDArray[np.int64], *, first: int, k: int) -> list[Ranked]:
    """Return the k best cold items, best first; `first` is the position of the first of them all."""
    scores[barred - first] = 0.0
    rows = np.flatnonzero(scores > 0)
    if len(rows) > k:
        rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
    best = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    return _first(first + best, scores[best], k=k)


def _barred(
    recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], model: Model, bias: Bias | None
) -> npt.NDArray[np.int64]:
    """Return the positions of cold items that do not pass, and of seen ones if that counts."""
    first = model.bundle.manifest.items + 1
    barred = np.zeros(0, np.int64) if bias is None else first + np.flatnonzero(bias[first:] == -np.inf)
    return np.concatenate([barred, seen_cold(recent, positions, model)])


def seen_cold(
    recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], model: Model
) -> npt.NDArray[np.int64]:
    """Return the positions of cold items that are left out since they were seen."""
    if not model.bundle.manifest.exclude_seen:
        return np.zeros(0, np.int64)
    weights = model.bundle.manifest.history.event_weights
    counts = np.array([interaction.event_type in weights for interaction in recent], bool)
    return positions[counts & (positions > model.bundle.manifest.items)]
