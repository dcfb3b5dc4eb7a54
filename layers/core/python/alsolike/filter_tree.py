"""The tree of a filter expression; `filters.parse` makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias

ITEM_ID = "itemId"
EVENT_TYPE, TIMESTAMP = "eventType", "timestamp"
"""The columns of interactions that a live profile keeps; the time in seconds since 1970."""


class Verb(StrEnum):
    """What an expression does with the items that meet its condition."""

    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class Dataset(StrEnum):
    """What a condition looks at."""

    ITEMS = "Items"
    INTERACTIONS = "Interactions"
    CURRENT_USER = "CurrentUser"


class Operator(StrEnum):
    """A comparison."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclasses.dataclass(frozen=True, slots=True)
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

    dataset: Dataset
    name: str
    key: str
    offset: int = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a request brings."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class CurrentItem:
    """The value of a column of the item that a request is about."""

    name: str
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class Everything:
    """`"*"`: every event type."""


Element: TypeAlias = str | Parameter | Everything
Value: TypeAlias = float | str | bool | Parameter | CurrentItem


@dataclasses.dataclass(frozen=True, slots=True)
class Membership:
    """Whether a column's value, or one of a list's, is among the elements."""

    column: Column
    elements: tuple[Element, ...] | CurrentItem


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """How a column's value compares with another one."""

    column: Column
    operator: Operator
    value: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    operand: Condition


@dataclasses.dataclass(frozen=True, slots=True)
class And:
    """Every one of two or more conditions."""

    operands: tuple[Condition, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more conditions."""

    operands: tuple[Condition, ...]


Leaf: TypeAlias = Membership | Comparison
Condition: TypeAlias = Leaf | Not | And | Or


@dataclasses.dataclass(frozen=True, slots=True)
class Expression:
    """One part between pipes.

    Attributes
    ----------
    tests
        On the user who asks; all of them must hold for the expression to apply.
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
        found = (value.name for leaf in self.leaves() for value in _values(leaf) if isinstance(value, Parameter))
        return tuple(dict.fromkeys(found))


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """A filter: the union of its INCLUDE expressions, less the union of its EXCLUDE expressions."""

    expressions: tuple[Expression, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, each once, in their order."""
        return tuple(dict.fromkeys(name for expression in self.expressions for name in expression.parameters))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that conditions look at, each place where one stands, in their order."""
        return tuple(leaf.column for expression in self.expressions for leaf in expression.leaves())

    @property
    def needs_user(self) -> bool:
        """Whether it looks at the properties of the user who asks."""
        return self._looks_at(Dataset.CURRENT_USER)

    @property
    def needs_history(self) -> bool:
        """Whether it looks at the interactions of the user who asks."""
        return self._looks_at(Dataset.INTERACTIONS)

    @property
    def needs_catalogue(self) -> bool:
        """Whether it looks at columns of items."""
        return self._looks_at(Dataset.ITEMS)

    @property
    def needs_item(self) -> bool:
        """Whether it looks at the item that a request is about."""
        return any(
            isinstance(value, CurrentItem)
            for expression in self.expressions
            for leaf in expression.leaves()
            for value in _values(leaf)
        )

    def _looks_at(self, dataset: Dataset) -> bool:
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


def _values(leaf: Leaf) -> tuple[Element | Value, ...]:
    if isinstance(leaf, Comparison):
        return (leaf.value,)
    return (leaf.elements,) if isinstance(leaf.elements, CurrentItem) else leaf.elements
