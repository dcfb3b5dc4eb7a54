"""Model runs for other purposes than a user's list: a ranking after given items, and scores of given items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alsolike.declarations.degraded_reasons import MODEL_FAILED
from alsolike.runtime.observability import logger
from functions.recommend.ranking.inputs import RankingInputs
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import GRAPH_ERRORS, NO_HISTORY, History, Mask


def rank_after(inputs: RankingInputs, positions: Sequence[int], mask: Mask | None, *, k: int) -> list[ScoredItem]:
    """Rank for a user whose history consists of the items at `positions`."""
    resolved, model = inputs.resolved, inputs.resolved.model
    assert model is not None
    count = len(positions)
    history = History(np.asarray(positions), event_weights=[1.0] * count, event_time_ms=[resolved.now_ms] * count)
    listed = model.rank(history, k=k, now_ms=resolved.now_ms, bias=model.part_of(mask), leave_out_seen=True)
    return list(map(ScoredItem, *(values.tolist() for values in listed)))


def score(
    inputs: RankingInputs, history: History, positions: npt.NDArray[np.int64]
) -> tuple[dict[int, float], History, tuple[str, ...]]:
    """Return the scores by position, the model's input, and the causes if the model did not run.

    Items that the model does not contain or cannot score have no entry.
    """
    model, now_ms = inputs.resolved.model, inputs.resolved.now_ms
    if model is None or not len(history):
        return {}, NO_HISTORY, ()
    known = positions[(positions > 0) & (positions <= model.bundle.manifest.items)]
    if not len(known):
        return {}, NO_HISTORY, ()
    if degraded := model.delay(inputs.budget, masked=inputs.mask is not None):
        return {}, NO_HISTORY, degraded
    bias = np.full(model.bundle.manifest.items + 1, -np.inf, np.float32)
    bias[known] = 0
    try:
        ranked, scores = model.rank(history, k=len(known), now_ms=now_ms, bias=bias, leave_out_seen=False)
    except GRAPH_ERRORS as error:
        return {}, NO_HISTORY, model_failure(error)
    return dict(zip(ranked.tolist(), scores.tolist(), strict=True)), history, ()


def model_failure(error: Exception) -> tuple[str, ...]:
    logger.error("model does not run", error_type=type(error).__name__)
    return (MODEL_FAILED,)
