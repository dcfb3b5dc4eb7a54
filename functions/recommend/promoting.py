"""The items that rules add to a recommender's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alsolike.recommendation_requests import OF_ITEMS
from functions.recommend import item_rows
from functions.recommend.filtering import Chosen
from functions.recommend.history import NO_HISTORY
from functions.recommend.model import GRAPH_ERRORS, Bias, Ranked
from functions.recommend.ranking import rank, seen_cold
from functions.recommend.recommenders import LADDER_WINDOW, model_fits, note_failure
from functions.recommend.scene import NO_POSITIONS, Scene
from functions.recommend.slate import Place

DAY_MS = 86_400_000


def barred(scene: Scene) -> Sequence[str]:
    """Return the items that no rule adds: those that the request excludes, and the one that it starts from."""
    item_id = scene.request.item_id
    return [*scene.request.exclude, *([item_id] if item_id and scene.request.recommender in OF_ITEMS else [])]


def best(scene: Scene, chosen: Chosen, bias: Bias, *, k: int) -> list[Place]:
    """Return the best items that pass a rule's own filter, followed by popular ones.

    They are the model's ranking for the user, or after the item that the recommender starts from; without a model,
    trending items.

    Parameters
    ----------
    bias
        The bias of the filter.
    """
    model = scene.model
    if model is None:
        trending = scene.trends().best(LADDER_WINDOW, now_ms=scene.now_ms)
        passes = scene.passes([item_id for item_id, _ in trending], chosen, bias=bias)
        left_out = barred(scene)
        found = [Place(*each) for each, passed in zip(trending, passes, strict=True) if passed]
        return [item for item in found if item.item_id not in left_out][:k]
    allowed = scene.without(bias, barred(scene))
    assert allowed is not None
    of_model = allowed[: model.bundle.manifest.items + 1]
    of_item = scene.request.recommender in OF_ITEMS
    ranked: Sequence[Ranked] = ()
    try:
        if of_item:
            position = int(scene.catalogue.positions([scene.request.item_id or ""])[0])
            if 0 < position <= model.bundle.manifest.items and model_fits(scene, with_bias=True):
                ranked = item_rows.ranked_after(scene, position, k=k, bias=of_model)
        elif scene.recent and model_fits(scene, with_bias=True):
            ranked = rank(
                scene.recent, scene.positions, model=model, catalogue=scene.catalogue, bias=allowed,
                group=lambda: None, k=k, now_ms=scene.now_ms,
            ).ranked  # fmt: skip
    except GRAPH_ERRORS as error:
        note_failure(scene, error)
    history = NO_HISTORY if of_item else model.history(scene.recent, scene.positions)
    filling = model.popular(
        k - len(ranked),
        history=history,
        after=ranked,
        bias=of_model,
        leave_out=() if of_item else seen_cold(scene.recent, scene.positions, model).tolist(),
        cold=scene.catalogue.cold_filling(allowed),
    )
    return scene.named([*ranked, *filling])


def new_items(scene: Scene, *, days: int, most: int) -> list[str]:
    """Return items that are new and may be answered, the latest first."""
    bias = scene.without(scene.bias, barred(scene))
    seen = scene.positions if scene.model is not None and scene.model.bundle.manifest.exclude_seen else NO_POSITIONS
    positions = scene.catalogue.newest(
        bias, since_ms=scene.now_ms - days * DAY_MS, until_ms=scene.now_ms, most=most + len(seen)
    )
    unseen = positions[~np.isin(positions, seen)]
    return scene.catalogue.item_ids(unseen[:most].tolist())
