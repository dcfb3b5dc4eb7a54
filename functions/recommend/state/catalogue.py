"""Catalogue snapshot for one model: items that may be recommended, with their current columns."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Rows, find, hashes_of
from alsolike.bundle.bundle import Bundle
from alsolike.catalogue.variants import ProductKey, product_key
from alsolike.configuration.columns import CREATED, as_declared
from alsolike.configuration.configuration import Configuration
from alsolike.filters import columns as filter_columns
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs
from alsolike.filters.tree import Filter
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.cold_items import NO_COLD_ITEMS, ColdItems, ColdScorer
from alsolike.snapshot.snapshot import NumberColumn, Snapshot
from functions.recommend.state.model import ColdFilling, Mask, Model

MAX_DRAFT_ROWS = 300_000
"""Maximum number of items in a snapshot for which `ModelCatalogue.under` reads columns that the snapshot lacks."""

KEPT_VALUES = 5_000
"""Maximum number of items whose values for rules are cached. Many users have the same items at the top of their lists.
"""

KEPT_PRODUCTS = 50_000


class NoBundle:
    """Replacement without items for the bundle, while there is no model."""

    id_hashes = np.zeros(0, np.uint64)
    id_positions = np.zeros(0, np.int32)

    def positions(self, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        return np.zeros(len(item_ids), np.int64)

    def item_id(self, position: int) -> str:
        raise IndexError(position)

    def item_ids(self, positions: Sequence[int]) -> list[str]:
        return [self.item_id(position) for position in positions]

    def metadata(self, position: int) -> dict[str, Any]:
        raise IndexError(position)


class ModelCatalogue:
    """Snapshot joined with a model's bundle, under one configuration.

    An item of the model that was never in the catalogue is recommended as in the bundle. An item that was deleted from
    the catalogue is not recommended. Cold items, which only the catalogue contains, have the positions after the model:
    items + 1, items + 2 and so on.

    `cold` is empty if the snapshot's cold items belong to another model. `size` counts position 0, the model's items
    and the cold items. `version` is "" before the first snapshot.
    """

    def __init__(self, snapshot: Snapshot, model: Model | None, configuration: Configuration) -> None:
        self.version = snapshot.version
        self._snapshot = snapshot
        self._model = model
        self._bundle = bundle = NoBundle() if model is None else model.bundle
        self._configuration = configuration
        self._items = len(bundle.id_hashes)
        self._deleted_hashes = np.sort(snapshot.deleted_hashes())
        deleted = find(bundle.id_hashes, self._deleted_hashes)
        self._deleted = bundle.id_positions[deleted[deleted >= 0]].astype(np.int64)
        cold, self._cold_rows = _cold_items(snapshot, bundle)
        self._cold_hashes = cold.hashes
        self.cold_items = cold
        self.cold = ColdScorer(cold, items=self._items)
        self.size = self._items + 1 + len(self.cold)
        self.has_cold = len(self.cold) > 0
        self._values = functools.lru_cache(maxsize=KEPT_VALUES)(self._values_of)
        self._product_of: dict[int | str, int] = {}
        self._numbers: dict[ProductKey, int] = {}

    def under(self, configuration: Configuration) -> ModelCatalogue:
        """Return the catalogue with the columns of a configuration that is not applied.

        Raise `InvalidInput` if the catalogue is too large to read columns that it does not contain.
        """
        snapshot = self._snapshot
        missing = [
            name for name, type_ in configuration.item_columns.items() if snapshot.column_types.get(name) is not type_
        ]
        if missing and snapshot.row_count > MAX_DRAFT_ROWS:
            raise InvalidInput(
                f"the catalogue has no column {', '.join(missing)} yet, expected applied columns: "
                "apply items.columns, then preview the rules"
            )
        return ModelCatalogue(snapshot.with_columns(configuration.item_columns), self._model, configuration)

    def positions(self, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the position of each ID, shape `(len(item_ids),)`: 0 for an unknown item."""
        positions = self._bundle.positions(item_ids)
        if self.has_cold and not positions.all():
            unknown = np.flatnonzero(positions == 0)
            rows = find(self._cold_hashes, hashes_of([item_ids[place].encode() for place in unknown.tolist()]))
            positions[unknown] = np.where(rows >= 0, rows + self._items + 1, 0)
        return positions

    def item_ids(self, positions: Sequence[int]) -> list[str]:
        if not self.has_cold or max(positions, default=0) <= self._items:
            return self._bundle.item_ids(positions)
        return [self._item_id(position) for position in positions]

    def _item_id(self, position: int) -> str:
        if position <= self._items:
            return self._bundle.item_id(position)
        return self._snapshot.item_id(int(self._cold_rows[position - self._items - 1]))

    def mask(self, filter_: Filter | None, inputs: FilterInputs, *, name: str) -> Mask | None:
        """Return the mask that excludes deleted items and items that do not pass the filter.

        None if there is neither a filter nor a deleted item.
        """
        if filter_ is None:
            return self.mask_of_deleted
        return self._evaluator.bias(filter_, inputs, name=name)

    def passing(
        self, item_ids: Sequence[str], filter_: Filter | None, inputs: FilterInputs, *, name: str
    ) -> npt.NDArray[np.bool_]:
        """Return a mask of the items that may be recommended, bool `(len(item_ids),)`.

        The items may be unknown to the model. An item that is not in the catalogue has no values. In the interactions
        of `inputs`, ``item_ids[n]`` has the position n + 1.
        """
        hashes = hashes_of([item_id.encode() for item_id in item_ids])
        alive = find(self._deleted_hashes, hashes) < 0
        if filter_ is None:
            return alive
        numbers = {item_id: number for number, item_id in enumerate(item_ids, start=1)}
        evaluator = FilterEvaluator(
            self._snapshot,
            np.concatenate([[-1], self._snapshot.rows_by_hash(hashes)]),
            positions=lambda ids: np.array([numbers.get(item_id, 0) for item_id in ids], np.int64),
            canonical=self._configuration.canonical_event_type,
        )
        mask = evaluator.bias(filter_, inputs, name=name)
        passing: npt.NDArray[np.bool_] = alive & (mask[1:] > -np.inf)
        return passing

    def search(self, words: Sequence[str], *, maximum: int) -> list[str]:
        """Return up to `maximum` IDs of items that match all words: first the model's items, most frequent first."""
        matches = self._snapshot.matching(words)
        known = self._rows[1:]
        ranked = known[(known >= 0) & np.append(matches, False)[known]]
        matches[ranked] = False
        rows = np.append(ranked, np.flatnonzero(matches))[:maximum]
        return [self._snapshot.item_id(row) for row in rows.tolist()]

    def properties(self, item_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the properties of items from the catalogue, else from the model: {} for an unknown item."""
        positions = self._bundle.positions(item_ids).tolist()
        return [
            self._snapshot.properties(row) if row >= 0 else self._bundle.metadata(position) if position else {}
            for row, position in zip(self._snapshot.rows(item_ids).tolist(), positions, strict=True)
        ]

    def products(self, keys: Sequence[int | str]) -> list[int]:
        """Return a product number per item, which is equal for variants of a product; see `product_key`.

        Each of `keys` is a position, or the ID of an item without a position. Numbers of different calls may not be
        comparable.
        """
        new = [key for key in keys if key not in self._product_of]
        if len(self._product_of) + len(new) > KEPT_PRODUCTS:
            self._product_of, self._numbers, new = {}, {}, list(keys)
        if new:
            names = iter(self.item_ids([key for key in new if isinstance(key, int)]))
            item_ids = [next(names) if isinstance(key, int) else key for key in new]
            for key, item_id, properties in zip(new, item_ids, self.properties(item_ids), strict=True):
                product = product_key(item_id, properties, by=self._configuration.variants)
                self._product_of[key] = self._numbers.setdefault(product, len(self._numbers))
        return [self._product_of[key] for key in keys]

    @functools.cached_property
    def candidates_per_place(self) -> float:
        """Number of items per product in a typical list of the model; 1 if no model is loaded or the model fails.

        Lists with one variant per product start with this number of candidates per position. This saves a second model
        run for lists that would be too short.
        """
        sample = () if self._model is None else self._model.ranked_sample
        return len(sample) / len(set(self.products(sample))) if sample else 1.0

    @property
    def has_items(self) -> bool:
        return self._items > 0 or len(self._snapshot) > 0

    def neutral(self) -> Mask:
        return np.zeros(self.size, np.float32)

    def has_rows(self, item_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        has: npt.NDArray[np.bool_] = self._snapshot.rows(item_ids) >= 0
        return has

    def columns(self, item_ids: Sequence[str], names: tuple[str, ...]) -> Callable[[str], Mapping[str, Any]]:
        """Return a function that maps an item to its values in declared columns. Values are looked up on demand."""
        if not names:
            return lambda _: {}
        unique = list(dict.fromkeys(item_ids))
        rows = dict(zip(unique, self._snapshot.rows(unique).tolist(), strict=True))

        @functools.cache
        def declared_values(item_id: str) -> Mapping[str, Any]:
            row = rows[item_id]
            if row >= 0:
                return self._values(row, names)
            position = int(self._bundle.positions([item_id])[0])
            return as_declared(self._bundle.metadata(position) if position else {}, self._configuration.item_columns)

        return declared_values

    def _values_of(self, row: int, names: tuple[str, ...]) -> Mapping[str, Any]:
        columns = {name: self._snapshot.column(name) for name in names}
        values = {name: column.value(row) for name, column in columns.items() if column is not None}
        return as_declared(values, self._configuration.item_columns)

    def cold_filling(self, mask: Mask | None) -> ColdFilling | None:
        """Return a function that lists the allowed cold items, latest changed first; None without cold items."""
        if not self.has_cold:
            return None

        def latest(maximum: int, left_out: Set[int]) -> list[int]:
            allowed = self._latest_cold
            if mask is not None:
                allowed = allowed[mask[allowed] > -np.inf]
            enough = allowed[: maximum + len(left_out)].tolist()
            return list(itertools.islice((place for place in enough if place not in left_out), maximum))

        return latest

    @functools.cached_property
    def _latest_cold(self) -> npt.NDArray[np.int64]:
        """Positions of the cold items, latest changed first. They are sorted once, because there may be many."""
        order: npt.NDArray[np.int64] = self._items + 1 + np.argsort(-self.cold_items.updated_at_ms, kind="stable")
        return order

    def newest(self, mask: Mask | None, *, since_ms: int, until_ms: int, maximum: int) -> npt.NDArray[np.int64]:
        """Return positions of up to `maximum` allowed items with a `creationTimestamp` in the period, latest first."""
        created = self._created_s
        new = (created >= since_ms / 1000) & (created <= until_ms / 1000)
        if mask is not None:
            new &= mask[: self.size] > -np.inf
        places = np.flatnonzero(new)
        newest: npt.NDArray[np.int64] = places[np.argsort(-created[places], kind="stable")[:maximum]]
        return newest

    @functools.cached_property
    def _created_s(self) -> npt.NDArray[np.float64]:
        """Creation time by position in seconds since 1970; NaN if unknown."""
        column = self._snapshot.column(CREATED)
        if not isinstance(column, NumberColumn):
            return np.full(len(self._rows), np.nan)
        created: npt.NDArray[np.float64] = filter_columns.values(
            column, np.where(self._rows < 0, self._snapshot.row_count, self._rows)
        )
        return created

    @functools.cached_property
    def mask_of_deleted(self) -> Mask | None:
        if not len(self._deleted):
            return None
        mask = self.neutral()
        mask[self._deleted] = -np.inf
        return mask

    @functools.cached_property
    def _rows(self) -> Rows:
        """Catalogue row of the item at each position; -1 if there is none."""
        rows: Rows = np.full(self._items + 1, -1)
        rows[self._bundle.id_positions] = self._snapshot.rows_by_hash(self._bundle.id_hashes)
        return np.concatenate([rows, self._cold_rows])

    @functools.cached_property
    def _evaluator(self) -> FilterEvaluator:
        return FilterEvaluator(
            self._snapshot,
            self._rows,
            positions=self.positions,
            canonical=self._configuration.canonical_event_type,
            barred=self._deleted,
        )


def _cold_items(snapshot: Snapshot, bundle: Bundle | NoBundle) -> tuple[ColdItems, Rows]:
    """Return the cold items of the catalogue, and their rows. Empty if they belong to another model."""
    cold = snapshot.cold
    if cold is None or isinstance(bundle, NoBundle) or snapshot.cold_model != bundle.manifest.version:
        return NO_COLD_ITEMS, np.zeros(0, np.int64)
    rows = snapshot.rows_by_hash(cold.hashes)
    live = np.flatnonzero(rows >= 0)
    return cold.take(live), rows[live]
