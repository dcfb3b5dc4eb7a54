"""The items that rules add to a recommender's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alsolike.recommendations.requests import OF_ITEMS
from functions.recommend import item_lists
from functions.recommend.history import NO_HISTORY
from functions.recommend.model import GRAPH_ERRORS, Bias, Ranked
from functions.recommend.ranking import rank, seen_cold
from functions.recommend.recommenders import LADDER_WINDOW, model_fits, note_failure
from functions.recommend.request_context import NO_POSITIONS, RequestContext
from functions.recommend.selected_filter import SelectedFilter
from functions.recommend.slate import RankedItem

DAY_MS = 86_400_000


def excluded_ids(context: RequestContext) -> Sequence[str]:
    """Return the items that no rule adds: those that the request excludes, and the one that it starts from."""
    item_id = context.request.item_id
    return [*context.request.exclude, *([item_id] if item_id and context.request.recommender in OF_ITEMS else [])]


def promotion_candidates(context: RequestContext, chosen: SelectedFilter, bias: Bias, *, k: int) -> list[RankedItem]:
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
        trending = context.trends().best(LADDER_WINDOW, now_ms=context.now_ms)
        passes = context.passes([item_id for item_id, _ in trending], chosen, bias=bias)
        left_out = excluded_ids(context)
        found = [RankedItem(*each) for each, passed in zip(trending, passes, strict=True) if passed]
        return [item for item in found if item.item_id not in left_out][:k]
    allowed = context.without(bias, excluded_ids(context))
    assert allowed is not None
    of_model = allowed[: model.bundle.manifest.items + 1]
    of_item = context.request.recommender in OF_ITEMS
    ranked: Sequence[Ranked] = ()
    try:
        if of_item:
            position = int(context.catalogue.positions([context.request.item_id or ""])[0])
            if 0 < position <= model.bundle.manifest.items and model_fits(context, with_bias=True):
                ranked = item_lists.ranked_after(context, position, k=k, bias=of_model)
        elif context.recent and model_fits(context, with_bias=True):
            ranked = rank(
                context.recent, context.positions, model=model, catalogue=context.catalogue, bias=allowed,
                group=lambda: None, k=k, now_ms=context.now_ms,
            ).ranked  # fmt: skip
    except GRAPH_ERRORS as error:
        note_failure(context, error)
    history = NO_HISTORY if of_item else model.history(context.recent, context.positions)
    filling = model.popular(
        k - len(ranked),
        history=history,
        after=ranked,
        bias=of_model,
        leave_out=() if of_item else seen_cold(context.recent, context.positions, model).tolist(),
        cold=context.catalogue.cold_filling(allowed),
    )
    return context.named([*ranked, *filling])


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
