"""Syntax tree of a filter expression, which `filters.parser.parse` returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypeAlias

from alsolike.runtime.struct import struct

ITEM_ID = "itemId"
EVENT_TYPE, TIMESTAMP = "eventType", "timestamp"
"""Columns of interactions in a live profile. The timestamp is in seconds since 1970."""


class Verb(StrEnum):
    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class ColumnDataset(StrEnum):
    ITEMS = "Items"
    INTERACTIONS = "Interactions"
    CURRENT_USER = "CurrentUser"
    CURRENT_ITEM = "CurrentItem"


class Unit(StrEnum):
    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"


class Operator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@struct
class Column:
    """Reference to a column of a dataset.

    Attributes
    ----------
    name
        Column name as written in the expression.
    key
        Name of the property, in camelCase.
    offset
        Character position in the expression, from 0.
    """

    dataset: ColumnDataset
    name: str
    key: str
    offset: int = dataclasses.field(compare=False)


@struct
class Parameter:
    name: str


@struct
class Time:
    """NOW, the time of the request, plus (`sign` 1) or minus (`sign` -1) a duration."""

    sign: int = 1
    amount: float | Parameter = 0.0
    unit: Unit = Unit.DAYS
    offset: int = dataclasses.field(default=0, compare=False)


@struct
class Everything:
    """The element `"*"`, which matches every event type."""


Element: TypeAlias = str | Parameter | Everything
Value: TypeAlias = float | str | bool | Parameter | Time | Column


@struct
class Membership:
    """Condition that a column contains one of several elements, or a value of a column of the current item or user."""

    column: Column
    elements: tuple[Element, ...] | Column


@struct
class Comparison:
    column: Column
    operator: Operator
    value: Value


@struct
class Not:
    operand: Condition


@struct
class And:
    operands: tuple[Condition, ...]


@struct
class Or:
    operands: tuple[Condition, ...]


Leaf: TypeAlias = Membership | Comparison
Condition: TypeAlias = Leaf | Not | And | Or


def _computed() -> Any:
    """Declare a field that `__post_init__` computes once, because a filter is evaluated for many requests."""
    return dataclasses.field(init=False, repr=False, compare=False)


@struct
class Expression:
    """INCLUDE or EXCLUDE expression of a filter. Pipes separate the expressions of a filter.

    Attributes
    ----------
    tests
        Conditions on the requesting user after IF. The expression applies only if all tests hold.
    parameters
        Distinct names of the parameters, in the order of the expression.
    """

    verb: Verb
    condition: Condition
    tests: tuple[Condition, ...] = ()
    parameters: tuple[str, ...] = _computed()

    def __post_init__(self) -> None:
        names = dict.fromkeys(name for leaf in self.leaves() for name in parameters_of(leaf))
        object.__setattr__(self, "parameters", tuple(names))

    def leaves(self) -> Iterator[Leaf]:
        for condition in (self.condition, *self.tests):
            yield from leaves(condition)


@struct
class Filter:
    """Filter. It passes the union of the INCLUDE expressions minus the union of the EXCLUDE expressions.

    Expressions that do not apply are ignored. If no INCLUDE expression applies, the filter starts from all items.

    Attributes
    ----------
    parameters
        Distinct names of the parameters, in the order of the expressions.
    columns
        Columns of all conditions, including duplicates, in the order of the expressions.
    needs_user, needs_history, needs_catalogue, needs_item
        True if conditions read properties of the requesting user, the user's interactions, columns of items, or
        properties of the current item, respectively.
    """

    expressions: tuple[Expression, ...]
    parameters: tuple[str, ...] = _computed()
    columns: tuple[Column, ...] = _computed()
    needs_user: bool = _computed()
    needs_history: bool = _computed()
    needs_catalogue: bool = _computed()
    needs_item: bool = _computed()

    def __post_init__(self) -> None:
        filter_leaves = (leaf for expression in self.expressions for leaf in expression.leaves())
        columns = tuple(
            column for leaf in filter_leaves for column in (leaf.column, reference(leaf)) if column is not None
        )
        datasets = {column.dataset for column in columns}
        values = {
            "parameters": tuple(
                dict.fromkeys(name for expression in self.expressions for name in expression.parameters)
            ),
            "columns": columns,
            "needs_user": ColumnDataset.CURRENT_USER in datasets,
            "needs_history": ColumnDataset.INTERACTIONS in datasets,
            "needs_catalogue": ColumnDataset.ITEMS in datasets,
            "needs_item": ColumnDataset.CURRENT_ITEM in datasets,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)


def is_static(condition: Condition) -> bool:
    """Return true if a condition depends only on the catalogue and the parameters, not on users or the time."""
    return all(
        leaf.column.dataset is ColumnDataset.ITEMS
        and reference(leaf) is None
        and not (isinstance(leaf, Comparison) and isinstance(leaf.value, Time))
        for leaf in leaves(condition)
    )


def leaves(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, Not):
        yield from leaves(condition.operand)
    elif isinstance(condition, And | Or):
        for operand in condition.operands:
            yield from leaves(operand)
    else:
        yield condition


def reference(leaf: Leaf) -> Column | None:
    """Return the operand of a condition if the operand is a column of the current item or user, else None."""
    operand = leaf.value if isinstance(leaf, Comparison) else leaf.elements
    return operand if isinstance(operand, Column) else None


def parameters_of(condition: Condition) -> tuple[str, ...]:
    """Return the names of a condition's parameters, including duplicates."""
    operands: list[object] = []
    for leaf in leaves(condition):
        if isinstance(leaf, Comparison):
            operands.append(leaf.value.amount if isinstance(leaf.value, Time) else leaf.value)
        elif isinstance(leaf.elements, tuple):
            operands += leaf.elements
    return tuple(operand.name for operand in operands if isinstance(operand, Parameter))
