"""Steps from a request to its response with item IDs and, if requested, columns and reasons."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from alsolike.catalogue.rows import column_texts
from alsolike.records.served_response import FILLED
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import PolledValue
from alsolike.runtime.struct import struct
from alsolike.trends.counters import Trends
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.http.response import Answer, RankedItem, UsedState
from functions.recommend.masks import allowed_items, needs_trends, request_items
from functions.recommend.ranking.explanation import reasons
from functions.recommend.ranking.inputs import Ranking, RankingInputs
from functions.recommend.ranking.model_runs import model_failure
from functions.recommend.ranking.recommenders import RECOMMENDERS
from functions.recommend.ranking.related import scale_below
from functions.recommend.resolve import NO_VERSION, OWN_RULES, Replayed, ResolvedRequest, resolve
from functions.recommend.rules.apply import arrange, for_rules
from functions.recommend.rules.slate import Slate
from functions.recommend.rules.swaps import in_random_pairs
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import GRAPH_ERRORS, UNLIMITED, Budget
from functions.recommend.state.serving_state import ServingState
from functions.recommend.state.stores import UserStores
from functions.recommend.user_data import StoredUser, stored_user

MORE_CANDIDATES, MAX_CANDIDATES_A_PLACE = 1.5, 3.0
"""Factor by which the number of candidates per position grows while the candidates contain too few products. It grows
only while it is below `MAX_CANDIDATES_A_PLACE`, so the last step may exceed this value."""


@struct
class Recommender:
    """Recommender for one serving state at one time."""

    state: ServingState
    stores: UserStores
    trends: PolledValue[Trends]
    now_ms: int

    def answer(
        self,
        request: RecommendationRequest,
        *,
        budget: Budget | None = None,
        rules: str | None = OWN_RULES,
        swaps: bool = False,
        replayed: Replayed | None = None,
    ) -> Answer:
        """Recommend items. A response after a failure is degraded, but its filters still apply.

        `rules` names a rule set, or is `OWN_RULES`; None for the rules of the request only. With `swaps`, a configured
        share of responses has neighbours in random order. Raise the errors of `resolve`, and `InvalidInput` if the
        parameters of a filter lack valid values.
        """
        resolved = resolve(request, self.state, rules=rules, now_ms=self.now_ms, replayed=replayed)
        user = stored_user(resolved, self.stores)
        if not resolved.is_answerable:
            return empty_answer(resolved, degraded=resolved.degraded)
        try:
            inputs = self._inputs(resolved, user, budget or Budget(UNLIMITED))
            ranking, slate = recommend(inputs)
            share = resolved.configuration.recommenders[resolved.requested_recommender].swaps
            if swaps and share and (numbers := random_numbers(resolved, "swaps")).random() < share:
                ranking, slate = with_random_pairs(ranking, slate, numbers)
        except Unavailable:  # The filter requires user data that cannot be read.
            if not (resolved.filter.needs_user or resolved.filter.needs_history):
                raise
            return empty_answer(resolved, degraded=self._degraded(resolved, user))
        return named_answer(resolved, inputs, ranking, slate, degraded=self._degraded(resolved, user))

    def _inputs(self, resolved: ResolvedRequest, user: StoredUser, budget: Budget) -> RankingInputs:
        recent = user.profile.recent if resolved.needs_history else ()
        items = request_items(resolved, recent, lambda: self.trends.current(now_ms=self.now_ms))
        mask = allowed_items(resolved, user, items)
        return RankingInputs(resolved, user, recent, items, mask, resolved.request.num_results, budget)

    def _degraded(self, resolved: ResolvedRequest, user: StoredUser) -> tuple[str, ...]:
        trends = self.trends.degraded if needs_trends(resolved) else None
        return (*resolved.degraded, *user.degraded, *(() if trends is None else (trends,)))


def recommend(inputs: RankingInputs) -> tuple[Ranking, Slate | None]:
    resolved, rules = inputs.resolved, inputs.resolved.rules
    rank = RECOMMENDERS[resolved.request.recommender]
    if rules is None:
        return (one_per_product(rank, inputs) if resolved.one_per_product else rank(inputs)), None
    inputs, unmet = for_rules(inputs, rules)
    ranking = rank(inputs)
    return ranking, arrange(ranking, rules, inputs, unmet=unmet, random=random_numbers(resolved, "exploration"))


def random_numbers(resolved: ResolvedRequest, purpose: str) -> random.Random:
    """Return a generator seeded with the purpose and the recommendation ID, which contains random bytes of the system.

    So a replay of the response draws the same items, and restored snapshots of the process never repeat numbers.
    """
    return random.Random(f"{purpose} {resolved.recommendation_id}")  # noqa: S311 - no secret


def with_random_pairs(ranking: Ranking, slate: Slate | None, numbers: random.Random) -> tuple[Ranking, Slate | None]:
    """Return the ranking and the slate, with neighbours of the slate, or else of the ranking, in random order."""
    if slate is None:
        return dataclasses.replace(ranking, items=in_random_pairs(ranking.items, random=numbers)), None
    return ranking, dataclasses.replace(slate, items=in_random_pairs(slate.items, random=numbers))


def one_per_product(recommend: Callable[[RankingInputs], Ranking], inputs: RankingInputs) -> Ranking:
    """Return a recommender's list with only the best variant of each product.

    Other variants, with the origin `filled`, follow only if there are too few products.
    """
    k, per_place = inputs.k, inputs.resolved.catalogue.candidates_per_place
    candidates = math.ceil(per_place * k)
    ranking = recommend(inputs if candidates == k else dataclasses.replace(inputs, k=candidates))
    best = _best_variants(ranking.items, inputs)
    while len(best) < k and len(ranking.items) == candidates and per_place < MAX_CANDIDATES_A_PLACE:
        per_place *= MORE_CANDIDATES
        candidates = math.ceil(per_place * k)
        more = recommend(dataclasses.replace(inputs, k=candidates))
        if more.degraded:  # There was no time for another model run, or the run failed.
            break
        ranking, best = more, _best_variants(more.items, inputs)
    if len(best) < min(k, len(ranking.items)):
        best = [*best, *_other_variants(best, ranking.items)]
    elif len(best) == len(ranking.items) <= k:
        return ranking
    return dataclasses.replace(ranking, items=best[:k])


def _best_variants(items: Sequence[ScoredItem], inputs: RankingInputs) -> list[ScoredItem]:
    best: dict[int, ScoredItem] = {}
    for product, item in zip(inputs.items.products([item.position for item in items]), items, strict=True):
        best.setdefault(product, item)
    return list(best.values())


def _other_variants(best: Sequence[ScoredItem], items: Sequence[ScoredItem]) -> list[ScoredItem]:
    """Return the other variants of the products, with scores scaled below those of the best variants."""
    others = [item for item in items if item not in best]
    scale = scale_below(best[-1].score, others[0].score)
    return [item._replace(score=item.score * scale, origin=FILLED) for item in others]


def empty_answer(resolved: ResolvedRequest, *, degraded: Sequence[str]) -> Answer:
    return _answer(resolved, degraded=degraded, used=UsedState(resolved.catalogue.version))


def named_answer(
    resolved: ResolvedRequest, inputs: RankingInputs, ranking: Ranking, slate: Slate | None, *, degraded: Sequence[str]
) -> Answer:
    """Return the response with the items of the slate, or of the ranking if no rules apply."""
    scored = ranking.items if slate is None else slate.items
    items = named(scored, inputs)
    unexplained: tuple[str, ...] = ()
    if resolved.request.explain:
        items, unexplained = _explained(items, scored, ranking, inputs)
    failed = (*ranking.degraded, *(() if slate is None else slate.degraded), *unexplained)
    return _answer(
        resolved,
        items=items,
        source=ranking.source if items else "none",
        filled=sum(item.origin == FILLED for item in scored),
        cold=sum(item.position in ranking.cold for item in scored) if ranking.cold else 0,
        within=ranking.within,
        degraded=(*degraded, *failed),
        unmet_rules=() if slate is None else tuple(slate.unmet_rules),
        rules=None if slate is None or resolved.rules is None else resolved.rules.rules.name or None,
        unknown_columns=_unknown_columns(resolved, items, declared=resolved.configuration.item_columns),
        model_scores=[ranking.model_scores.get(item.position) for item in scored] if ranking.model_scores else None,
        used=UsedState(resolved.catalogue.version, inputs.recent, inputs.items.counters, ranking.impressions),
    )


def named(scored: Sequence[ScoredItem], inputs: RankingInputs) -> list[RankedItem]:
    if not scored:
        return []
    positions, scores, origins, propensities = zip(*scored, strict=True)
    item_ids = inputs.items.item_ids(positions)
    columns = inputs.resolved.request.metadata_columns
    if not columns:
        return list(map(RankedItem, item_ids, scores, origins, propensities))
    shown = [column_texts(properties, columns) for properties in inputs.items.properties(positions)]
    return list(map(RankedItem, item_ids, scores, origins, propensities, shown))


def _answer(resolved: ResolvedRequest, *, degraded: Sequence[str], **fields: Any) -> Answer:
    return Answer(
        recommendation_id=resolved.recommendation_id,
        recommender=resolved.requested_recommender,
        version=NO_VERSION if resolved.model is None else resolved.model.version,
        degraded=tuple(dict.fromkeys(degraded)),
        arms=resolved.arms,
        filter=resolved.filter.name or None,
        configuration=resolved.configuration.version,
        **fields,
    )


def _explained(
    items: Sequence[RankedItem], scored: Sequence[ScoredItem], ranking: Ranking, inputs: RankingInputs
) -> tuple[list[RankedItem], tuple[str, ...]]:
    reasons_of: Mapping[int, list[str]] = {}
    degraded: tuple[str, ...] = ()
    model, history = inputs.resolved.model, ranking.history
    if model is not None and len(history):
        known = model.bundle.manifest.items
        explained = [item.position for item in scored if item.origin != FILLED and 0 < item.position <= known]
        recent = [inputs.recent[index] for index in history.indices]
        try:
            reasons_of = reasons(explained, model=model, history=history, recent=recent, now_ms=inputs.resolved.now_ms)
        except GRAPH_ERRORS as error:
            degraded = model_failure(error)
    positions = [item.position for item in scored]
    with_reasons = [
        item._replace(reasons=reasons_of.get(position, [])) for item, position in zip(items, positions, strict=True)
    ]
    return with_reasons, degraded


def _unknown_columns(
    resolved: ResolvedRequest, items: Sequence[RankedItem], *, declared: Container[str]
) -> tuple[str, ...]:
    if not items:
        return ()
    present = {name for item in items for name in item.metadata or ()}
    columns = resolved.request.metadata_columns
    return tuple(name for name, key in columns if key not in declared and name not in present)
