"""The rules of an answer, and their application to the items that a recommender finds."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from alsolike.domain.rules import Boost, Promotion, RuleSet, promoted_places
from alsolike.recommendations.requests import OF_ITEMS
from alsolike.runtime.errors import InvalidInput, Unavailable
from functions.recommend.http.response import RankedItem
from functions.recommend.ranking.context import NO_POSITIONS, RequestContext, SelectedFilter, named_filter
from functions.recommend.ranking.recommenders import (
    LADDER_WINDOW,
    RecommenderResult,
    model_failure,
    rank,
    ranked_after,
    seen_cold,
)
from functions.recommend.rules.slate import Pinned, Promoted, Random, Slate, SlateCandidate, Steering, compose
from functions.recommend.state.model import GRAPH_ERRORS, NO_HISTORY, Bias, Ranked
from functions.recommend.state.serving_state import NO_CATALOGUE, NO_CONFIGURATION

MAX_POOL = 1_000
"""So many items at most are chosen among."""
LEAST_POOL = 100
CANDIDATES_A_PLACE = 4
REFUSED_A_PLACE = 2.5
"""Factor on the number of candidates with slate rules, which reject items."""
MAX_NEW_ITEMS = 100
"""Maximum number of items, the latest ones, that exploration draws from."""

MAX_CLASSES = 16
"""Maximum number of distinct factors over all items; each needs a run of the model."""
DAY_MS = 86_400_000

_UNREADABLE = "unreadable"


class Merchandising:
    """The application of a rule set to one request.

    Parameters
    ----------
    context
        Of the request, before rules.

    Attributes
    ----------
    context
        The context for the recommender, with the number of items and the classes that the rules need.

    Raises
    ------
    NotFound, InvalidInput
        If a promotion of the request names an unknown filter, or lacks the filter's values.
    """

    def __init__(self, rules: RuleSet, context: RequestContext, *, source: Random | None = None) -> None:
        self._rules = rules
        self.context = context
        self._random = source or random.SystemRandom()  # a seeded generator would repeat in restored snapshots
        self._unmet: dict[str, None] = {}
        self._boosts = [
            *(("boost", boost) for boost in rules.boosts),
            *(("demotion", boost) for boost in rules.demotions),
        ]
        self._promotions = list(self._chosen_promotions())
        self.context = context.steered(
            wanted=self._wanted(context.request.num_results), classes=self._classes if self._boosts else None
        )

    def arrange(self, result: RecommenderResult) -> Slate:
        """Return the list that fulfils the rules, from the recommender's items and those that rules add."""
        context, rules, k = self.context, self._rules, self.context.request.num_results
        candidates = self._boosted(result)
        scores = {candidate.item_id: candidate.score for candidate in candidates}
        promoted, degraded = self._promoted(k)
        steering = Steering(
            pins=[
                Pinned(pin.item_id, pin.position, scores.get(pin.item_id, 0.0), refusal)
                for pin, refusal in zip(rules.pins, self._refusals(), strict=True)
            ],
            promotions=promoted,
            slate=rules.slate,
            diversity=rules.diversity,
            explored_share=rules.exploration.share if rules.exploration else 0.0,
            new_items=[SlateCandidate(item_id, scores.get(item_id, 0.0)) for item_id in self._new_items()],
        )
        item_ids = [
            *scores,
            *(pin.item_id for pin in rules.pins),
            *(candidate.item_id for promotion in steering.promotions for candidate in promotion.candidates),
            *(candidate.item_id for candidate in steering.new_items),
        ]
        names = {*(rule.column for rule in rules.slate), *(rules.diversity.columns if rules.diversity else ())}
        slate = compose(
            candidates,
            steering,
            k=k,
            columns=context.catalogue.columns(item_ids, tuple(sorted(names))),
            products=self._products(item_ids),
            random=self._random,
        )
        unmet_rules = (*self._unmet, *(reason for reason in slate.unmet_rules if reason not in self._unmet))
        return Slate(slate.places, unmet_rules, degraded)

    def _products(self, item_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the product of each item; empty if each item has a place of its own."""
        if not self.context.one_per_product:
            return {}
        return self.context.catalogue.products(item_ids)

    def _wanted(self, k: int) -> int:
        """Return how many candidates there are to be for k places."""
        rules = self._rules
        if rules.slate or rules.diversity or rules.boosts or rules.demotions:
            times = REFUSED_A_PLACE if rules.slate else 1
            return min(int(max(CANDIDATES_A_PLACE * k, LEAST_POOL) * times), MAX_POOL)
        return 2 * k + len(rules.pins)  # items of other rules may be among the candidates

    def _chosen_promotions(self) -> Sequence[tuple[Promotion, SelectedFilter]]:
        request, configuration = self.context.request, self.context.configuration
        if NO_CONFIGURATION in self.context.state_degraded:
            self._unmet |= dict.fromkeys(
                f"promotion:{promotion.called} {_UNREADABLE}" for promotion in self._rules.promotions
            )
            return []
        if request.promotions is None:
            return [(promotion, self._own(promotion.filter)) for promotion in self._rules.promotions]
        where = "promotions[0].filterArn"
        return [
            (
                promotion,
                named_filter(promotion.filter, request, configuration, values=sent.filter_values, where=where),
            )
            for promotion, sent in zip(self._rules.promotions, request.promotions, strict=True)
        ]

    def _own(self, name: str) -> SelectedFilter:
        return named_filter(name, self.context.request, self.context.configuration)

    def _bias_of(self, chosen: SelectedFilter, what: str, *, of_request: bool = False) -> Bias | None:
        """Return the bias of a rule's filter; None, with a declared reason, if it cannot be evaluated now."""
        if chosen.needs_catalogue and NO_CATALOGUE in self.context.state_degraded:
            self._unmet[f"{what} {_UNREADABLE}"] = None
            return None
        try:
            return self.context.bias_of(chosen)
        except Unavailable:
            self._unmet[f"{what} {_UNREADABLE}"] = None
        except InvalidInput:
            if of_request:
                raise
            self._unmet[f"{what} invalid"] = None
        return None

    @functools.cached_property
    def _factors(self) -> list[tuple[Boost, SelectedFilter, Bias]]:
        """Return the boosts and demotions whose filters can be read."""
        factors = []
        for kind, boost in self._boosts:
            chosen = self._own(boost.filter)
            bias = self._bias_of(chosen, f"{kind}:{boost.filter}")
            if bias is not None:
                factors.append((boost, chosen, bias))
        return factors

    def _classes(self) -> list[Bias] | None:
        """Return the biases that divide all items by their factors; None, with a declared reason, if time is short."""
        context = self.context
        assert context.model is not None
        factors = self._factors
        allowed = context.catalogue.neutral() if context.bias is None else context.bias
        parts = factor_groups(
            (bias for _, _, bias in factors), [boost.factor for boost, _, _ in factors], allowed=allowed
        )
        expected_ms = context.model.expected_ms(with_bias=True) * len(parts)
        if len(parts) <= MAX_CLASSES and context.budget.allows(expected_ms):
            return parts
        self._unmet |= dict.fromkeys(f"{kind}:{boost.filter} partly" for kind, boost in self._boosts)
        return None

    def _boosted(self, result: RecommenderResult) -> list[SlateCandidate]:
        """Return the items of a result by their boosted scores, best first."""
        item_ids = [item.item_id for item in result.items]
        factors = [1.0] * len(item_ids)
        for boost, chosen, bias in self._factors:
            passes = self.context.passes(item_ids, chosen, bias=bias)
            factors = [
                factor * boost.factor if passed else factor for factor, passed in zip(factors, passes, strict=True)
            ]
        candidates = [
            SlateCandidate(item.item_id, boosted(item.score, factor), item.origin)
            for item, factor in zip(result.items, factors, strict=True)
        ]
        if self._boosts:
            candidates.sort(key=lambda candidate: -candidate.score)
        return candidates[: self.context.wanted]

    def _refusals(self) -> list[str | None]:
        """Return why each pin's item may not be answered."""
        item_ids = [pin.item_id for pin in self._rules.pins]
        if not item_ids:
            return []
        barred = frozenset(excluded_ids(self.context))
        known = self.context.catalogue.known(item_ids).tolist()
        return [
            "excluded" if item_id in barred else "unknown" if not is_known else None if allowed else "filtered"
            for item_id, is_known, allowed in zip(item_ids, known, self.context.allowed(item_ids), strict=True)
        ]

    def _promoted(self, k: int) -> tuple[list[Promoted], tuple[str, ...]]:
        """Return the promotions with their candidates, and the reasons if the model did not rank for one of them."""
        promoted: list[Promoted] = []
        degraded: tuple[str, ...] = ()
        places = promoted_places([promotion.share for promotion, _ in self._promotions], k)
        for (promotion, chosen), count in zip(self._promotions, places, strict=True):
            of_request = self.context.request.promotions is not None
            if not count and not of_request:
                continue
            bias = self._bias_of(chosen, f"promotion:{promotion.called}", of_request=of_request)
            if bias is not None and count:
                wanted = min(CANDIDATES_A_PLACE * count + len(self._rules.pins) + k, MAX_POOL)
                result = promotion_candidates(self.context, chosen, bias, k=wanted)
                degraded += result.degraded
                candidates = [SlateCandidate(item.item_id, item.score) for item in result.items]
                promoted.append(Promoted(promotion.called, count, candidates))
        return promoted, degraded

    def _new_items(self) -> list[str]:
        if self._rules.exploration is None:
            return []
        return new_items(self.context, days=self._rules.exploration.new_for_days, most=MAX_NEW_ITEMS)


def excluded_ids(context: RequestContext) -> Sequence[str]:
    """Return the items that no rule adds: those that the request excludes, and the one that it starts from."""
    item_id = context.request.item_id
    return [*context.excluded, *([item_id] if item_id and context.request.recommender in OF_ITEMS else [])]


def promotion_candidates(context: RequestContext, chosen: SelectedFilter, bias: Bias, *, k: int) -> RecommenderResult:
    """Return the best items that pass a rule's own filter, followed by popular ones.

    They are the model's ranking for the user, or after the item that the recommender starts from; without a model,
    trending items.

    Parameters
    ----------
    bias
        The bias of the filter.
    """
    model = context.model
    if model is None:
        trending = context.trends.best(LADDER_WINDOW, now_ms=context.now_ms)
        passes = context.passes([item_id for item_id, _ in trending], chosen, bias=bias)
        left_out = excluded_ids(context)
        items = [RankedItem(*item) for item, passed in zip(trending, passes, strict=True) if passed]
        return RecommenderResult([item for item in items if item.item_id not in left_out][:k])
    allowed = context.without(bias, excluded_ids(context))
    assert allowed is not None
    of_model = allowed[: model.bundle.manifest.items + 1]
    of_item = context.request.recommender in OF_ITEMS
    ranked: Sequence[Ranked] = ()
    degraded: tuple[str, ...] = ()
    try:
        if of_item:
            position = int(context.catalogue.positions([context.request.item_id or ""])[0])
            known = 0 < position <= model.bundle.manifest.items
            if known and not (degraded := context.model_delay(with_bias=True)):
                ranked = ranked_after(context, [position], k=k, bias=of_model)
        elif context.recent and not (degraded := context.model_delay(with_bias=True)):
            ranked = rank(
                context.recent, context.positions, model=model, catalogue=context.catalogue, bias=allowed,
                group=lambda: None, user=context.user_columns, k=k, now_ms=context.now_ms,
            ).ranked  # fmt: skip
    except GRAPH_ERRORS as error:
        degraded = model_failure(error)
    history = NO_HISTORY if of_item else context.history(model)
    filling = model.popular(
        k - len(ranked),
        history=history,
        after=ranked,
        bias=of_model,
        leave_out=() if of_item else seen_cold(context.recent, context.positions, model).tolist(),
        cold=context.catalogue.cold_filling(allowed),
    )
    return RecommenderResult(context.named([*ranked, *filling]), degraded=degraded)


def new_items(context: RequestContext, *, days: int, most: int) -> list[str]:
    """Return items that are new and may be answered, the latest first."""
    bias = context.without(context.bias, excluded_ids(context))
    seen = (
        context.positions if context.model is not None and context.model.bundle.manifest.exclude_seen else NO_POSITIONS
    )
    positions = context.catalogue.newest(
        bias, since_ms=context.now_ms - days * DAY_MS, until_ms=context.now_ms, most=most + len(seen)
    )
    unseen = positions[~np.isin(positions, seen)]
    return context.catalogue.item_ids(unseen[:most].tolist())


def boosted(score: float, factor: float) -> float:
    """Return a score with its boost or demotion: multiplied by the factor if it is at least 0, else divided.

    So a boost always raises an item, and within the items of one factor the order stays. An item's factor is the
    product of those whose filters it passes.
    """
    return score * factor if score >= 0 else score / factor


def factor_groups(passing: Iterable[Bias], factors: Sequence[float], *, allowed: Bias) -> list[Bias]:
    """Return a bias for each factor of the items, which bars items with another factor.

    The best k boosted scores are among the best k of each class.

    Parameters
    ----------
    passing
        For each of the factors, the bias of its filter.
    allowed
        The bias that always applies.
    """
    codes = np.zeros(len(allowed), np.uint32)
    for place, bias in enumerate(passing):
        codes |= (bias > -np.inf).astype(np.uint32) << place
    present = np.flatnonzero(np.bincount(codes[allowed > -np.inf], minlength=1)).tolist()
    by_factor: dict[float, list[int]] = {}
    for code in present:
        product = math.prod(factor for place, factor in enumerate(factors) if code >> place & 1)
        by_factor.setdefault(round(product, 12), []).append(code)
    class_of = np.full(2 ** len(factors), -1, np.int32)
    for number, members in enumerate(by_factor.values()):
        class_of[members] = number
    numbers = class_of[codes]
    barred = np.float32(-np.inf)
    return [np.where(numbers == number, allowed, barred) for number in range(len(by_factor))]
