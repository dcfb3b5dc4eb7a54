"""Resolution of the names in a request: alias, permissions, arms, filter and rules."""

from __future__ import annotations

import dataclasses
import functools
from types import MappingProxyType

from alsolike.configuration import recommendation_id
from alsolike.configuration.configuration import Configuration
from alsolike.configuration.experiments import NO_ARMS, Assignment, assignment_of
from alsolike.configuration.rules import Boost, RuleSet
from alsolike.declarations.degraded_reasons import NO_CATALOGUE, NO_CONFIGURATION
from alsolike.filters import parser
from alsolike.filters.tree import Filter
from alsolike.filters.values import Values
from alsolike.recommendations.request_fields import (
    BOUGHT_TOGETHER,
    BUY_AGAIN,
    FOR_YOU,
    OF_ITEMS,
    PERSONALIZED_RANKING,
    POPULAR,
    RECENTLY_VIEWED,
    SIMILAR_ITEMS,
    TRENDING,
)
from alsolike.registry.canary import assign
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.struct import struct
from functions.recommend.http.request import RecommendationRequest, permitted, resolved
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Model
from functions.recommend.state.serving_state import ServingState

OWN_RULES = ""
"""Value that selects the rule set of the experiment's arm, else of the recommender."""

UNREADABLE = "unreadable"

NO_VERSION = "none"
ONE_PER_PRODUCT = frozenset({FOR_YOU, SIMILAR_ITEMS, BOUGHT_TOGETHER, TRENDING, POPULAR})
"""Recommenders whose lists prefer one variant per product. Other recommenders list all variants of the user's items or
of the requested items.
"""

_SHOWN_FILTERS = 10

_parse = functools.lru_cache(maxsize=512)(parser.parse)


@struct
class SelectedFilter:
    """Filter of a request with its parameters' values. `filter` is None if no filter applies."""

    name: str = ""
    filter: Filter | None = None
    values: Values = dataclasses.field(default_factory=dict)

    @property
    def needs_catalogue(self) -> bool:
        return self.filter is not None and self.filter.needs_catalogue

    @property
    def needs_user(self) -> bool:
        return self.filter is not None and self.filter.needs_user

    @property
    def needs_history(self) -> bool:
        return self.filter is not None and self.filter.needs_history


NO_FILTER = SelectedFilter()


@struct
class ResolvedBoost:
    """Boost or demotion with its filter. `label`, such as `boost:in_stock`, names it among unmet rules."""

    label: str
    factor: float
    filter: SelectedFilter


@struct
class ResolvedPromotion:
    """Promotion with its filter. `is_of_request` is true if the request contains it, not the rule set."""

    name: str
    share: float
    filter: SelectedFilter
    is_of_request: bool


@struct
class ResolvedRules:
    """Rule set whose boosts and promotions contain their filters.

    `unmet` are promotions that cannot be resolved, because the configuration was never read.
    """

    rules: RuleSet
    boosts: tuple[ResolvedBoost, ...]
    promotions: tuple[ResolvedPromotion, ...]
    unmet: tuple[str, ...] = ()


@struct
class Replayed:
    """Response that a replay repeats.

    The recommendation ID seeds random choices. `arms` are the logged arms, because the log has no user IDs to assign
    arms by. If `arms` is None, arms are assigned by the user ID.
    """

    recommendation_id: str
    arms: tuple[str, ...] | None = None


@struct
class ResolvedRequest:
    """Request with all data for its response, except the stored data of its user.

    Attributes
    ----------
    request
        Request with a resolved alias. Its `recommender` may have been replaced by an experiment.
    requested_recommender
        Recommender before experiments.
    model
        None if no model is loaded.
    rules
        None if no rule applies.
    arms
        `experiment/arm` of each experiment that the request is part of.
    degraded
        Missing and stale parts of the serving state.
    is_answerable
        False if the filter cannot be evaluated, because the configuration or the catalogue is missing.
    needs_history
        True if the response depends on the user's interactions.
    one_per_product
        True if the list should contain one variant per product.
    recommendation_id
        ID of the response, which seeds every random choice. So a replay repeats the choices.
    """

    request: RecommendationRequest
    requested_recommender: str
    model: Model | None
    catalogue: ModelCatalogue
    configuration: Configuration
    filter: SelectedFilter
    rules: ResolvedRules | None
    arms: tuple[str, ...]
    degraded: tuple[str, ...]
    is_answerable: bool
    needs_history: bool
    one_per_product: bool
    now_ms: int
    recommendation_id: str


def resolve(
    request: RecommendationRequest,
    state: ServingState,
    *,
    rules: str | None,
    now_ms: int,
    replayed: Replayed | None = None,
) -> ResolvedRequest:
    """Return a request with all names resolved.

    `rules` names a rule set, or is `OWN_RULES`; None for the promotions and exploration of the request only.

    Raises
    ------
    NotFound
        If the request contains an unknown filter, campaign or recommender.
    Unavailable
        If the request contains a campaign, recommender or site key that only the configuration defines, and the
        configuration was never read.
    InvalidInput
        If the request is invalid, for example lacks an input of its filter, or has a column, filter or recommender that
        its session may not use.
    """
    is_configured = NO_CONFIGURATION not in state.degraded
    configuration = state.configuration
    if request.alias is not None and not is_configured:
        raise Unavailable("the configuration with the names of campaigns cannot be read")
    if request.session_id is not None:
        request = permitted(request, configuration.sessions if is_configured else None)
    if request.alias is not None:
        request = resolved(request, configuration.aliases)
    if replayed is None or replayed.arms is None:
        arms = _arms(request, state, now_ms=now_ms)
    else:
        arms = assignment_of(state.configuration.experiments.values(), replayed.arms)
    if arms.model is not None:
        state = state.with_model(arms.model)
    requested = request.recommender
    is_filter_known = request.filter_name is None or is_configured
    filter_ = choose_filter(request, configuration, answering=arms.recommender) if is_filter_known else NO_FILTER
    if arms.recommender is not None and arms.recommender != requested:
        request = dataclasses.replace(request, recommender=arms.recommender)
    if rules == OWN_RULES and arms.rules is not None:
        rules = arms.rules
    applied = rule_set(request, configuration, now_ms=now_ms, name=rules)
    with_filters = None
    if applied is not None:
        with_filters = _with_filters(applied, request, configuration, is_configured=is_configured)
    return ResolvedRequest(
        request,
        requested,
        state.model,
        state.catalogue,
        configuration,
        filter_,
        with_filters,
        arms.arms,
        state.degraded,
        is_filter_known and not (NO_CATALOGUE in state.degraded and filter_.needs_catalogue),
        _needs_history(request, state.model, filter_, with_filters),
        configuration.variants is not None and request.recommender in ONE_PER_PRODUCT,
        now_ms,
        recommendation_id.create(
            answered_ms=now_ms,
            recommender=requested,
            version=NO_VERSION if state.model is None else state.model.version,
            arms=arms.arms,
        )
        if replayed is None
        else replayed.recommendation_id,
    )


def _needs_history(
    request: RecommendationRequest, model: Model | None, filter_: SelectedFilter, rules: ResolvedRules | None
) -> bool:
    if request.recommender in (BUY_AGAIN, RECENTLY_VIEWED) or request.hides or filter_.needs_history:
        return True
    if model is not None and request.recommender in (FOR_YOU, PERSONALIZED_RANKING):
        return True
    if rules is None:
        return False
    filters = [*(boost.filter for boost in rules.boosts), *(promotion.filter for promotion in rules.promotions)]
    if any(selected.needs_history for selected in filters):
        return True
    if model is None:
        return False
    ranks = bool(rules.promotions) and request.recommender not in OF_ITEMS
    manifest = model.bundle.manifest
    return ranks or (rules.rules.exploration is not None and (manifest.exclude_seen or manifest.exclude_bought))


def _arms(request: RecommendationRequest, state: ServingState, *, now_ms: int) -> Assignment:
    experiments = state.configuration.experiments
    if not experiments and state.canary is None:
        return NO_ARMS
    return assign(
        experiments.values(),
        state.canary,
        recommender=request.recommender,
        unit=request.user_id or request.session_id,
        now_ms=now_ms,
    )


def rule_set(
    request: RecommendationRequest, configuration: Configuration, *, now_ms: int, name: str | None = OWN_RULES
) -> RuleSet | None:
    """Return the rules that apply to a request, or None.

    Promotions and exploration of the request replace promotions and exploration of the rule set. A ranking consists of
    the requested items, so only rules that change the order apply: boosts, demotions and diversity.
    """
    selected = configuration.recommenders[request.recommender].rules if name == OWN_RULES else name
    rules = None if selected is None else configuration.rules[selected].at(now_ms)
    if request.promotions is not None:
        promotions = tuple(sent.promotion for sent in request.promotions)
        rules = dataclasses.replace(rules or RuleSet(""), promotions=promotions)
    if request.exploration is not None:
        rules = dataclasses.replace(rules or RuleSet(""), exploration=request.exploration)
    if rules is not None and request.recommender == PERSONALIZED_RANKING:
        rules = dataclasses.replace(rules, promotions=(), pins=(), slate=(), exploration=None)
    return None if rules is None or rules.is_empty else rules


def _with_filters(
    rules: RuleSet, request: RecommendationRequest, configuration: Configuration, *, is_configured: bool
) -> ResolvedRules:
    def resolved_boost(kind: str, boost: Boost) -> ResolvedBoost:
        filter_ = named_filter(boost.filter, request, configuration)
        return ResolvedBoost(f"{kind}:{boost.filter}", boost.factor, filter_)

    boosts = (
        *(resolved_boost("boost", boost) for boost in rules.boosts),
        *(resolved_boost("demotion", boost) for boost in rules.demotions),
    )
    if not is_configured:
        unmet = tuple(f"promotion:{promotion.called} {UNREADABLE}" for promotion in rules.promotions)
        return ResolvedRules(rules, boosts, (), unmet)
    sent_promotions = request.promotions if rules.promotions else None  # A ranking ignores promotions.
    is_of_request = sent_promotions is not None
    where = "promotions[0].filterArn" if is_of_request else "filter"
    values = [sent.filter_values for sent in sent_promotions or ()] or [{} for _ in rules.promotions]
    promotions = tuple(
        ResolvedPromotion(
            promotion.called,
            promotion.share,
            named_filter(promotion.filter, request, configuration, values=sent, where=where),
            is_of_request,
        )
        for promotion, sent in zip(rules.promotions, values, strict=True)
    )
    return ResolvedRules(rules, boosts, promotions)


def choose_filter(
    request: RecommendationRequest, configuration: Configuration, *, answering: str | None = None
) -> SelectedFilter:
    """Return the filter that the request names, else the recommender's filter.

    An experiment may use the recommender `answering` instead of the requested one. The filter of `answering` applies if
    the requested recommender has none.
    """
    name = request.filter_name
    if name is None:
        name = configuration.recommenders[request.recommender].filter
    if name is None and answering is not None:
        name = configuration.recommenders[answering].filter
    if name is None:
        if request.filter_values:
            raise InvalidInput(f"filterValues is given without a filter, and {request.recommender} has none")
        return NO_FILTER
    return named_filter(name, request, configuration, values=request.filter_values, where=request.filter_field)


def named_filter(
    name: str, request: RecommendationRequest, configuration: Configuration, *, values: Values = MappingProxyType({}),
    where: str = "filter",
) -> SelectedFilter:  # fmt: skip
    """Return a filter of the configuration with its values. `where` names the field of the request, for errors."""
    expression = configuration.filters.get(name)
    if expression is None:
        place = f"{where} ends in" if where.endswith("Arn") else f"{where} is"
        raise NotFound(f"{place} {name!r}, expected {_known(configuration)}")
    filter_ = _parse(expression)
    if filter_.needs_item and request.item_id is None:
        raise InvalidInput("itemId is missing, expected an item: the filter compares with CurrentItem")
    return SelectedFilter(name, filter_, values)


def _known(configuration: Configuration) -> str:
    names = sorted(configuration.filters)
    if not names:
        return "none: the configuration has no filters"
    more = f" or one of {len(names) - _SHOWN_FILTERS} more" if len(names) > _SHOWN_FILTERS else ""
    return ", ".join(names[:_SHOWN_FILTERS]) + more
