"""The recommenders, by name, and the ladder of their fallbacks.

`for-you` has four steps: the model; items similar to the last viewed one; the bundle's popular items; trending items.
The answer's `source` names the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from alsolike.observability import logger
from alsolike.recommendation_requests import (
    BOUGHT_TOGETHER,
    BUY_AGAIN,
    FOR_YOU,
    PERSONALIZED_RANKING,
    POPULAR,
    RECENTLY_VIEWED,
    SIMILAR_ITEMS,
    TRENDING,
)
from alsolike.related import SIMILAR, TOGETHER
from alsolike.served import FILLED, RANKED
from alsolike.values import value_object
from functions.recommend import bought, item_rows
from functions.recommend.history import NO_HISTORY, History
from functions.recommend.model import GRAPH_ERRORS, Ranked
from functions.recommend.ranking import rank
from functions.recommend.scene import Scene
from functions.recommend.slate import Place

MODEL_FAILED = "model-failed"
MODEL_SLOW = "model-slow"

LADDER_WINDOW = "1d"
"""Window of trending items that replace other lists: the longest has the most items."""

Source = Literal["model", "similar", "popular", "trending", "recent", "none"]


@value_object
class Found:
    """A recommender's result.

    Attributes
    ----------
    items
        Best first; the last `filled` ones are popular items that follow those of the source.
    source
        The step of the ladder that the items come from.
    cold
        Number of cold items among the ranked ones.
    within
        The user column whose group the popular items belong to; None for the generally popular ones.
    history
        The model's input, if it ranked.
    """

    items: Sequence[Place] = ()
    source: Source = "none"
    cold: int = 0
    within: str | None = None
    history: History = NO_HISTORY


NOTHING = Found()


def for_you(scene: Scene) -> Found:
    """Return recommendations for the user."""
    model = scene.model
    if model is None:
        return _trending_now(scene)
    # The profile first, so that the check of the model's time includes the read.
    if scene.recent and not model_fits(scene):
        return _similar_to_last_viewed(scene)
    try:
        ranking = rank(
            scene.recent,
            scene.positions,
            model=model,
            catalogue=scene.catalogue,
            bias=scene.bias,
            group=scene.group,
            k=scene.wanted,
            now_ms=scene.now_ms,
            classes=scene.classes(),
        )
    except GRAPH_ERRORS as error:
        note_failure(scene, error)
        return _similar_to_last_viewed(scene)
    ranked, filling = ranking.ranked, ranking.filling
    return Found(
        [*scene.named(ranked), *scene.named(filling, origin=FILLED if ranked else RANKED)],
        "model" if ranked else "popular" if filling else "none",
        cold=ranking.cold,
        within=ranking.within,
        history=model.history(scene.recent, scene.positions) if scene.request.explain else NO_HISTORY,
    )


def popular(scene: Scene, leave_out: Sequence[int] = ()) -> Found:
    """Return popular items: first of the user's group, then of all users."""
    model = scene.model
    if model is None:
        return _trending_now(scene)
    group = scene.group()
    within = group.items if group else ()
    ranked = model.popular(
        scene.wanted, within=within, bias=scene.bias_of_model, leave_out=leave_out, cold=scene.cold_filling
    )
    of_group = group is not None and bool(ranked) and ranked[0].position in within
    return Found(
        scene.named(ranked), "popular" if ranked else "none", within=group.column if group and of_group else None
    )


def trending(scene: Scene) -> Found:
    """Return the items whose interactions grow most against their usual number; popular items follow."""
    found = scene.passing(scene.trends().best(scene.request.window, now_ms=scene.now_ms))
    return _filled(scene, found[: scene.wanted], source="trending")


def recently_viewed(scene: Scene) -> Found:
    """Return the items that the shopper interacted with, the latest first.

    Items that neither the model nor the catalogue has are left out; before the first of either, all stay.
    """
    latest = list(
        dict.fromkeys(
            interaction.item_id
            for interaction in reversed(scene.recent)
            if scene.configuration.event_weights.get(interaction.event_type, 0) > 0
        )
    )
    if scene.catalogue.has_items:
        latest = [item_id for item_id, known in zip(latest, scene.catalogue.known(latest), strict=True) if known]
    found = scene.passing([(item_id, 1 / rank) for rank, item_id in enumerate(latest, start=1)])
    return Found(found[: scene.wanted], "recent" if found else "none")


def buy_again(scene: Scene) -> Found:
    """Return the shopper's purchases, in the model's order of expected repeat purchase, without popular items."""
    candidates = scene.passing(bought.bought(scene.recent, scene.configuration, now_ms=scene.now_ms))
    scores, history = _scores(scene, [item.item_id for item in candidates])
    # Items without a score from the model follow in the order of `bought`: the latest and most frequent first.
    ordered = sorted(candidates, key=lambda item: -scores.get(item.item_id, 0.0))[: scene.wanted]
    items = [Place(item.item_id, scores.get(item.item_id, 0.0)) for item in ordered]
    return Found(items, ("model" if scores else "recent") if items else "none", history=history)


def similar_items(scene: Scene) -> Found:
    """Return items similar to an item; the model's ranking after it, and popular items, follow."""
    return _of_item(scene, SIMILAR)


def bought_together(scene: Scene) -> Found:
    """Return items bought together with an item, then similar ones, followed as in `similar_items`."""
    return _of_item(scene, TOGETHER)


def personalized_ranking(scene: Scene) -> Found:
    """Return the given items that may be answered, those first that the model ranks for the shopper.

    The others that the model knows come after, the more frequent first; then those that it does not know, in the order
    in which they were given.
    """
    given = scene.request.to_rank or ()
    allowed = [item.item_id for item in scene.passing([(item_id, 0.0) for item_id in given])]
    scores, history = _scores(scene, allowed)
    positions = scene.catalogue.positions(allowed).tolist()
    known = scene.model.bundle.manifest.items if scene.model else 0
    frequency = {
        item_id: place if 0 < place <= known else known + 1 for item_id, place in zip(allowed, positions, strict=True)
    }
    ordered = sorted(allowed, key=lambda item_id: (-scores.get(item_id, 0.0), frequency[item_id]))
    items = [Place(item_id, scores.get(item_id, 0.0)) for item_id in ordered]
    return Found(items, ("model" if scores else "popular") if items else "none", history=history)


RECOMMENDERS: Mapping[str, Callable[[Scene], Found]] = {
    FOR_YOU: for_you,
    SIMILAR_ITEMS: similar_items,
    BOUGHT_TOGETHER: bought_together,
    BUY_AGAIN: buy_again,
    TRENDING: trending,
    POPULAR: popular,
    RECENTLY_VIEWED: recently_viewed,
    PERSONALIZED_RANKING: personalized_ranking,
}


def model_fits(scene: Scene, *, with_bias: bool = False) -> bool:
    """Return true if there is time for the model; if not, declare the answer degraded."""
    assert scene.model is not None
    with_bias = with_bias or scene.bias is not None
    if scene.budget.allows(scene.model.expected_ms(with_bias=with_bias)):
        return True
    scene.model.passed_over(with_bias=with_bias)
    _declare(scene, MODEL_SLOW)
    return False


def note_failure(scene: Scene, error: Exception) -> None:
    """Log that the model did not run, and declare the answer degraded."""
    logger.error("model does not run", error_type=type(error).__name__)
    _declare(scene, MODEL_FAILED)


def _declare(scene: Scene, reason: str) -> None:
    if reason not in scene.degraded:
        scene.degraded.append(reason)


def _similar_to_last_viewed(scene: Scene) -> Found:
    """Return items similar to the latest item that has any, then popular items."""
    model = scene.model
    assert model is not None
    latest = list(dict.fromkeys(reversed(scene.positions.tolist())))
    seen = latest if model.bundle.manifest.exclude_seen else []
    for position in latest:
        ranked = item_rows.row(scene, SIMILAR, position, leave_out=seen or position)
        if ranked:
            return _filled(scene, scene.named(ranked[: scene.wanted]), source="similar", leave_out=seen)
    return popular(scene, seen)


def _trending_now(scene: Scene) -> Found:
    """Return trending items, which need no model."""
    found = scene.passing(scene.trends().best(LADDER_WINDOW, now_ms=scene.now_ms))[: scene.wanted]
    return Found(found, "trending" if found else "none")


def _of_item(scene: Scene, kind: str) -> Found:
    model, item_id = scene.model, scene.request.item_id
    assert item_id is not None
    if model is None:
        return _trending_now(scene)
    k = scene.wanted
    position = int(scene.catalogue.positions([item_id])[0])
    ranked = item_rows.row(scene, kind, position, leave_out=position)[:k]
    if len(ranked) < k and kind != SIMILAR:
        ranked = item_rows.followed(ranked, item_rows.row(scene, SIMILAR, position, leave_out=position))[:k]
    source: Source = "similar" if ranked else "model"
    if len(ranked) < k and 0 < position <= model.bundle.manifest.items and model_fits(scene):
        try:
            ranked = item_rows.followed(
                ranked, item_rows.ranked_after(scene, position, k=k + len(ranked), bias=scene.bias_of_model)
            )[:k]
        except GRAPH_ERRORS as error:
            note_failure(scene, error)
    return _filled(scene, scene.named(ranked), source=source, leave_out=[position])


def _filled(scene: Scene, found: Sequence[Place], *, source: Source, leave_out: Sequence[int] = ()) -> Found:
    """Return the found items, followed by popular ones up to the wanted number."""
    missing = scene.wanted - len(found)
    if missing <= 0 or scene.model is None:
        return Found(found, source if found else "none")
    places = scene.catalogue.positions([item.item_id for item in found]).tolist()
    after = [Ranked(place, item.score) for place, item in zip(places, found, strict=True)]
    filling = scene.named(
        scene.model.popular(
            missing, after=after, bias=scene.bias_of_model, leave_out=leave_out, cold=scene.cold_filling
        ),
        origin=FILLED if found else RANKED,
    )
    return Found([*found, *filling], source if found else "popular" if filling else "none")


def _scores(scene: Scene, item_ids: Sequence[str]) -> tuple[dict[str, float], History]:
    """Return the score of each item that the model can score for the shopper, and the model's input."""
    model = scene.model
    if model is None or not item_ids:
        return {}, NO_HISTORY
    history = model.history(scene.recent, scene.positions)
    places = scene.catalogue.positions(item_ids)
    known: npt.NDArray[np.int64] = places[(places > 0) & (places <= model.bundle.manifest.items)]
    if not len(history) or not len(known) or not model_fits(scene):
        return {}, NO_HISTORY
    only = np.full(model.bundle.manifest.items + 1, -np.inf, np.float32)
    only[known] = 0
    try:
        positions, scores = model.rank(history, k=len(known), now_ms=scene.now_ms, bias=only, leave_out_seen=False)
    except GRAPH_ERRORS as error:
        note_failure(scene, error)
        return {}, NO_HISTORY
    by_position = dict(zip(positions.tolist(), scores.tolist(), strict=True))
    return {
        item_id: by_position[place]
        for item_id, place in zip(item_ids, places.tolist(), strict=True)
        if place in by_position
    }, history
