"""Routes for items and actions, and direct invocations such as batches, replays and previews."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.declarations.metrics import Metric
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.http import route_key
from alsolike.runtime.observability import count, count_all, count_by, invocation, log_refusal
from functions.recommend.dependencies import Dependencies, current_dependencies
from functions.recommend.direct.batch import answer_batch, parse_batch
from functions.recommend.direct.forecast import forecast_lists
from functions.recommend.direct.preview import preview
from functions.recommend.direct.replay import answer_replay
from functions.recommend.direct.rule_check import check_rules
from functions.recommend.http.request import (
    ACTION_ROUTE,
    PARSERS,
    ActionRequest,
    RecommendationRequest,
    parse_action_recommendations,
)
from functions.recommend.http.response import ActionAnswer, Answer, respond_actions, respond_answer
from functions.recommend.masks import WITHOUT_FALLBACK
from functions.recommend.ranking.actions import recommend_actions
from functions.recommend.service import Recommender
from functions.recommend.settings import Settings
from functions.recommend.state.model import Budget
from functions.recommend.state.serving_state import ServingState

NOT_MODIFIED = 304

NO_FILTER = "none"
"""Value of the dimension `filter` for a response without a filter."""


DIRECT_CALLS: Mapping[str, Callable[..., dict[str, Any]]] = MappingProxyType(
    {"replay": answer_replay, "preview": preview, "forecast": forecast_lists, "ruleCheck": check_rules}
)
"""Functions that answer direct invocations other than batches, by their field in the event."""


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    dependencies = current_dependencies()
    now_ms = time.time_ns() // 1_000_000
    dependencies.wait_budget.begin_request(limited="routeKey" in event)
    if "batch" in event:
        return _answer_batch(event, context, dependencies=dependencies, now_ms=now_ms)
    for name, answer_call in DIRECT_CALLS.items():
        if name in event:
            recommender = _recommender(dependencies, context, now_ms=now_ms)
            return _or_refusal(answer_call, event[name], recommender=recommender)
    budget = Budget(dependencies.time_budget_ms)
    route = route_key(event)
    if route == ACTION_ROUTE:
        return _answer_actions(event, context, dependencies=dependencies, now_ms=now_ms)
    request = PARSERS[route](event)
    recommender = _recommender(dependencies, context, now_ms=now_ms)
    if dependencies.wait_budget.is_cold:
        dependencies.trends.begin(now_ms=now_ms)
    answer = recommender.answer(request, budget=budget, swaps=True)
    _count(answer, request)
    response = respond_answer(answer, request, event, route=route)
    if response["statusCode"] != NOT_MODIFIED:  # A 304 repeats a response that was logged when it was first sent.
        dependencies.served.write(
            answer,
            request,
            now_ms=now_ms,
            took_ms=budget.took_ms,
            correlation_id=invocation.correlation_id,
            agent=invocation.agent,
        )
    return response


def _answer_actions(event: dict[str, Any], context: Any, *, dependencies: Dependencies, now_ms: int) -> dict[str, Any]:
    state = dependencies.refresher.state(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
    answer = _actions(parse_action_recommendations(event), state=state, dependencies=dependencies, now_ms=now_ms)
    count(Metric.ACTION_ANSWERS)
    if answer.degraded:
        count(Metric.ACTION_ANSWERS_DEGRADED)
    return respond_actions(answer)


def _actions(request: ActionRequest, *, state: ServingState, dependencies: Dependencies, now_ms: int) -> ActionAnswer:
    return recommend_actions(
        request,
        state=state,
        stores=dependencies.stores,
        sources=dependencies.actions,
        recommendation_id=uuid.uuid4().hex,
        now_ms=now_ms,
    )


def _recommender(dependencies: Dependencies, context: Any, *, now_ms: int) -> Recommender:
    state = dependencies.refresher.state(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
    return Recommender(state, dependencies.stores, dependencies.trends, now_ms)


def _answer_batch(event: dict[str, Any], context: Any, *, dependencies: Dependencies, now_ms: int) -> dict[str, Any]:
    """Process a batch. An error that concerns all users fails the invocation, so that the caller receives it."""
    batches = dependencies.batches()
    batch = parse_batch(event["batch"], files=batches.files)
    recommender = _recommender(dependencies, context, now_ms=now_ms)
    return answer_batch(
        batch,
        recommender=recommender,
        actions=functools.partial(_actions, state=recommender.state, dependencies=dependencies, now_ms=now_ms),
        profiles=batches.profiles,
        files=batches.files,
        remaining_ms=context.get_remaining_time_in_millis,
    )


def _or_refusal(call: Callable[..., dict[str, Any]], *arguments: Any, **more: Any) -> dict[str, Any]:
    """Return the result of a call, or `refused` if it rejects the request. A rejection does not fail the invocation."""
    try:
        return call(*arguments, **more)
    except (InvalidInput, NotFound) as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        kind = NotFound if isinstance(error, NotFound) else InvalidInput
        return {"refused": {"type": kind.__name__, "message": str(error)}}


def _count(answer: Answer, request: RecommendationRequest) -> None:
    outcomes = (
        (Metric.RECOMMENDATIONS_SERVED, True),
        (Metric.RECOMMENDATIONS_POPULAR, answer.source == "popular"),
        (Metric.RECOMMENDATIONS_FILLED, answer.filled),
        (Metric.RECOMMENDATIONS_COLD, answer.cold),
        (Metric.RULES_APPLIED, answer.rules),
        (Metric.RULES_UNMET, answer.unmet_rules),
        (Metric.RECOMMENDATIONS_DEGRADED, answer.degraded),
        (_DEGRADED_TO[answer.source], answer.degraded),
    )
    count_all([metric for metric, occurred in outcomes if occurred])
    if len(answer.items) < request.num_results and request.recommender not in WITHOUT_FALLBACK and not answer.degraded:
        metric = Metric.RECOMMENDATIONS_SHORT if answer.items else Metric.RECOMMENDATIONS_EMPTY
        count_by(metric, recommender=request.recommender, filter=answer.filter or NO_FILTER)


_DEGRADED_TO = {
    "model": Metric.DEGRADED_TO_MODEL,
    "similar": Metric.DEGRADED_TO_SIMILAR,
    "popular": Metric.DEGRADED_TO_POPULAR,
    "trending": Metric.DEGRADED_TO_TRENDING,
    "recent": Metric.DEGRADED_TO_RECENT,
    "none": Metric.DEGRADED_TO_NOTHING,
}
