"""Application of the rules in their order.

Boosts change the scores of the recommender's items. Then pins, promotions and the rules of the list apply. Filters were
applied before, as masks of items (`functions.recommend.masks`).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from alsolike.configuration.rules import promoted_places
from alsolike.declarations.degraded_reasons import NO_CATALOGUE
from alsolike.declarations.times import DAY_MS
from alsolike.recommendations.request_fields import OF_ITEMS
from alsolike.runtime.errors import InvalidInput, Unavailable
from functions.recommend.masks import Positions, item_mask, passing, without
from functions.recommend.ranking.for_you import left_out_of, rank, rescored
from functions.recommend.ranking.inputs import Boost, Ranking, RankingInputs
from functions.recommend.ranking.model_runs import model_failure, rank_after
from functions.recommend.resolve import UNREADABLE, ResolvedRules, SelectedFilter
from functions.recommend.rules.slate import Pinned, Promoted, Random, Slate, SlateInputs, compose
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import GRAPH_ERRORS, NO_HISTORY, Mask

MAX_POOL = 1_000
MIN_POOL = 100
CANDIDATES_A_PLACE = 4
REFUSED_A_PLACE = 2.5
"""Factor by which slate rules increase the number of candidates, because they reject items."""
MAX_NEW_ITEMS = 100
"""Maximum number of items, latest first, from which exploration draws."""


def candidates_wanted(rules: ResolvedRules, k: int) -> int:
    own = rules.rules
    if own.slate or own.diversity or own.boosts or own.demotions:
        times = REFUSED_A_PLACE if own.slate else 1
        return min(int(max(CANDIDATES_A_PLACE * k, MIN_POOL) * times), MAX_POOL)
    return 2 * k + len(own.pins)  # Some candidates may already be in the list, as pins or promoted items.


def for_rules(inputs: RankingInputs, rules: ResolvedRules) -> tuple[RankingInputs, tuple[str, ...]]:
    """Return the inputs with boosts and with enough candidates for the rules, and the unmet boosts."""
    boosts: list[Boost] = []
    unmet: list[str] = []
    for boost in rules.boosts:
        try:
            boosts.append(Boost(boost.factor, _mask_of(boost.filter, inputs)))
        except Unavailable:
            unmet.append(f"{boost.label} {UNREADABLE}")
        except InvalidInput:
            unmet.append(f"{boost.label} invalid")
    return dataclasses.replace(inputs, k=candidates_wanted(rules, inputs.k), boosts=boosts), tuple(dict.fromkeys(unmet))


def arrange(
    ranking: Ranking, rules: ResolvedRules, inputs: RankingInputs, *, unmet: tuple[str, ...], random: Random
) -> Slate:
    """Return the list that satisfies the rules, from the recommender's items and items that rules add."""
    k, own = inputs.resolved.request.num_results, rules.rules
    candidates = _boosted(ranking, inputs) if rules.boosts else list(ranking.items[: inputs.k])
    scores = {candidate.position: candidate.score for candidate in candidates}
    excluded = _excluded(inputs)
    pins = _pins(rules, inputs, scores, excluded)
    promotions, unreadable, degraded = _promotions(rules, inputs, excluded, k)
    new = [] if own.exploration is None else new_items(inputs, excluded, days=own.exploration.new_for_days)
    positions = [
        *scores,
        *(pin.position for pin in pins),
        *(candidate.position for promotion in promotions for candidate in promotion.candidates),
        *new,
    ]
    names = {*(rule.column for rule in own.slate), *(own.diversity.columns if own.diversity else ())}
    one_per_product = inputs.resolved.one_per_product
    slate = compose(
        candidates,
        SlateInputs(
            pins,
            promotions,
            own.slate,
            own.diversity,
            own.exploration.share if own.exploration else 0.0,
            [ScoredItem(position, scores.get(position, 0.0)) for position in new],
            dict(zip(positions, inputs.items.products(positions), strict=True)) if one_per_product else {},
        ),
        k=k,
        columns=inputs.items.columns(positions, tuple(sorted(names))),
        random=random,
    )
    partly = tuple(f"{boost.label} partly" for boost in rules.boosts) if ranking.is_boosted_partly else ()
    all_unmet = dict.fromkeys((*rules.unmet, *unmet, *partly, *unreadable, *slate.unmet_rules))
    return Slate(slate.items, tuple(all_unmet), degraded)


def new_items(inputs: RankingInputs, excluded: Positions, *, days: int) -> list[int]:
    resolved = inputs.resolved
    seen = [] if resolved.model is None else left_out_of(inputs, resolved.model)
    positions = resolved.catalogue.newest(
        without(inputs.mask, excluded, inputs.items),
        since_ms=resolved.now_ms - days * DAY_MS,
        until_ms=resolved.now_ms,
        maximum=MAX_NEW_ITEMS + len(seen),
    )
    unseen: list[int] = positions[~np.isin(positions, seen)][:MAX_NEW_ITEMS].tolist()
    return unseen


def _mask_of(selected: SelectedFilter, inputs: RankingInputs) -> Mask | None:
    """Return the mask of deleted items and of items that do not pass a rule's filter; see `item_mask`.

    Raise `Unavailable` if the filter reads the catalogue or the user, and these cannot be read, and `InvalidInput` if
    its parameters lack valid values.
    """
    if selected.needs_catalogue and NO_CATALOGUE in inputs.resolved.degraded:
        raise Unavailable("the catalogue cannot be read")
    return item_mask(selected, inputs.resolved, inputs.user, inputs.items)


def _boosted(ranking: Ranking, inputs: RankingInputs) -> list[ScoredItem]:
    """Return the k items of a ranking with the best boosted scores, best first."""
    factors = {
        item.position: math.prod(
            boost.factor for boost in inputs.boosts if boost.mask is None or boost.mask[item.position] > -np.inf
        )
        for item in ranking.items
    }
    return rescored(ranking.items, factors)[: inputs.k]


def _excluded(inputs: RankingInputs) -> Positions:
    """Return the positions of items that no rule adds: items that the request excludes.

    For related items, the current page's item is included.
    """
    if inputs.resolved.request.recommender in OF_ITEMS:
        return np.append(inputs.items.excluded, inputs.items.page_item)
    return inputs.items.excluded


def _pins(rules: ResolvedRules, inputs: RankingInputs, scores: dict[int, float], excluded: Positions) -> list[Pinned]:
    positions = inputs.items.pins
    if not len(positions):
        return []
    left_out = frozenset(excluded.tolist())
    page_item = inputs.resolved.request.item_id if inputs.resolved.request.recommender in OF_ITEMS else None
    known = inputs.items.known(positions).tolist()
    pins = []
    for pin, position, is_known in zip(rules.rules.pins, positions.tolist(), known, strict=True):
        refusal = None
        if position in left_out or pin.item_id == page_item:
            refusal = "excluded"
        elif not is_known:
            refusal = "unknown"
        elif inputs.mask is not None and inputs.mask[position] == -np.inf:
            refusal = "filtered"
        pins.append(Pinned(position, pin.item_id, pin.position, scores.get(position, 0.0), refusal))
    return pins


def _promotions(
    rules: ResolvedRules, inputs: RankingInputs, excluded: Positions, k: int
) -> tuple[list[Promoted], list[str], tuple[str, ...]]:
    """Return the promotions with candidates, the unmet promotions, and the causes if the model did not run."""
    promoted: list[Promoted] = []
    unmet: list[str] = []
    degraded: tuple[str, ...] = ()
    places = promoted_places([promotion.share for promotion in rules.promotions], k)
    for promotion, count in zip(rules.promotions, places, strict=True):
        if not count and not promotion.is_of_request:
            continue
        try:
            mask = _mask_of(promotion.filter, inputs)
        except Unavailable:
            unmet.append(f"promotion:{promotion.name} {UNREADABLE}")
            continue
        except InvalidInput:
            if promotion.is_of_request:
                raise
            unmet.append(f"promotion:{promotion.name} invalid")
            continue
        if count:
            pool = min(CANDIDATES_A_PLACE * count + len(rules.rules.pins) + k, MAX_POOL)
            allowed = without(mask, excluded, inputs.items)
            ranking = promotion_candidates(dataclasses.replace(inputs, mask=allowed, k=pool))
            degraded += ranking.degraded
            promoted.append(Promoted(promotion.name, count, ranking.items))
    return promoted, unmet, degraded


def promotion_candidates(inputs: RankingInputs) -> Ranking:
    """Return the best items that the mask allows, followed by popular items.

    The model ranks items for the user, or after the current page's item. Without a model, return trending items.
    """
    resolved, model, items, k = inputs.resolved, inputs.resolved.model, inputs.items, inputs.k
    if model is None:
        return Ranking(passing(items.fallback, inputs.mask)[:k])
    mask = items.neutral() if inputs.mask is None else inputs.mask
    starts_from_item = resolved.request.recommender in OF_ITEMS
    ranked: list[ScoredItem] = []
    degraded: tuple[str, ...] = ()
    history = NO_HISTORY
    if not starts_from_item:
        history = model.history(inputs.recent, items.history, user=inputs.user.columns)
    try:
        if starts_from_item:
            known = 0 < items.page_item <= model.bundle.manifest.items
            if known and not (degraded := model.delay(inputs.budget, masked=True)):
                ranked = rank_after(inputs, [items.page_item], mask, k=k)
        elif inputs.recent and not (degraded := model.delay(inputs.budget, masked=True)):
            ranked = rank(model, resolved.catalogue, history, [mask], k=k, now_ms=resolved.now_ms)
    except GRAPH_ERRORS as error:
        degraded = model_failure(error)
    filling = model.popular(
        k - len(ranked), history=history, after=ranked, mask=mask, cold=resolved.catalogue.cold_filling(mask)
    )
    return Ranking([*ranked, *filling], degraded=degraded)
