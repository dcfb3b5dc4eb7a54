"""Values of a filter's parameters in a request, and the conversion of operands to values."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.declarations.times import DAY_MS
from alsolike.filters.tree import (
    Column,
    ColumnDataset,
    Comparison,
    Element,
    Everything,
    Membership,
    Parameter,
    Time,
    Unit,
    Value,
)
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.schema.validation import describe

_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*(,|\Z)', re.DOTALL)
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_UNIT_MS = {Unit.MINUTES: 60_000, Unit.HOURS: 3_600_000, Unit.DAYS: DAY_MS, Unit.WEEKS: 604_800_000}

Values = Mapping[str, tuple[str, ...]]


def parse_values(name: str, text: str) -> tuple[str, ...]:
    """Return the comma-separated values in one entry of `filterValues`, with or without quotes.

    Examples
    --------
    >>> parse_values("GENRE", '"Drama","Crime, true"')
    ('Drama', 'Crime, true')
    >>> parse_values("PRICE", "20")
    ('20',)
    """
    if not text.lstrip().startswith('"'):
        return tuple(part.strip() for part in text.split(","))
    resolved, offset = [], 0
    while match := _QUOTED.match(text, offset):
        resolved.append(_ESCAPED.sub(r"\1", match[1]))
        if not match[2]:
            return tuple(resolved)
        offset = match.end()
    raise InvalidInput(
        f"filterValues.{name} is {describe(text)}, expected quoted values with commas between; "
        f"it is invalid from character {offset + 1} on"
    )


@struct
class Resolver:
    """Conversion of operands to values: parameters, times, and columns of the current item or user.

    A property of the current item or user that is missing or has another type gives None or an empty list. This is not
    an error, because the caller cannot correct stored data.
    """

    values: Values
    now_ms: int
    item: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    user: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def elements(self, leaf: Membership) -> tuple[list[str], bool]:
        """Return the strings of a membership condition, and true if the condition contains `"*"`."""
        if isinstance(leaf.elements, Column):
            return _texts(self._found(leaf.elements)), False
        everything = any(isinstance(element, Everything) for element in leaf.elements)
        return [text for text, _ in self._sources(leaf.elements)], everything

    def text(self, leaf: Comparison) -> str | None:
        """Return the operand of a comparison as a string.

        Return None if the operand is a column of the current item or user that contains no string.
        """
        if isinstance(leaf.value, Column):
            resolved = self._found(leaf.value)
            return resolved if isinstance(resolved, str) else None
        value = self._operand(leaf)
        if not isinstance(value, str):
            raise mismatch(value, leaf.column, leaf.value, expected="a text")
        return value

    def number(self, leaf: Comparison) -> float | None:
        if isinstance(leaf.value, Column):
            return next(iter(_numbers(self._found(leaf.value))), None)
        if isinstance(leaf.value, Time):
            return self._seconds(leaf.value, leaf.column)
        value = self._operand(leaf)
        return value if isinstance(value, float) else self._as_number(value, leaf.column, leaf.value)

    def numbers(self, leaf: Membership) -> list[float]:
        if isinstance(leaf.elements, Column):
            return _numbers(self._found(leaf.elements))
        return [self._as_number(text, leaf.column, source) for text, source in self._sources(leaf.elements)]

    def truth(self, leaf: Comparison) -> bool | None:
        if isinstance(leaf.value, Column):
            return next(iter(_truths(self._found(leaf.value))), None)
        value = self._operand(leaf)
        return value if isinstance(value, bool) else self._as_truth(value, leaf.column, leaf.value)

    def truths(self, leaf: Membership) -> list[bool]:
        if isinstance(leaf.elements, Column):
            return _truths(self._found(leaf.elements))
        return [self._as_truth(text, leaf.column, source) for text, source in self._sources(leaf.elements)]

    def _found(self, column: Column) -> Any:
        return (self.user if column.dataset is ColumnDataset.CURRENT_USER else self.item).get(column.key)

    def _operand(self, leaf: Comparison) -> Value:
        if not isinstance(leaf.value, Parameter):
            return leaf.value
        return self._only_text(leaf.value, leaf.column)

    def _only_text(self, parameter: Parameter, column: Column) -> str:
        texts = self.values[parameter.name]
        if len(texts) != 1:
            raise InvalidInput(
                f"filterValues.{parameter.name} has {len(texts)} values, "
                f"expected one: {shown(column)} is compared with it"
            )
        return texts[0]

    def _seconds(self, time: Time, column: Column) -> float:
        amount = time.amount
        if isinstance(amount, Parameter):
            text, name = self._only_text(amount, column), amount.name
            amount = _number(text)
            if not amount >= 0:
                raise InvalidInput(
                    f"filterValues.{name} is {describe(text)}, expected a number of {time.unit} of at least 0"
                )
        # Computed in milliseconds, because a sum in seconds could differ from an equal stored time by a rounding error.
        return (self.now_ms + time.sign * amount * _UNIT_MS[time.unit]) / 1000

    def _sources(self, elements: Sequence[Element]) -> Iterator[tuple[str, Element]]:
        """Yield each string with its source, which is the string itself, or the parameter that contains the string."""
        for element in elements:
            if isinstance(element, Parameter):
                yield from ((text, element) for text in self.values[element.name])
            elif isinstance(element, str):
                yield element, element

    def _as_number(self, value: Value, column: Column, source: object) -> float:
        number = _number(value) if isinstance(value, str) else math.nan
        if math.isnan(number):
            raise mismatch(value, column, source, expected="a number")
        return number

    def _as_truth(self, value: Value, column: Column, source: object) -> bool:
        text = value.lower() if isinstance(value, str) else ""
        if text not in ("true", "false"):
            raise mismatch(value, column, source, expected="true or false")
        return text == "true"


def shown(column: Column) -> str:
    return f"{column.dataset}.{column.name}"


def mismatch(value: object, column: Column, source: object, *, expected: str) -> InvalidInput:
    if isinstance(source, Parameter):
        return InvalidInput(
            f"filterValues.{source.name} is {describe(value)}, expected {expected}, as {shown(column)} has"
        )
    actual = "NOW" if isinstance(value, Time) else describe(value)
    return InvalidInput(f"the filter compares {shown(column)} with {actual}, expected {expected}")


def _number(text: str) -> float:
    """Convert a string to a finite number, or NaN if the string represents none."""
    number = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    return number if math.isfinite(number) else math.nan


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [element for element in value if isinstance(element, str)] if isinstance(value, Sequence) else []


def _numbers(value: Any) -> list[float]:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _truths(value: Any) -> list[bool]:
    return [value] if isinstance(value, bool) else []
