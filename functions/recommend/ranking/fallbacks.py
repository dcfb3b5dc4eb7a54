"""Popular items, and trending items without a model, which replace or complete other lists."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.bundle.popular_groups import Group
from functions.recommend.http.response import Source
from functions.recommend.masks import passing
from functions.recommend.ranking.inputs import Ranking, RankingInputs
from functions.recommend.scored_item import ScoredItem


def trending_fallback(inputs: RankingInputs) -> Ranking:
    items = passing(inputs.items.fallback, inputs.mask)[: inputs.k]
    return Ranking(items, "trending" if items else "none")


def popular(inputs: RankingInputs, leave_out: Sequence[int] = (), degraded: tuple[str, ...] = ()) -> Ranking:
    """Return popular items of the user's group, then of all users. Without a model, return trending items."""
    model = inputs.resolved.model
    if model is None:
        return trending_fallback(inputs)
    group = user_group(inputs)
    within = group.items if group else ()
    items = model.popular(
        inputs.k, within=within, mask=inputs.mask, leave_out=leave_out,
        cold=inputs.resolved.catalogue.cold_filling(inputs.mask),
    )  # fmt: skip
    from_group = bool(items) and items[0].position in within
    return Ranking(
        items, "popular" if items else "none", within=group.column if group and from_group else None, degraded=degraded
    )


def user_group(inputs: RankingInputs) -> Group | None:
    """Return the smallest group of the model that matches the user's properties, or None."""
    model = inputs.resolved.model
    return model.bundle.groups.of(inputs.user.columns()) if model is not None and model.bundle.groups else None


def filled(
    inputs: RankingInputs,
    items: Sequence[ScoredItem],
    *,
    source: Source,
    leave_out: Sequence[int] = (),
    degraded: tuple[str, ...] = (),
) -> Ranking:
    """Return the items, followed by popular items up to k. Without a model, return the items only."""
    missing, model = inputs.k - len(items), inputs.resolved.model
    if missing <= 0 or model is None:
        return Ranking(items, source if items else "none", degraded=degraded)
    filling = model.popular(
        missing, after=items, mask=inputs.mask, leave_out=leave_out,
        cold=inputs.resolved.catalogue.cold_filling(inputs.mask),
    )  # fmt: skip
    return Ranking([*items, *filling], source if items else "popular" if filling else "none", degraded=degraded)
