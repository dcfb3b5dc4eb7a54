"""Related items: similar items, and items that complete a cart."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alsolike.bundle.related import SIMILAR, TOGETHER
from alsolike.catalogue.variants import TITLE, leaf_category
from alsolike.runtime.struct import struct
from functions.recommend.http.response import Source
from functions.recommend.ranking.fallbacks import filled, trending_fallback
from functions.recommend.ranking.inputs import Ranking, RankingInputs
from functions.recommend.ranking.model_runs import model_failure, rank_after
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.model import GRAPH_ERRORS

CANDIDATES_A_PLACE = 4
"""Number of candidates per position of a list that completes a cart. Substitutes are then removed from these
candidates.
"""
MAX_CART_CANDIDATES = 1_000


def similar_items(inputs: RankingInputs) -> Ranking:
    return _rank_for_item(inputs, SIMILAR)


def bought_together(inputs: RankingInputs) -> Ranking:
    """Return items that complete a cart. Without a cart, return items bought with an item, then similar items."""
    return _rank_for_cart(inputs) if inputs.resolved.request.cart else _rank_for_item(inputs, TOGETHER)


def related_row(inputs: RankingInputs, kind: str, position: int, *, leave_out: int | Sequence[int]) -> list[ScoredItem]:
    """Return the allowed related items of the item at `position`, best first. `kind` is `SIMILAR` or `TOGETHER`.

    For a cold item and either kind, return the most similar items of the model. Empty for an unknown item.
    """
    model, catalogue = inputs.resolved.model, inputs.resolved.catalogue
    assert model is not None
    items = model.bundle.manifest.items
    if not 0 < position < catalogue.size:
        return []
    positions, scores = (
        model.bundle.related(kind, position)
        if position <= items
        else catalogue.cold_items.nearest(position - items - 1)
    )
    allowed = ~np.isin(positions, leave_out)
    if inputs.mask is not None:
        allowed &= inputs.mask[positions] > -np.inf
    return list(map(ScoredItem, positions[allowed].tolist(), scores[allowed].tolist()))


def append_rescaled(ranked: Sequence[ScoredItem], more: Sequence[ScoredItem]) -> list[ScoredItem]:
    """Append the new items of another list, with scores scaled to be lower."""
    before = {item.position for item in ranked}
    added = [item for item in more if item.position not in before]
    if not ranked or not added:
        return [*ranked, *added]
    scale = scale_below(ranked[-1].score, added[0].score)
    return [*ranked, *(item._replace(score=item.score * scale) for item in added)]


def scale_below(last: float, best: float) -> float:
    """Return the factor that scales the score `best` to half of the score `last`; 0 if `best` is not positive."""
    return last / (2 * best) if best > 0 else 0.0


def _rank_for_item(inputs: RankingInputs, kind: str) -> Ranking:
    model, position, k = inputs.resolved.model, inputs.items.page_item, inputs.k
    if model is None:
        return trending_fallback(inputs)
    ranked = related_row(inputs, kind, position, leave_out=position)[:k]
    if len(ranked) < k and kind != SIMILAR:
        ranked = append_rescaled(ranked, related_row(inputs, SIMILAR, position, leave_out=position))[:k]
    known = [position] if 0 < position <= model.bundle.manifest.items else []
    ranked, source, degraded = _completed(inputs, ranked, known, k=k)
    if kind == TOGETHER:
        item_id = inputs.resolved.request.item_id
        ranked = _without_substitutes(inputs, ranked, [item_id] if item_id else [], k=k)
    return filled(inputs, ranked, source=source, leave_out=[position], degraded=degraded)


def _rank_for_cart(inputs: RankingInputs) -> Ranking:
    """Return items by their strongest link to an item of the cart, without substitutes for items of the cart.

    The strongest link finds more held-out items of baskets than the sum of links (docs/related-items.md).
    """
    model = inputs.resolved.model
    if model is None:
        return trending_fallback(inputs)
    maximum = max(inputs.k, MAX_CART_CANDIDATES)  # Rules may already require many candidates.
    wide = dataclasses.replace(inputs, k=min(CANDIDATES_A_PLACE * inputs.k, maximum))
    cart = inputs.items.cart[(inputs.items.cart > 0) & (inputs.items.cart <= model.bundle.manifest.items)].tolist()
    links: dict[int, float] = {}
    for position in cart:
        for item in related_row(inputs, TOGETHER, position, leave_out=cart):
            links[item.position] = max(item.score, links.get(item.position, 0.0))
    ranked = [ScoredItem(*item) for item in sorted(links.items(), key=lambda item: -item[1])[: wide.k]]
    ranked, source, degraded = _completed(inputs, ranked, cart, k=wide.k)
    ranking = filled(wide, ranked, source=source, leave_out=cart, degraded=degraded)
    kept = _without_substitutes(inputs, ranking.items, inputs.resolved.request.cart, k=inputs.k)
    return dataclasses.replace(ranking, items=kept)


def _completed(
    inputs: RankingInputs, ranked: list[ScoredItem], after: Sequence[int], *, k: int
) -> tuple[list[ScoredItem], Source, tuple[str, ...]]:
    """Complete the list to k items by the model's ranking after the items `after`.

    Also return the source of the list, and the causes if the model did not run.
    """
    model = inputs.resolved.model
    assert model is not None
    source: Source = "similar" if ranked else "model"
    if len(ranked) >= k or not after:
        return ranked, source, ()
    if degraded := model.delay(inputs.budget, masked=inputs.mask is not None):
        return ranked, source, degraded
    try:
        more = rank_after(inputs, after, inputs.mask, k=k + len(ranked))
    except GRAPH_ERRORS as error:
        return ranked, source, model_failure(error)
    return append_rescaled(ranked, more)[:k], source, ()


def _without_substitutes(
    inputs: RankingInputs, ranked: Sequence[ScoredItem], item_ids: Sequence[str], *, k: int
) -> list[ScoredItem]:
    """Return up to k items that are no substitutes for `item_ids`. Properties are read in batches of k items."""
    bought = [_Kind.of(properties) for properties in inputs.resolved.catalogue.properties(item_ids)]
    kept: list[ScoredItem] = []
    for start in range(0, len(ranked), k):
        batch = ranked[start : start + k]
        kinds = map(_Kind.of, inputs.items.properties([item.position for item in batch]))
        kept += [item for item, kind in zip(batch, kinds, strict=True) if not any(map(kind.replaces, bought))]
        if len(kept) >= k:
            break
    return kept[:k]


@struct
class _Kind:
    category: Any
    words: frozenset[str]

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> _Kind:
        return cls(leaf_category(properties), frozenset(str(properties.get(TITLE) or "").lower().split()))

    def replaces(self, other: _Kind) -> bool:
        """Return true for two items of one category whose titles share at least half of their distinct words.

        If both items have no title, the category decides.
        """
        if self.category is None or self.category != other.category:
            return False
        return 2 * len(self.words & other.words) >= len(self.words | other.words)
