"""Evaluation of a filter for all items of a model at once, on whole columns of the catalogue snapshot.

A condition on a missing value of an item or user is false, so NOT and NOT IN give true. Conditions on interactions that
are joined by AND must hold for the same interaction.

The evaluator caches two kinds of arrays: results that depend only on the catalogue and the parameters, and columns in
the order of the model's positions. Conditions on the user's interactions give sparse sets. Therefore most
requests compute whole columns only for comparisons with the time, the user or the current item.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from alsolike.configuration.configuration import ColumnType
from alsolike.filters import columns as filter_columns
from alsolike.filters import interactions as filter_interactions
from alsolike.filters import sets as filter_sets
from alsolike.filters import users
from alsolike.filters.interactions import NO_INTERACTIONS, Recent
from alsolike.filters.sets import EVERYTHING, NO_POSITIONS, NOTHING, PositionSet, SparseSet, complement
from alsolike.filters.tree import (
    ITEM_ID,
    And,
    ColumnDataset,
    Condition,
    Expression,
    Filter,
    Leaf,
    Membership,
    Not,
    Operator,
    Or,
    Verb,
    is_static,
    parameters_of,
)
from alsolike.filters.values import Resolver, Values
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.snapshot import ListColumn, Snapshot, TextColumn

CACHE_BYTES = 64_000_000
_POSITIONS_OF_ROWS = ("positions of rows",)  # The key is a tuple, so it differs from all column names.
_ENTRY_BYTES = 2_000  # Approximate size of the key and the parameter values of a cache entry.

Bias: TypeAlias = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilterInputs:
    now_ms: int
    values: Values = dataclasses.field(default_factory=dict)
    recent: Recent = NO_INTERACTIONS
    item: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    user: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class FilterEvaluator:
    """Evaluator of filters over the items of one model and one snapshot.

    Parameters
    ----------
    rows
        Row in the snapshot for each position of the model, or -1 if there is none, int64 `(items + 1,)`.
    positions
        Function that returns the positions of item IDs in the model, 0 for unknown IDs.
    canonical
        Function that returns the canonical name of an event type, or raises `UnknownEventType`.
    barred
        Positions of items that never pass a filter.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        rows: npt.NDArray[np.int64],
        *,
        positions: Callable[[Sequence[str]], npt.NDArray[np.int64]],
        canonical: Callable[[str], str],
        barred: npt.NDArray[np.int64] = NO_POSITIONS,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._snapshot = snapshot
        self._rows = np.where(rows < 0, snapshot.row_count, rows)  # The row after the last one has no values.
        self._positions_of = positions
        self._canonical = canonical
        self._barred = SparseSet(barred, outside=True)
        self._cache: BoundedCache[Hashable, Any] = BoundedCache(cache_bytes)

    def bias(self, filter_: Filter, inputs: FilterInputs, *, name: str) -> Bias:
        """Return the model's input `bias`, float32 `(items + 1,)`, which is 0 for items that pass and -inf for all
        others.
        """
        expressions = _applicable(filter_, inputs.values, name=name)
        return filter_sets.bias(self._allowed(expressions, inputs), len(self._rows))

    def _allowed(self, expressions: Sequence[Expression], inputs: FilterInputs) -> PositionSet:
        resolver = Resolver(inputs.values, inputs.now_ms, inputs.item, inputs.user)
        included: list[PositionSet] = []
        excluded: list[PositionSet] = []
        for expression in expressions:
            if all(users.holds(test, resolver) for test in expression.tests):
                same_verb = included if expression.verb is Verb.INCLUDE else excluded
                same_verb.append(self._set(expression.condition, resolver, inputs.recent))
        passing = filter_sets.union(included) if included else EVERYTHING
        return filter_sets.intersection([passing, *map(complement, excluded), self._barred])

    def _set(self, condition: Condition, resolver: Resolver, recent: Recent) -> PositionSet:
        if not is_static(condition):
            return self._computed(condition, resolver, recent)
        values = tuple(resolver.values[name] for name in parameters_of(condition))
        computed: PositionSet = self._kept(
            (condition, values), lambda: self._computed(condition, resolver, NO_INTERACTIONS)
        )
        return computed

    def _computed(self, condition: Condition, resolver: Resolver, recent: Recent) -> PositionSet:
        if filter_interactions.is_of_one_interaction(condition):
            met = filter_interactions.match(condition, recent, resolver, canonical=self._canonical)
            return SparseSet(recent.positions[met])
        if isinstance(condition, Not):
            return complement(self._set(condition.operand, resolver, recent))
        if isinstance(condition, And | Or):
            sets = [self._set(group, resolver, recent) for group in _groups(condition)]
            return filter_sets.intersection(sets) if isinstance(condition, And) else filter_sets.union(sets)
        if condition.column.dataset is ColumnDataset.CURRENT_USER:
            return EVERYTHING if users.holds(condition, resolver) else NOTHING
        if condition.column.key == ITEM_ID:
            return self._id_set(condition, resolver)
        return self._column_set(condition, resolver)

    def _kept(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        kept = self._cache.get(key)
        if kept is None:
            kept = compute()
            self._cache.put(key, kept, size_bytes=kept.nbytes + _ENTRY_BYTES)
        return kept

    def _id_set(self, leaf: Leaf, resolver: Resolver) -> PositionSet:
        """Return the positions that meet a condition on the item ID, including positions of items that are not in the
        snapshot.
        """
        if isinstance(leaf, Membership):
            return SparseSet(self._positions_of(resolver.elements(leaf)[0]))
        text = filter_columns.text(leaf, resolver)
        if text is None:
            return NOTHING
        return SparseSet(self._positions_of([text]), outside=leaf.operator is Operator.NOT_EQUAL)

    def _column_set(self, leaf: Leaf, resolver: Resolver) -> PositionSet:
        if self._snapshot.column_types.get(leaf.column.key) is ColumnType.LIST:
            return self._list_set(leaf, resolver)
        column = self._snapshot.column(leaf.column.key)
        assert not isinstance(column, ListColumn)
        if column is None or isinstance(column, TextColumn):
            return filter_columns.match(column, leaf, resolver, rows=len(self._rows))
        values = self._kept(leaf.column.key, lambda: filter_columns.values(column, self._rows))
        arranged = filter_columns.with_values(column, values)
        return filter_columns.match(arranged, leaf, resolver, rows=len(self._rows))

    def _list_set(self, leaf: Leaf, resolver: Resolver) -> PositionSet:
        texts = filter_columns.elements(leaf, resolver)
        positions = self._kept(_POSITIONS_OF_ROWS, self._positions_of_rows)
        mask = np.zeros(len(self._rows), bool)
        for start, column in self._snapshot.parts(leaf.column.key):
            assert isinstance(column, ListColumn)
            mask[positions[start + filter_columns.rows_with(column, texts)]] = True
        return mask

    def _positions_of_rows(self) -> npt.NDArray[np.int32]:
        """Return the position in the model for each row of the snapshot, or 0 for items that are not in the model."""
        positions = np.zeros(self._snapshot.row_count + 1, np.int32)  # The last element is for items without a row.
        positions[self._rows] = np.arange(len(self._rows), dtype=np.int32)
        return positions


def _groups(condition: And | Or) -> list[Condition]:
    """Return the operands, with all static operands combined into one condition unless every operand is static.

    The conditions on interactions in an AND are combined, too.
    """
    static: list[Condition] = []
    interaction_conditions: list[Condition] = []
    others: list[Condition] = []
    for operand in condition.operands:
        if is_static(operand):
            static.append(operand)
        elif isinstance(condition, And) and filter_interactions.is_of_one_interaction(operand):
            interaction_conditions.append(operand)
        else:
            others.append(operand)
    if not interaction_conditions and not others:  # The caller caches the complete condition.
        return static
    parts = [part for part in (static, interaction_conditions) if part]
    return [*(type(condition)(tuple(part)) if len(part) > 1 else part[0] for part in parts), *others]


def _applicable(filter_: Filter, values: Values, *, name: str) -> tuple[Expression, ...]:
    """Return the expressions of a filter, without EXCLUDE expressions that lack the value of a parameter.

    An INCLUDE expression that lacks a value raises `InvalidInput`.
    """
    refuse_unknown(values, filter_, name=name)
    expressions = []
    for expression in filter_.expressions:
        missing = [parameter for parameter in expression.parameters if parameter not in values]
        if missing and expression.verb is Verb.INCLUDE:
            raise InvalidInput(
                f"filterValues.{missing[0]} is missing, expected a value: "
                f"filter {name} uses it in an INCLUDE expression, which requires all parameters"
            )
        if not missing:
            expressions.append(expression)
    return tuple(expressions)


def refuse_unknown(values: Collection[str], filter_: Filter, *, name: str) -> None:
    known = filter_.parameters
    for given in values:
        if given not in known:
            expected = ", ".join(known) or "no values: the filter has no parameters"
            raise InvalidInput(f"filterValues.{given} is not a parameter of filter {name}, expected {expected}")
