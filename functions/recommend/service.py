"""The answer to a request: its recommender, its items, and the reasons for them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Sequence

from alsolike.domain import recommendation_id
from alsolike.domain.configuration import Configuration
from alsolike.domain.experiments import NO_ARMS
from alsolike.domain.rules import Promotion, RuleSet
from alsolike.lake.served import FILLED
from alsolike.recommendations.requests import PERSONALIZED_RANKING
from alsolike.registry.canary import assign
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import PolledValue
from alsolike.runtime.struct import struct
from alsolike.trends.trends import Trends
from functions.recommend.http.request import RecommendationRequest, permitted, resolved
from functions.recommend.http.response import Answer, RankedItem, metadata
from functions.recommend.ranking.context import UNLIMITED, Budget, RequestContext
from functions.recommend.ranking.explanation import reasons
from functions.recommend.ranking.recommenders import (
    NOTHING,
    RECOMMENDERS,
    RecommenderResult,
    model_failure,
    scale_below,
)
from functions.recommend.rules.merchandising import Merchandising
from functions.recommend.state.model import GRAPH_ERRORS, History
from functions.recommend.state.serving_state import NO_CATALOGUE, NO_CONFIGURATION, ServingState
from functions.recommend.state.stores import UserStores

NO_VERSION = "none"

OWN_RULES = ""
"""Stands for the rule set of the recommender."""

MORE_CANDIDATES, MAX_CANDIDATES_A_PLACE = 1.5, 3.0
"""Factor on the candidates if they are too few products, up to about so many a place."""


@struct
class Recommender:
    """Answers requests with one state at one time; single requests, batches, replays and previews use it.

    Attributes
    ----------
    people
        The stores to read the requesting users from.
    trends
        The trending items, read on the first use.
    now_ms
        The time of the answers.
    """

    state: ServingState
    people: UserStores
    trends: PolledValue[Trends]
    now_ms: int

    def answer(
        self, request: RecommendationRequest, *, budget: Budget | None = None, rules: str | None = OWN_RULES
    ) -> Answer:
        """Answer a request; return a degraded answer after a failure, but never an item that a filter rejects.

        Parameters
        ----------
        budget
            The time budget; None for no limit.
        rules
            Name of the rule set that applies; None for no rules.

        Raises
        ------
        NotFound
            If it names an unknown filter, campaign or recommender.
        Unavailable
            If it names one that only the configuration can define, which was never read.
        InvalidInput
            If it lacks an input of its filter, or a session may not send it.
        """
        state, now_ms = self.state, self.now_ms
        configuration = None if NO_CONFIGURATION in state.degraded else state.configuration
        if request.alias is not None and configuration is None:
            raise Unavailable("the configuration, which defines campaigns of other names, cannot be read")
        if request.session_id is not None:
            request = permitted(request, None if configuration is None else configuration.sessions)
        if request.alias is not None:
            request = resolved(request, state.configuration.aliases)
        assignment = NO_ARMS
        if state.configuration.experiments or state.canary is not None:
            assignment = assign(
                state.configuration.experiments.values(),
                state.canary,
                recommender=request.recommender,
                unit=request.user_id or request.session_id,
                now_ms=now_ms,
            )
        if assignment.model is not None:
            state = state.with_model(assignment.model)
        answering = assignment.recommender or request.recommender
        context = RequestContext(
            request,
            state,
            answering=answering,
            people=self.people,
            trends=self.trends,
            budget=budget or Budget(UNLIMITED),
            now_ms=now_ms,
        )
        chosen = context.chosen
        if rules == OWN_RULES and assignment.rules is not None:
            rules = assignment.rules
        version = NO_VERSION if state.model is None else state.model.version
        # Made before the model runs, while the processor's caches hold the program.
        said = recommendation_id.create(
            answered_ms=now_ms, recommender=request.recommender, version=version, arms=assignment.arms
        )
        applied = rule_set(context.request, state.configuration, now_ms=now_ms, name=rules)
        steered = None if applied is None else Merchandising(applied, context)
        if steered is not None:
            context = steered.context
        result, slate = NOTHING, None
        if context.is_filter_known and not (NO_CATALOGUE in state.degraded and chosen.needs_catalogue):
            try:
                if steered is None:
                    result = _recommend(context)
                else:
                    result = RECOMMENDERS[answering](context)
                    slate = steered.arrange(result)
            except Unavailable:  # the filter looks at what cannot be read of the user, which is declared by then
                if not (chosen.needs_user or chosen.needs_history):
                    raise
        places = result.items if slate is None else slate.places
        items, unexplained = _items(context, places, result.history)
        failed = (*result.degraded, *(() if slate is None else slate.degraded), *unexplained)
        return Answer(
            items,
            said,
            result.source if places else "none",
            sum(place.origin == FILLED for place in places),
            _cold(context, result, places),
            result.within,
            version,
            tuple(dict.fromkeys((*context.degraded, *failed))),
            assignment.arms,
            None if slate is None or applied is None else applied.name or None,
            () if slate is None else tuple(slate.unmet_rules),
            filter=chosen.name or None,
            configuration=state.configuration.version,
            unknown_columns=_unknown_columns(context, items, declared=state.configuration.item_columns),
            model_scores=result.model_scores,
        )


def rule_set(
    request: RecommendationRequest, configuration: Configuration, *, now_ms: int, name: str | None = OWN_RULES
) -> RuleSet | None:
    """Return the rules that apply to a request, None if there are none.

    The promotions and the exploration of the request replace those of the rule set. If the request ranks given items,
    all of them are returned: boosts, demotions and diversity order them, and no other rule applies.

    Parameters
    ----------
    name
        A rule set that replaces that of the recommender; None for the rules of the request only.
    """
    chosen = configuration.recommenders[request.recommender].rules if name == OWN_RULES else name
    rules = None if chosen is None else configuration.rules[chosen].at(now_ms)
    if request.promotions is not None:
        promotions = tuple(
            Promotion(promotion.filter_name, promotion.share, promotion.name) for promotion in request.promotions
        )
        rules = dataclasses.replace(rules or RuleSet(""), promotions=promotions)
    if request.exploration is not None:
        rules = dataclasses.replace(rules or RuleSet(""), exploration=request.exploration)
    if rules is not None and request.recommender == PERSONALIZED_RANKING:
        rules = dataclasses.replace(rules, promotions=(), pins=(), slate=(), exploration=None)
    return None if rules is None or rules.is_empty else rules


def _recommend(context: RequestContext) -> RecommenderResult:
    """Return the recommender's result, in which the best variant of each product has a place.

    The other variants follow only if products do not suffice, and count as filled.
    """
    recommend, catalogue, k = RECOMMENDERS[context.request.recommender], context.catalogue, context.wanted
    if not context.one_per_product:
        return recommend(context)
    context.wanted = math.ceil(catalogue.candidates_a_place * k)
    result = recommend(context)
    best = _best_variants(context, result.items)
    while (
        len(best) < k and len(result.items) == context.wanted and catalogue.candidates_a_place < MAX_CANDIDATES_A_PLACE
    ):
        catalogue.candidates_a_place *= MORE_CANDIDATES
        context.wanted = math.ceil(catalogue.candidates_a_place * k)
        more = recommend(context)
        if more.degraded:  # no time is left for it
            break
        result, best = more, _best_variants(context, more.items)
    if len(best) < min(k, len(result.items)):
        best = [*best, *_after(best, result.items)]
    return result if best is result.items and len(best) <= k else dataclasses.replace(result, items=best[:k])


def _best_variants(context: RequestContext, items: Sequence[RankedItem]) -> Sequence[RankedItem]:
    """Return the first item of each product."""
    product_of = context.catalogue.products([item.item_id for item in items])
    best: dict[int, RankedItem] = {}
    for item in items:
        best.setdefault(product_of[item.item_id], item)
    return list(best.values())


def _after(best: Sequence[RankedItem], items: Sequence[RankedItem]) -> list[RankedItem]:
    """Return the other items, with lower scores than the best."""
    others = [item for item in items if item not in best]
    scale = scale_below(best[-1].score, others[0].score)
    return [item._replace(score=item.score * scale, origin=FILLED) for item in others]


def _unknown_columns(
    context: RequestContext, places: Sequence[RankedItem], *, declared: Container[str]
) -> tuple[str, ...]:
    """Return the requested columns that are neither declared nor a property of an item in the answer."""
    if not places:
        return ()
    there = {name for place in places for name in place.metadata or ()}
    columns = context.request.metadata_columns
    return tuple(name for name, key in columns if key not in declared and name not in there)


def _cold(context: RequestContext, result: RecommenderResult, places: Sequence[RankedItem]) -> int:
    """Return how many items the model does not know, among those that it ranked and that are in the answer."""
    if context.model is None or not result.cold:
        return 0
    ranked = {item.item_id for item in result.items if item.origin != FILLED}
    positions = context.catalogue.positions([place.item_id for place in places if place.item_id in ranked])
    return int((positions > context.model.bundle.manifest.items).sum())


def _items(
    context: RequestContext, places: Sequence[RankedItem], history: History
) -> tuple[Sequence[RankedItem], tuple[str, ...]]:
    """Return the places with the requested metadata columns and reasons, and why the model did not explain them."""
    columns = context.request.metadata_columns
    if columns:
        properties = context.catalogue.properties([place.item_id for place in places])
        shown = [metadata(values, columns) for values in properties]
        places = [place._replace(metadata=values) for place, values in zip(places, shown, strict=True)]
    degraded: tuple[str, ...] = ()
    if context.request.explain:
        why, degraded = _reasons(context, places, history)
        places = [place._replace(reasons=why.get(place.item_id, [])) for place in places]
    return places, degraded


def _reasons(
    context: RequestContext, places: Sequence[RankedItem], history: History
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Return the reasons of each item that the model ranked, and why the model failed to explain them."""
    model = context.model
    if model is None or not len(history):
        return {}, ()
    item_ids = [place.item_id for place in places if place.origin != FILLED]
    positions = context.catalogue.positions(item_ids).tolist()
    known = [place for place, position in enumerate(positions) if 0 < position <= model.bundle.manifest.items]
    try:
        explained = reasons(
            [item_ids[place] for place in known],
            [positions[place] for place in known],
            model=model,
            history=history,
            recent=[context.recent[index] for index in history.indices],
            now_ms=context.now_ms,
        )
    except GRAPH_ERRORS as error:  # the batches of its runs take more memory than the one that ranked
        return {}, model_failure(error)
    return explained, ()
