"""Which items of a model pass a filter: conditions as operations on whole columns of the catalogue snapshot.

A condition on a value that an item does not have is false, and NOT (also of NOT IN) turns that into true. Conditions
on interactions that AND joins speak of one and the same interaction.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike import filter_columns, filter_user
from alsolike.cache import BoundedCache
from alsolike.errors import UnknownEventType
from alsolike.filter_tree import (
    EVENT_TYPE,
    ITEM_ID,
    And,
    Comparison,
    Condition,
    CurrentItem,
    Dataset,
    Expression,
    Filter,
    Leaf,
    Membership,
    Not,
    Operator,
    Or,
    Parameter,
    Verb,
    leaves,
)
from alsolike.filter_values import Resolver, Values, applicable
from alsolike.snapshot import Snapshot

CACHE_BYTES = 64_000_000

Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Recent:
    """The interactions of the user who asks.

    Attributes
    ----------
    positions
        int64 `(n,)`, of the items in the model; 0 for one that it does not know.
    event_types
        As the profile has them.
    event_time_ms
        int64 `(n,)`.
    """

    positions: npt.NDArray[np.int64]
    event_types: Sequence[str]
    event_time_ms: npt.NDArray[np.int64]


NO_POSITIONS = np.zeros(0, np.int64)
NOTHING = Recent(NO_POSITIONS, (), np.zeros(0, np.int64))


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What a request brings to a filter.

    Attributes
    ----------
    item, user
        Properties of the item that the request is about, and of the user who asks.
    """

    values: Values = dataclasses.field(default_factory=dict)
    recent: Recent = NOTHING
    item: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    user: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class FilterEvaluator:
    """Evaluates filters over the items of one model and one snapshot.

    Parameters
    ----------
    rows
        int64 `(items + 1,)`: the snapshot's row of the item at each position of the model, -1 for none.
    positions
        Returns the position in the model of each id, 0 for one that it does not know.
    canonical
        Returns the canonical name of an event type in whatever spelling; raises `UnknownEventType` for others.
    barred
        Positions that no filter lets pass.
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
        self._rows = rows
        self._positions_of = positions
        self._canonical = canonical
        self._barred = barred
        self._cache: BoundedCache[Hashable, npt.NDArray[Any]] = BoundedCache(cache_bytes)

    def bias(self, filter_: Filter, asked: Asked, *, name: str) -> npt.NDArray[np.float32]:
        """Return the graph's `bias`, float32 `(items + 1,)`: 0 for an item that passes, -inf for any other.

        It may be shared with other requests: do not write into it.

        Parameters
        ----------
        name
            Which one of the configuration's filters it is.

        Raises
        ------
        InvalidInput
            If a parameter is missing, unknown or not of its column's type.
        """
        key = (name, tuple(sorted(asked.values.items())))
        bias = self._cache.get(key)
        if bias is None:
            expressions = applicable(filter_, asked.values, name=name)
            bias = _bias(self._allowed(expressions, asked))
            if all(_is_static(expression.condition) and not expression.tests for expression in expressions):
                self._cache.put(key, bias, size_bytes=bias.nbytes)
        return bias

    def _allowed(self, expressions: Sequence[Expression], asked: Asked) -> Mask:
        resolver = Resolver(asked.values, asked.item)
        included: Mask | None = None
        excluded: Mask | None = None
        for expression in expressions:
            if not all(filter_user.holds(test, asked.user, resolver) for test in expression.tests):
                continue
            mask = self._positions(expression.condition, resolver, asked.recent)
            if expression.verb is Verb.INCLUDE:
                included = mask if included is None else included | mask
            else:
                excluded = mask if excluded is None else excluded | mask
        allowed = np.ones(len(self._rows), bool) if included is None else included.copy()  # it may be a kept one
        if excluded is not None:
            allowed &= ~excluded
        allowed[self._barred] = False
        return allowed

    def _positions(self, condition: Condition, resolver: Resolver, recent: Recent) -> Mask:
        """Return which positions meet the condition; what does not depend on the request is kept."""
        if not _is_static(condition):
            return self._computed(condition, resolver, recent)
        key = (condition, _used([condition], resolver.values))
        return self._kept(key, lambda: self._computed(condition, resolver, recent))

    def _computed(self, condition: Condition, resolver: Resolver, recent: Recent) -> Mask:
        if all(_is_of_columns(leaf) for leaf in leaves(condition)):
            return self._of_rows(condition, resolver)[self._rows]
        if _is_of_one_interaction(condition):
            return self._mask(recent.positions[self._of_interactions(condition, resolver, recent)])
        if isinstance(condition, Not):
            return ~self._positions(condition.operand, resolver, recent)
        if isinstance(condition, Membership | Comparison):
            return self._of_ids(condition, resolver)
        if isinstance(condition, Or):
            return _any([self._positions(operand, resolver, recent) for operand in condition.operands])
        together = tuple(operand for operand in condition.operands if _is_of_one_interaction(operand))
        others = [operand for operand in condition.operands if operand not in together]
        masks = [self._positions(operand, resolver, recent) for operand in others]
        if together:
            masks.append(self._mask(recent.positions[self._of_interactions(And(together), resolver, recent)]))
        return _all(masks)

    def _event_type(self, name: str) -> str:
        try:
            return self._canonical(name)
        except UnknownEventType:  # of an earlier configuration, or of nobody
            return name.lower()

    def _kept(self, key: Hashable, compute: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Return what is remembered under a key, computed now if it is not."""
        array = self._cache.get(key)
        if array is None:
            array = compute()
            self._cache.put(key, array, size_bytes=array.nbytes)
        return array

    def _mask(self, positions: npt.NDArray[np.int64]) -> Mask:
        mask = np.zeros(len(self._rows), bool)
        mask[positions] = True
        return mask

    def _of_ids(self, leaf: Leaf, resolver: Resolver) -> Mask:
        """Return which positions have one of the ids: the model knows those of items outside the catalogue, too."""
        if isinstance(leaf, Membership):
            return self._mask(self._positions_of(resolver.elements(leaf)[0]))
        text = filter_columns.text(leaf, resolver)
        mask = self._mask(self._positions_of([] if text is None else [text]))
        return ~mask if leaf.operator is Operator.NOT_EQUAL and text is not None else mask

    def _of_rows(self, condition: Condition, resolver: Resolver) -> Mask:
        """Return which rows of the snapshot meet the condition; the last element is for items without a row."""
        if isinstance(condition, Not):
            return ~self._of_rows(condition.operand, resolver)
        if isinstance(condition, And | Or):
            masks = [self._of_rows(operand, resolver) for operand in condition.operands]
            return _all(masks) if isinstance(condition, And) else _any(masks)
        mask = np.zeros(self._snapshot.row_count + 1, bool)
        filter_columns.match(self._snapshot, condition, resolver, out=mask[:-1])
        return mask

    def _of_interactions(self, condition: Condition, resolver: Resolver, recent: Recent) -> Mask:
        """Return which of the user's interactions meet the condition."""
        if isinstance(condition, And | Or):
            masks = [self._of_interactions(operand, resolver, recent) for operand in condition.operands]
            return _all(masks) if isinstance(condition, And) else _any(masks)
        assert isinstance(condition, Membership | Comparison)
        if condition.column.key == EVENT_TYPE:
            return self._of_type(condition, resolver, recent)
        assert isinstance(condition, Comparison)  # the parser lets no IN past TIMESTAMP
        number = resolver.number(condition)
        return filter_columns.compare(recent.event_time_ms / 1000, condition.operator, number)

    def _of_type(self, leaf: Leaf, resolver: Resolver, recent: Recent) -> Mask:
        if isinstance(leaf, Membership):
            texts, everything = resolver.elements(leaf)
            if everything:
                return np.ones(len(recent.event_types), bool)
        else:
            texts = [str(resolver.operand(leaf))]
        wanted = {self._event_type(text) for text in texts}
        found = np.array([self._event_type(name) in wanted for name in recent.event_types], bool)
        differs = isinstance(leaf, Comparison) and leaf.operator is Operator.NOT_EQUAL
        return ~found if differs else found


def _all(masks: Sequence[Mask]) -> Mask:
    return functools.reduce(np.logical_and, masks)


def _any(masks: Sequence[Mask]) -> Mask:
    return functools.reduce(np.logical_or, masks)


def _bias(allowed: Mask) -> npt.NDArray[np.float32]:
    return np.where(allowed, np.float32(0.0), np.float32(-np.inf))


def _is_static(condition: Condition) -> bool:
    """Whether it depends on nothing but the catalogue and the parameters."""
    return all(
        leaf.column.dataset is Dataset.ITEMS
        and not isinstance(leaf.value if isinstance(leaf, Comparison) else leaf.elements, CurrentItem)
        for leaf in leaves(condition)
    )


def _is_of_columns(leaf: Leaf) -> bool:
    """Whether it looks at a column of the catalogue."""
    return leaf.column.dataset is Dataset.ITEMS and leaf.column.key != ITEM_ID


def _is_of_one_interaction(condition: Condition) -> bool:
    """Whether it can be asked of an interaction by itself: NOT is asked of the item, of all its interactions."""
    if isinstance(condition, And | Or):
        return all(_is_of_one_interaction(operand) for operand in condition.operands)
    return not isinstance(condition, Not) and condition.column.dataset is Dataset.INTERACTIONS


def _used(conditions: Sequence[Expression | Condition], values: Values) -> Hashable:
    """Return the values of the parameters that occur."""
    names = set()
    for condition in conditions:
        found = condition.leaves() if isinstance(condition, Expression) else leaves(condition)
        for leaf in found:
            used = (leaf.value,) if isinstance(leaf, Comparison) else leaf.elements
            names |= {value.name for value in (used if isinstance(used, tuple) else ()) if isinstance(value, Parameter)}
    return tuple((name, values[name]) for name in sorted(names))
