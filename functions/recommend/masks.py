"""Item positions of a request, and masks of the items that its response may contain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.configuration.columns import as_declared
from alsolike.declarations.limits import MAX_RESULTS
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.interactions import NO_INTERACTIONS, Recent
from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.request_fields import BUY_AGAIN, PERSONALIZED_RANKING, RECENTLY_VIEWED, TRENDING
from alsolike.runtime.struct import struct
from alsolike.trends.counters import Trends
from functions.recommend.resolve import ResolvedRequest, SelectedFilter
from functions.recommend.scored_item import ScoredItem
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Mask
from functions.recommend.user_data import StoredUser

Positions = npt.NDArray[np.int64]

NO_POSITIONS: Positions = np.zeros(0, np.int64)

WITHOUT_FALLBACK = (BUY_AGAIN, RECENTLY_VIEWED, PERSONALIZED_RANKING, TRENDING)
"""Recommenders whose lists trending items never replace. So these lists may be short."""

FALLBACK_WINDOW = "1d"
"""Window of trending items that replace other lists. The longest window contains the most items."""


@struct
class RequestItems:
    """Items of one request, by position.

    Position 0 means no item. The items of the model follow, then cold items, then `others`. The positions of `others`
    are valid for this request only.

    Attributes
    ----------
    others
        IDs of items that the response may contain and that are neither in the model nor cold items.
    history
        Position of each interaction's item; 0 for an unknown item.
    excluded
        Positions of items that the request excludes by ID, or by `hides`.
    page_item
        Position of the current page's item; 0 if it is missing or unknown.
    fallback
        Trending items that replace other lists if there is no model.
    counters
        ETags of the trend counters; None if the response cannot contain trending items.
    """

    catalogue: ModelCatalogue
    others: tuple[str, ...]
    history: Positions
    excluded: Positions
    cart: Positions
    to_rank: Positions
    pins: Positions
    page_item: int
    trending: Sequence[ScoredItem] = ()
    fallback: Sequence[ScoredItem] = ()
    counters: Sequence[str] | None = None

    def item_ids(self, positions: Sequence[int]) -> list[str]:
        size = self.catalogue.size
        if not self.others or max(positions, default=0) < size:
            return self.catalogue.item_ids(positions)
        known = iter(self.catalogue.item_ids([position for position in positions if position < size]))
        return [next(known) if position < size else self.others[position - size] for position in positions]

    def properties(self, positions: Sequence[int]) -> list[Mapping[str, Any]]:
        return self.catalogue.properties(self.item_ids(positions))

    def products(self, positions: Sequence[int]) -> list[int]:
        """Return a product number per item. Variants of a product have the same number."""
        size = self.catalogue.size
        if not self.others:
            return self.catalogue.products(positions)
        keys = [position if position < size else self.others[position - size] for position in positions]
        return self.catalogue.products(keys)

    def columns(self, positions: Sequence[int], names: tuple[str, ...]) -> Callable[[int], Mapping[str, Any]]:
        if not names:
            return lambda _: {}
        ids = dict(zip(positions, self.item_ids(positions), strict=True))
        columns = self.catalogue.columns(list(ids.values()), names)
        return lambda position: columns(ids[position])

    def known(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Return a mask of the items that the model or the catalogue contains."""
        known = (positions > 0) & (positions < self.catalogue.size)
        if self.others:
            is_other = positions >= self.catalogue.size
            known[is_other] = self.catalogue.has_rows(self.others)[positions[is_other] - self.catalogue.size]
        return known

    def mask(self, selected: SelectedFilter, inputs: FilterInputs) -> Mask | None:
        """Return the mask that excludes deleted items and items that do not pass the filter.

        None if there is neither a filter nor a deleted item.
        """
        catalogue, recent = self.catalogue, inputs.recent
        if not self.others:
            return catalogue.mask(selected.filter, inputs, name=selected.name)
        is_other = recent.positions >= catalogue.size
        own = dataclasses.replace(recent, positions=np.where(is_other, 0, recent.positions))
        mask = catalogue.mask(selected.filter, dataclasses.replace(inputs, recent=own), name=selected.name)
        numbers = np.where(is_other, recent.positions - catalogue.size + 1, 0)
        inputs = dataclasses.replace(inputs, recent=dataclasses.replace(recent, positions=numbers))
        passing = catalogue.passing(self.others, selected.filter, inputs, name=selected.name)
        if mask is None:
            if passing.all():
                return None
            mask = catalogue.neutral()
        return np.concatenate([mask, np.where(passing, np.float32(0), np.float32(-np.inf))])

    def neutral(self) -> Mask:
        return np.zeros(self.catalogue.size + len(self.others), np.float32)


def request_items(
    resolved: ResolvedRequest, recent: Sequence[RecentInteraction], trends: Callable[[], Trends]
) -> RequestItems:
    """Return the items of a request and of the user's history, by position.

    `recent` is empty if the response does not depend on it. `trends` is called only if the response may contain
    trending items.
    """
    request, catalogue, rules = resolved.request, resolved.catalogue, resolved.rules
    history = [interaction.item_id for interaction in recent]
    trending: Sequence[tuple[str, float]] = ()
    fallback: Sequence[tuple[str, float]] = ()
    counters = None
    if request.recommender == TRENDING:
        latest = trends()
        trending, counters = latest.best(request.window, now_ms=resolved.now_ms), latest.etags
    if needs_fallback(resolved):
        latest = trends()
        fallback, counters = latest.best(FALLBACK_WINDOW, now_ms=resolved.now_ms), latest.etags
    pins = [] if rules is None else [pin.item_id for pin in rules.rules.pins]
    hidden = [past.item_id for past in recent if past.event_type in request.hides] if request.hides else []
    listed = [
        *pins,
        *(item_id for item_id, _ in trending),
        *(item_id for item_id, _ in fallback),
        *(history if request.recommender in (BUY_AGAIN, RECENTLY_VIEWED) else ()),
    ]
    to_rank = catalogue.search(request.words, maximum=MAX_RESULTS) if request.words else request.to_rank or ()
    others = _unknown([*listed, *to_rank], catalogue)

    def positions(item_ids: Sequence[str]) -> Positions:
        if not item_ids:
            return NO_POSITIONS
        places = catalogue.positions(item_ids)
        if others and not places.all():
            missing = np.flatnonzero(places == 0)
            places[missing] = [others.get(item_ids[index], 0) for index in missing.tolist()]
        return places

    def scored(items: Sequence[tuple[str, float]]) -> list[ScoredItem]:
        places = positions([item_id for item_id, _ in items]).tolist()
        return [ScoredItem(position, score) for position, (_, score) in zip(places, items, strict=True)]

    return RequestItems(
        catalogue,
        tuple(others),
        positions(history),
        positions([*request.exclude, *hidden]),
        positions(request.cart),
        positions(to_rank),
        positions(pins),
        int(positions([request.item_id])[0]) if request.item_id else 0,
        scored(trending),
        scored(fallback),
        counters,
    )


def needs_trends(resolved: ResolvedRequest) -> bool:
    return resolved.request.recommender == TRENDING or needs_fallback(resolved)


def needs_fallback(resolved: ResolvedRequest) -> bool:
    """Return true if there is no model, and trending items replace the list or its promoted items."""
    if resolved.model is not None:
        return False
    promotes = resolved.rules is not None and bool(resolved.rules.promotions)
    return promotes or resolved.request.recommender not in WITHOUT_FALLBACK


def _unknown(item_ids: Sequence[str], catalogue: ModelCatalogue) -> dict[str, int]:
    """Return positions after the catalogue's last position for items that are neither in the model nor cold items."""
    if not item_ids:
        return {}
    missing = np.flatnonzero(catalogue.positions(item_ids) == 0).tolist()
    unknown = dict.fromkeys(item_ids[index] for index in missing)
    return {item_id: position for position, item_id in enumerate(unknown, start=catalogue.size)}


def allowed_items(resolved: ResolvedRequest, user: StoredUser, items: RequestItems) -> Mask | None:
    """Return the mask that excludes items that the response must not contain. None excludes no item."""
    return without(item_mask(resolved.filter, resolved, user, items), items.excluded, items)


def item_mask(
    selected: SelectedFilter, resolved: ResolvedRequest, user: StoredUser, items: RequestItems
) -> Mask | None:
    """Return the mask that excludes deleted items and items that do not pass a filter. None excludes no item.

    Raise `Unavailable` if the filter requires the user or interactions, and these cannot be read, and `InvalidInput` if
    its parameters lack valid values.
    """
    if selected.filter is None and not items.others:
        return items.catalogue.mask_of_deleted
    recent = user.interactions if selected.needs_history else ()
    return items.mask(selected, filter_inputs(selected, resolved, recent, items.history, lambda: user.properties))


def filter_inputs(
    selected: SelectedFilter,
    resolved: ResolvedRequest,
    recent: Sequence[RecentInteraction],
    positions: Positions,
    user: Callable[[], Mapping[str, Any]],
) -> FilterInputs:
    """Return the inputs of a filter. `user` is called only if the filter requires the user's properties."""
    filter_, configuration = selected.filter, resolved.configuration
    if filter_ is None:
        return FilterInputs(now_ms=resolved.now_ms)
    item_id = resolved.request.item_id
    return FilterInputs(
        now_ms=resolved.now_ms,
        values=selected.values,
        recent=_recent(recent, positions) if filter_.needs_history else NO_INTERACTIONS,
        item=as_declared(resolved.catalogue.properties([item_id])[0], configuration.item_columns) if item_id else {},
        user=as_declared(user(), configuration.user_columns) if filter_.needs_user else {},
    )


def without(mask: Mask | None, positions: Positions, items: RequestItems) -> Mask | None:
    """Return a mask that also excludes the items at `positions`. Position 0 is ignored. None excludes no item."""
    known = positions[positions > 0]
    if not len(known):
        return mask
    narrowed = items.neutral() if mask is None else mask.copy()
    narrowed[known] = -np.inf
    return narrowed


def passing(scored: Sequence[Any], mask: Mask | None) -> list[Any]:
    if mask is None:
        return list(scored)
    return [item for item in scored if mask[item.position] > -np.inf]


def _recent(recent: Sequence[RecentInteraction], positions: Positions) -> Recent:
    return Recent(
        positions,
        [interaction.event_type for interaction in recent],
        np.array([interaction.event_time_ms for interaction in recent], np.int64),
    )
