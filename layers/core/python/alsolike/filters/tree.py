"""The tree of a filter expression; `filters.parse` makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias

from alsolike.runtime.struct import struct

ITEM_ID = "itemId"
EVENT_TYPE, TIMESTAMP = "eventType", "timestamp"
"""The columns of interactions that a live profile keeps; the time in seconds since 1970."""


class Verb(StrEnum):
    """The effect of an expression on the items that meet its condition."""

    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class ColumnDataset(StrEnum):
    """The object whose column a condition reads."""

    ITEMS = "Items"
    INTERACTIONS = "Interactions"
    CURRENT_USER = "CurrentUser"
    CURRENT_ITEM = "CurrentItem"


class Unit(StrEnum):
    """A length of time."""

    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"


class Operator(StrEnum):
    """A comparison."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@struct
class Column:
    """A column of a dataset.

    Attributes
    ----------
    name
        As it is written in the expression.
    key
        The property's name: camelCase.
    offset
        The character at which it stands, from 0.
    """

    dataset: ColumnDataset
    name: str
    key: str
    offset: int = dataclasses.field(compare=False)


@struct
class Parameter:
    """A value from the request."""

    name: str


@struct
class Time:
    """The time of the request, or one at a distance before or after it.

    Attributes
    ----------
    sign
        -1 for before, 1 for after.
    amount
        In units, at least 0.
    offset
        Its character position, from 0.
    """

    sign: int = 1
    amount: float | Parameter = 0.0
    unit: Unit = Unit.DAYS
    offset: int = dataclasses.field(default=0, compare=False)


@struct
class Everything:
    """`"*"`: every event type."""


Element: TypeAlias = str | Parameter | Everything
Value: TypeAlias = float | str | bool | Parameter | Time | Column


@struct
class Membership:
    """A test that a value of a column is among given elements or those of the current item or user."""

    column: Column
    elements: tuple[Element, ...] | Column


@struct
class Comparison:
    """A comparison of a column's value with another one."""

    column: Column
    operator: Operator
    value: Value


@struct
class Not:
    """The opposite of a condition."""

    operand: Condition


@struct
class And:
    """Every one of two or more conditions."""

    operands: tuple[Condition, ...]


@struct
class Or:
    """At least one of two or more conditions."""

    operands: tuple[Condition, ...]


Leaf: TypeAlias = Membership | Comparison
Condition: TypeAlias = Leaf | Not | And | Or


@struct
class Expression:
    """One part between pipes.

    Attributes
    ----------
    tests
        On the requesting user; all of them must hold for the expression to apply.
    """

    verb: Verb
    condition: Condition
    tests: tuple[Condition, ...] = ()

    def leaves(self) -> Iterator[Leaf]:
        """Yield the comparisons and memberships, those of the user last."""
        for condition in (self.condition, *self.tests):
            yield from leaves(condition)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, each once, in their order."""
        return tuple(dict.fromkeys(name for leaf in self.leaves() for name in parameters_of(leaf)))


@struct
class Filter:
    """A filter: the union of its INCLUDE expressions, less the union of its EXCLUDE expressions."""

    expressions: tuple[Expression, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, each once, in their order."""
        return tuple(dict.fromkeys(name for expression in self.expressions for name in expression.parameters))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that conditions read, once per occurrence, in their order."""
        leaves = (leaf for expression in self.expressions for leaf in expression.leaves())
        return tuple(column for leaf in leaves for column in (leaf.column, reference(leaf)) if column is not None)

    @property
    def needs_user(self) -> bool:
        """True if it reads properties of the requesting user."""
        return self._looks_at(ColumnDataset.CURRENT_USER)

    @property
    def needs_history(self) -> bool:
        """True if it reads interactions of the requesting user."""
        return self._looks_at(ColumnDataset.INTERACTIONS)

    @property
    def needs_catalogue(self) -> bool:
        """True if it reads columns of items."""
        return self._looks_at(ColumnDataset.ITEMS)

    @property
    def needs_item(self) -> bool:
        """True if it reads the item that the request is about."""
        return self._looks_at(ColumnDataset.CURRENT_ITEM)

    def _looks_at(self, dataset: ColumnDataset) -> bool:
        return any(column.dataset is dataset for column in self.columns)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the comparisons and memberships of a condition, in their order."""
    if isinstance(condition, Not):
        yield from leaves(condition.operand)
    elif isinstance(condition, And | Or):
        for operand in condition.operands:
            yield from leaves(operand)
    else:
        yield condition


def reference(leaf: Leaf) -> Column | None:
    """Return the column of the current item or user that a condition compares with; None without one."""
    operand = leaf.value if isinstance(leaf, Comparison) else leaf.elements
    return operand if isinstance(operand, Column) else None


def parameters_of(leaf: Leaf) -> Iterator[str]:
    """Return the names of the parameters that a condition takes values from, in their order."""
    if isinstance(leaf, Comparison):
        operands: tuple[object, ...] = (leaf.value.amount if isinstance(leaf.value, Time) else leaf.value,)
    else:
        operands = leaf.elements if isinstance(leaf.elements, tuple) else ()
    return (operand.name for operand in operands if isinstance(operand, Parameter))
