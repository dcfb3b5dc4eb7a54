"""Recommendations for a user: the model's list, else similar, popular or trending items.

Boosts and demotions change scores by factors. One model run per distinct product of factors finds the items with the
best changed scores. If these are more than `MAX_GROUPS`, or exceed the time budget, a single run ranks without boosts,
and only its items are boosted. Fatigue demotes items that the user has seen without a reaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from alsolike.bundle.related import SIMILAR
from alsolike.bundle.reranker import Reranker
from alsolike.configuration.configuration import Fatigue
from alsolike.profiles.impressions import sightings
from alsolike.snapshot.cold_items import LISTED
from functions.recommend.ranking.fallbacks import filled, popular, trending_fallback, user_group
from functions.recommend.ranking.inputs import Boost, Ranking, RankingInputs
from functions.recommend.ranking.model_runs import model_failure
from functions.recommend.ranking.related import related_row
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import GRAPH_ERRORS, NO_HISTORY, History, Mask, Model, bought_positions

MAX_GROUPS = 16
"""Maximum number of distinct products of an item's factors. Each product requires a model run."""

_MAX_PARTS = 256

NO_FACTORS: Mapping[int, float] = MappingProxyType({})


def for_you(inputs: RankingInputs) -> Ranking:
    resolved, model, mask, k = inputs.resolved, inputs.resolved.model, inputs.mask, inputs.k
    if model is None:
        return trending_fallback(inputs)
    if inputs.recent and (degraded := model.delay(inputs.budget, masked=mask is not None)):
        return _similar_to_last_viewed(inputs, degraded)
    masks = boosted_masks(inputs, model) if inputs.boosts else [mask]
    fatigue = resolved.configuration.recommenders[resolved.request.recommender].fatigue
    factors = fatigue_factors(inputs, fatigue) if fatigue is not None else NO_FACTORS
    more = min(len(factors), 2 * k)  # Further items take the places of demoted ones.
    try:
        history = model.history(inputs.recent, inputs.items.history, user=inputs.user.columns)
        ranked = rank(model, resolved.catalogue, history, masks or [mask], k=k + more, now_ms=resolved.now_ms)
    except GRAPH_ERRORS as error:
        return _similar_to_last_viewed(inputs, model_failure(error))
    model_scores = {item.position: item.score for item in ranked}
    if factors:
        ranked = rescored(ranked, factors)[: k * len(masks or [mask])]
    group = None if ranked else user_group(inputs)
    filling = model.popular(
        k - len(ranked), history=history, after=ranked, within=group.items if group else (), mask=mask,
        cold=resolved.catalogue.cold_filling(mask),
    )  # fmt: skip
    is_of_group = group is not None and bool(filling) and filling[0].position in group.items
    known, shown = model.bundle.manifest.items, resolved.request.num_results
    best = ranked
    if model.bundle.reranker is not None and ranked:
        best = [*_reranked(inputs, ranked[:shown], history, model.bundle.reranker), *ranked[shown:]]
    return Ranking(
        [*best, *filling],
        "model" if ranked else "popular" if filling else "none",
        cold=frozenset(item.position for item in ranked if item.position > known)
        if resolved.catalogue.has_cold
        else frozenset(),
        within=group.column if group and is_of_group else None,
        history=history if resolved.request.explain else NO_HISTORY,
        model_scores=model_scores,
        is_boosted_partly=masks is None,
        impressions=() if fatigue is None else inputs.user.impressions,
    )


def rank(
    model: Model, catalogue: ModelCatalogue, history: History, masks: Sequence[Mask | None], *, k: int, now_ms: int
) -> list[ScoredItem]:
    """Return the best items that the masks allow, best first. Empty without a history.

    The list for one mask has at most k items. For several masks, it contains the k best items of each mask.
    """
    if not len(history.items):
        return []
    best: list[ScoredItem] = []
    evidence = None
    for mask in masks:
        count = max(k, LISTED) if catalogue.has_cold else k
        listed = model.rank(history, k=count, now_ms=now_ms, bias=model.part_of(mask))
        best += _scored_items(*listed, k=k)
        if catalogue.has_cold:
            # Cold items get their scores from the best items without the mask, because a filter for new items excludes
            # all items of the model.
            if evidence is None:
                evidence = listed if mask is None else model.rank(history, k=LISTED, now_ms=now_ms)
            best += _best_cold(model, catalogue, history, mask, catalogue.cold.scores(*evidence), k=k)
    if catalogue.has_cold or len(masks) > 1:
        best = sorted(best, key=lambda item: -item.score)
    return best if len(masks) > 1 else best[:k]


def _scored_items(positions: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], *, k: int) -> list[ScoredItem]:
    return list(map(ScoredItem, positions[:k].tolist(), scores[:k].tolist()))


def _best_cold(
    model: Model,
    catalogue: ModelCatalogue,
    history: History,
    mask: Mask | None,
    scores: npt.NDArray[np.float32],
    *,
    k: int,
) -> list[ScoredItem]:
    """Return up to k allowed cold items with positive scores, best first. Seen items that lists exclude are skipped.

    This function changes `scores`.
    """
    first = model.bundle.manifest.items + 1
    if mask is not None:
        scores[mask[first : catalogue.size] == -np.inf] = 0.0
    left_out = history.left_out(model.bundle.manifest)
    scores[left_out[(left_out >= first) & (left_out < catalogue.size)] - first] = 0.0
    rows = np.flatnonzero(scores > 0)
    if len(rows) > k:
        rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
    best = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    return _scored_items(first + best, scores[best], k=k)


def _reranked(
    inputs: RankingInputs, ranked: Sequence[ScoredItem], history: History, reranker: Reranker
) -> list[ScoredItem]:
    """Sort the items by the reranker's utility. The highest score is assigned to the first item, and so on."""
    utilities = reranker.utilities(
        np.array([item.position for item in ranked]),
        np.array([item.score for item in ranked]),
        history=history.items,
        now_ms=inputs.resolved.now_ms,
        device=inputs.resolved.request.device,
    )
    order = np.argsort(-utilities, kind="stable").tolist()
    return [ranked[place]._replace(score=item.score) for place, item in zip(order, ranked, strict=True)]


def _similar_to_last_viewed(inputs: RankingInputs, degraded: tuple[str, ...]) -> Ranking:
    """Return items similar to the user's latest item that has allowed similar items, then popular items."""
    model = inputs.resolved.model
    assert model is not None
    latest = list(dict.fromkeys(reversed(inputs.items.history.tolist())))
    left_out = left_out_of(inputs, model)
    for position in latest:
        ranked = related_row(inputs, SIMILAR, position, leave_out=[*left_out, position])
        if ranked:
            return filled(inputs, ranked[: inputs.k], source="similar", leave_out=left_out, degraded=degraded)
    return popular(inputs, left_out, degraded)


def left_out_of(inputs: RankingInputs, model: Model) -> list[int]:
    """Return the positions in the user's profile that lists exclude according to the model's manifest."""
    positions = inputs.items.history
    if model.bundle.manifest.exclude_bought:
        positions = bought_positions(inputs.recent, positions)
    elif not model.bundle.manifest.exclude_seen:
        return []
    return list(dict.fromkeys(reversed(positions.tolist())))


def boosted(score: float, factor: float) -> float:
    """Return a score after a boost (factor above 1) or a demotion (factor below 1).

    Negative scores are divided by the factor. So a boost never lowers a score, and items with equal factors keep their
    order.
    """
    return score * factor if score >= 0 else score / factor


def boosted_masks(inputs: RankingInputs, model: Model) -> list[Mask] | None:
    """Return the masks of `factor_groups`; None if they are more than `MAX_GROUPS`, or take too many model runs."""
    allowed = inputs.items.neutral() if inputs.mask is None else inputs.mask
    groups = factor_groups(inputs.boosts, allowed=allowed)
    expected_ms = model.expected_ms(with_bias=True) * len(groups)
    return groups if len(groups) <= MAX_GROUPS and inputs.budget.allows(expected_ms) else None


def factor_groups(boosts: Iterable[Boost], *, allowed: Mask) -> list[Mask]:
    """Return one mask per distinct product of an item's factors. A mask allows the `allowed` items with its product.

    The k best changed scores are among the k best model scores of each mask. With more than `_MAX_PARTS` products, the
    computation stops and returns unfinished masks, which are more than `MAX_GROUPS`.
    """
    groups: dict[float, npt.NDArray[np.bool_]] = {1.0: allowed > -np.inf}
    for boost in boosts:
        passes = np.ones(len(allowed), bool) if boost.mask is None else boost.mask > -np.inf
        parts: dict[float, npt.NDArray[np.bool_]] = {}
        for product, members in groups.items():
            for factor, part in ((1.0, members & ~passes), (boost.factor, members & passes)):
                if part.any():
                    key = round(product * factor, 12)
                    parts[key] = parts[key] | part if key in parts else part
        groups = parts
        if len(groups) > _MAX_PARTS:
            break
    excluded = np.float32(-np.inf)
    return [np.where(members, np.float32(0), excluded) for members in groups.values()]


def fatigue_factors(inputs: RankingInputs, fatigue: Fatigue) -> Mapping[int, float]:
    if not inputs.user.impressions:
        return NO_FACTORS
    reactions = {interaction.item_id: interaction.event_time_ms for interaction in inputs.recent}
    counts = sightings(inputs.user.impressions, fatigue, reactions=reactions, now_ms=inputs.resolved.now_ms)
    factors = {item_id: fatigue.factor(count) for item_id, count in counts.items()}
    demoted = [item_id for item_id, factor in factors.items() if factor < 1]
    positions = inputs.resolved.catalogue.positions(demoted).tolist() if demoted else []
    return {position: factors[item_id] for position, item_id in zip(positions, demoted, strict=True) if position}


def rescored(ranked: Sequence[ScoredItem], factors: Mapping[int, float]) -> list[ScoredItem]:
    """Return the items with changed scores, best first. `factors` maps positions to factors, which are 1 by default."""
    changed = [item._replace(score=boosted(item.score, factors.get(item.position, 1.0))) for item in ranked]
    return sorted(changed, key=lambda item: -item.score)
