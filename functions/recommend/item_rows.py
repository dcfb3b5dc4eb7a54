"""What belongs to one item: rows of the bundle's item-to-item tables, and what the model ranks after the item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functions.recommend.history import History
from functions.recommend.model import Bias, Ranked
from functions.recommend.scene import Scene


def row(scene: Scene, kind: str, position: int, *, leave_out: int | Sequence[int]) -> list[Ranked]:
    """Return the items of an item's row that may be answered, best first.

    An item that the model does not know is stood for by the known items that are most like it.

    Parameters
    ----------
    kind
        `similar` or `together`.
    leave_out
        Positions of items that are not answered.
    """
    model = scene.model
    assert model is not None
    items = model.bundle.manifest.items
    if position <= 0:
        return []
    positions, scores = (
        model.bundle.related(kind, position)
        if position <= items
        else scene.catalogue.cold_items.nearest(position - items - 1)
    )
    allowed = ~np.isin(positions, leave_out)
    bias = scene.bias_of_model
    if bias is not None:
        allowed &= bias[positions] > -np.inf
    return [Ranked(*each) for each in zip(positions[allowed].tolist(), scores[allowed].tolist(), strict=True)]


def ranked_after(scene: Scene, position: int, *, k: int, bias: Bias | None) -> list[Ranked]:
    """Return what the model ranks for somebody who had to do with this item only."""
    model = scene.model
    assert model is not None
    history = History(items=np.array([position]), event_weights=[1.0], event_time_ms=[scene.now_ms])
    listed = model.rank(history, k=k, now_ms=scene.now_ms, bias=bias, leave_out_seen=True)
    return [Ranked(*each) for each in zip(*(values.tolist() for values in listed), strict=True)]


def followed(ranked: Sequence[Ranked], more: Sequence[Ranked]) -> list[Ranked]:
    """Return a list and, behind it, what another one adds; its scores, of another kind, are scaled to fall below."""
    before = {item.position for item in ranked}
    added = [item for item in more if item.position not in before]
    if not ranked or not added:
        return [*ranked, *added]
    scale = ranked[-1].score / (2 * added[0].score) if added[0].score > 0 else 0.0
    return [*ranked, *(Ranked(item.position, item.score * scale) for item in added)]
