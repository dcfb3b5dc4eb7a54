"""The values that a request brings for a filter's parameters, and what its conditions make of them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.errors import InvalidInput
from alsolike.filter_tree import (
    Column,
    Comparison,
    CurrentItem,
    Element,
    Everything,
    Expression,
    Filter,
    Membership,
    Parameter,
    Verb,
)
from alsolike.wire import describe

MAX_VALUE_CHARACTERS = 1_000

_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*(,|\Z)', re.DOTALL)
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Values = Mapping[str, tuple[str, ...]]
"""The texts of each parameter by its name."""


def parse_values(name: str, text: str) -> tuple[str, ...]:
    """Return the values in one entry of `filterValues`: quoted and separated by commas, or plain ones.

    Raises
    ------
    InvalidInput
        If a quote is not closed, or something else than a comma follows it.

    Examples
    --------
    >>> parse_values("GENRE", '"Drama","Crime, true"')
    ('Drama', 'Crime, true')
    >>> parse_values("PRICE", "20")
    ('20',)
    """
    if not text.lstrip().startswith('"'):
        return tuple(part.strip() for part in text.split(","))
    found, offset = [], 0
    while match := _QUOTED.match(text, offset):
        found.append(_ESCAPED.sub(r"\1", match[1]))
        if not match[2]:
            return tuple(found)
        offset = match.end()
    raise InvalidInput(
        f"filterValues.{name} is {describe(text)}, expected quoted values with commas between; "
        f"it is none from character {offset + 1} on"
    )


def applicable(filter_: Filter, values: Values, *, name: str) -> tuple[Expression, ...]:
    """Return the expressions that apply: all but those EXCLUDE ones of which a parameter is left out.

    Parameters
    ----------
    name
        What errors call the filter.

    Raises
    ------
    InvalidInput
        If an INCLUDE expression misses a parameter, or the filter does not have one that is given.
    """
    known = filter_.parameters
    for given in values:
        if given not in known:
            expected = ", ".join(known) or "no values: the filter has no parameters"
            raise InvalidInput(f"filterValues.{given} is not a parameter of filter {name}, expected {expected}")
    expressions = []
    for expression in filter_.expressions:
        missing = [parameter for parameter in expression.parameters if parameter not in values]
        if missing and expression.verb is Verb.INCLUDE:
            raise InvalidInput(
                f"filterValues.{missing[0]} is missing, expected a value: "
                f"filter {name} has it in an INCLUDE expression, which needs every parameter"
            )
        if not missing:
            expressions.append(expression)
    return tuple(expressions)


@dataclasses.dataclass(frozen=True, slots=True)
class Resolver:
    """Puts values where a condition has parameters or columns of the current item.

    Attributes
    ----------
    item
        Properties of the item that the request is about; empty where the catalogue does not have it.
    """

    values: Values
    item: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def elements(self, leaf: Membership) -> tuple[list[str], bool]:
        """Return the texts, and whether everything is an element."""
        if isinstance(leaf.elements, CurrentItem):
            return _texts(self.item.get(leaf.elements.key)), False
        everything = any(isinstance(element, Everything) for element in leaf.elements)
        return [text for text, _ in self._sources(leaf.elements)], everything

    def operand(self, leaf: Comparison) -> float | str | bool | None:
        """Return the value to compare with: a parameter's is a text, a missing one of the current item None."""
        value = leaf.value
        if isinstance(value, CurrentItem):
            found = self.item.get(value.key)
            return found if isinstance(found, int | float | str) else None
        if not isinstance(value, Parameter):
            return value
        texts = self.values[value.name]
        if len(texts) != 1:
            raise InvalidInput(
                f"filterValues.{value.name} has {len(texts)} values, "
                f"expected one: {shown(leaf.column)} is compared with it"
            )
        return texts[0]

    def number(self, leaf: Comparison) -> float | None:
        """Return the operand as a number.

        Raises
        ------
        InvalidInput
            If it is none.
        """
        value = self.operand(leaf)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        return self._as_number(value, leaf.column, leaf.value)

    def numbers(self, leaf: Membership) -> list[float]:
        """Return the elements as numbers; see `number`."""
        if isinstance(leaf.elements, CurrentItem):
            value = self.item.get(leaf.elements.key)
            return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []
        return [self._as_number(text, leaf.column, source) for text, source in self._sources(leaf.elements)]

    def truth(self, leaf: Comparison) -> bool | None:
        """Return the operand as a truth value; see `number`."""
        value = self.operand(leaf)
        return value if value is None or isinstance(value, bool) else self._as_truth(value, leaf.column, leaf.value)

    def truths(self, leaf: Membership) -> list[bool]:
        """Return the elements as truth values; see `number`."""
        if isinstance(leaf.elements, CurrentItem):
            value = self.item.get(leaf.elements.key)
            return [value] if isinstance(value, bool) else []
        return [self._as_truth(text, leaf.column, source) for text, source in self._sources(leaf.elements)]

    def _sources(self, elements: Sequence[Element]) -> Iterator[tuple[str, Element]]:
        """Yield each text with the element that it comes from."""
        for element in elements:
            if isinstance(element, Parameter):
                yield from ((text, element) for text in self.values[element.name])
            elif isinstance(element, str):
                yield element, element

    def _as_number(self, value: str | bool, column: Column, source: object) -> float:
        number = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else math.nan
        if not math.isfinite(number):
            raise mismatch(value, column, source, expected="a number")
        return number

    def _as_truth(self, value: float | str, column: Column, source: object) -> bool:
        text = value.lower() if isinstance(value, str) else ""
        if text not in ("true", "false"):
            raise mismatch(value, column, source, expected="true or false")
        return text == "true"


def shown(column: Column) -> str:
    """Return a column as it is written in the expression."""
    return f"{column.dataset}.{column.name}"


def mismatch(value: object, column: Column, source: object, *, expected: str) -> InvalidInput:
    """Return the error that says that a value is not of its column's type."""
    if isinstance(source, Parameter):
        return InvalidInput(
            f"filterValues.{source.name} is {describe(value)}, expected {expected}, as {shown(column)} has"
        )
    return InvalidInput(f"the filter compares {shown(column)} with {describe(value)}, expected {expected}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [element for element in value if isinstance(element, str)] if isinstance(value, Sequence) else []
