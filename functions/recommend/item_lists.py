"""Lists for one item: rows of the bundle's item-to-item tables, and the model's ranking after the item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functions.recommend.history import History
from functions.recommend.model import Bias, Ranked
from functions.recommend.request_context import RequestContext


def row(context: RequestContext, kind: str, position: int, *, leave_out: int | Sequence[int]) -> list[Ranked]:
    """Return the items of an item's row that may be recommended, best first.

    For an item that the model does not know, return the known items that resemble it most.

    Parameters
    ----------
    kind
        `similar` or `together`.
    leave_out
        Positions of items to exclude.
    """
    model = context.model
    assert model is not None
    items = model.bundle.manifest.items
    if position <= 0:
        return []
    positions, scores = (
        model.bundle.related(kind, position)
        if position <= items
        else context.catalogue.cold_items.nearest(position - items - 1)
    )
    allowed = ~np.isin(positions, leave_out)
    bias = context.bias_of_model
    if bias is not None:
        allowed &= bias[positions] > -np.inf
    return [Ranked(*each) for each in zip(positions[allowed].tolist(), scores[allowed].tolist(), strict=True)]


def ranked_after(context: RequestContext, position: int, *, k: int, bias: Bias | None) -> list[Ranked]:
    """Return the model's ranking for a user whose history is this item only."""
    model = context.model
    assert model is not None
    history = History(items=np.array([position]), event_weights=[1.0], event_time_ms=[context.now_ms])
    listed = model.rank(history, k=k, now_ms=context.now_ms, bias=bias, leave_out_seen=True)
    return [Ranked(*each) for each in zip(*(values.tolist() for values in listed), strict=True)]


def append_rescaled(ranked: Sequence[Ranked], more: Sequence[Ranked]) -> list[Ranked]:
    """Return a list, followed by the new items of another one, whose scores are scaled to fall below."""
    before = {item.position for item in ranked}
    added = [item for item in more if item.position not in before]
    if not ranked or not added:
        return [*ranked, *added]
    scale = ranked[-1].score / (2 * added[0].score) if added[0].score > 0 else 0.0
    return [*ranked, *(Ranked(item.position, item.score * scale) for item in added)]
