"""What belongs to one item: rows of the bundle's item-to-item tables, and what the model ranks after the item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from functions.recommend.model import History, Ranked
from functions.recommend.scene import Scene


def row(scene: Scene, kind: str, position: int, *, leave_out: int | npt.NDArray[np.int64]) -> list[Ranked]:
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


def after(scene: Scene, position: int, *, behind: Sequence[Ranked]) -> list[Ranked]:
    """Return what the model ranks for somebody who had to do with this item only, less what stands before.

    Scores fall below those that stand before, as those of another kind.
    """
    model = scene.model
    assert model is not None
    history = History(
        items=np.array([position]),
        event_weights=np.ones(1),
        event_time_ms=np.array([scene.now_ms]),
    )
    k = scene.request.num_results
    bias = scene.bias_of_model
    positions, scores = model.rank(history, k=k + len(behind) + 1, now_ms=scene.now_ms, bias=bias, leave_out_seen=True)
    before = {position, *(item.position for item in behind)}
    scale = 1.0
    if behind and len(scores) and scores[0] > 0:
        scale = behind[-1].score / (float(scores[0]) * 2)
    return [
        Ranked(place, score * scale)
        for place, score in zip(positions.tolist(), scores.tolist(), strict=True)
        if place not in before
    ][: k - len(behind)]
