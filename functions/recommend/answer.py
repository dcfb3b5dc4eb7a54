"""Creation of a response with item IDs and, on request, columns and reasons."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from alsolike.catalogue.rows import column_texts
from alsolike.records.served_response import FILLED
from functions.recommend.http.response import Answer, RankedItem, UsedState
from functions.recommend.ranking.explanation import reasons
from functions.recommend.ranking.inputs import Ranking, RankingInputs
from functions.recommend.ranking.model_runs import model_failure
from functions.recommend.resolve import NO_VERSION, ResolvedRequest
from functions.recommend.rules.slate import Slate
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import GRAPH_ERRORS


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
    version = NO_VERSION if resolved.model is None else resolved.model.version
    given: dict[str, Any] = {"items": (), "source": "none", "filled": 0, "cold": 0, "within": None, **fields}
    return Answer(
        recommendation_id=resolved.recommendation_id,
        recommender=resolved.requested_recommender,
        version=version,
        degraded=tuple(dict.fromkeys(degraded)),
        arms=resolved.arms,
        filter=resolved.filter.name or None,
        configuration=resolved.configuration.version,
        **given,
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
