"""Check of the operands in filters against the declared types of columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from alsolike.configuration.configuration import ColumnType
from alsolike.filters.tree import ITEM_ID, Column, ColumnDataset, Comparison, Filter, Leaf, Operator, Time, reference
from alsolike.schema.validation import describe

_NUMBERS = (ColumnType.NUMBER, ColumnType.TIMESTAMP)
_TEXTS = (ColumnType.STRING, ColumnType.TEXT)
_EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)
_EXPECTED = {
    ColumnType.NUMBER: "a number",
    ColumnType.TIMESTAMP: "a number of seconds since 1970",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.STRING: "a text",
    ColumnType.LIST: "a text",
    ColumnType.TEXT: "a text",
}


def mismatches(filter_: Filter, columns: Mapping[ColumnDataset, Mapping[str, ColumnType]]) -> Iterator[tuple[int, str]]:
    """Yield the position of each condition whose operand does not fit the column's type, and the message."""
    for expression in filter_.expressions:
        for leaf in expression.leaves():
            type_ = _type(leaf.column, columns)
            if type_ is None:
                continue
            declared = f"{leaf.column.dataset}.{leaf.column.name} is declared as {type_} and"
            other = reference(leaf)
            if problem := _problem(leaf, type_):
                yield leaf.column.offset, f"{declared} {problem}"
            elif isinstance(leaf, Comparison) and isinstance(leaf.value, Time) and type_ is not ColumnType.TIMESTAMP:
                yield leaf.value.offset, f"{declared} compared with NOW, expected timestamp"
            elif other is not None and (problem := _misfit(leaf, type_, _type(other, columns))):
                yield other.offset, f"{declared} compared with {other.dataset}.{other.name}, {problem}"


def _type(column: Column, columns: Mapping[ColumnDataset, Mapping[str, ColumnType]]) -> ColumnType | None:
    dataset = ColumnDataset.ITEMS if column.dataset is ColumnDataset.CURRENT_ITEM else column.dataset
    if dataset is ColumnDataset.ITEMS and column.key == ITEM_ID:
        return ColumnType.STRING
    return columns.get(dataset, {}).get(column.key)


def _misfit(leaf: Leaf, type_: ColumnType, other: ColumnType | None) -> str | None:
    kinds = next(kinds for kinds in (_NUMBERS, (*_TEXTS, ColumnType.LIST), (ColumnType.BOOLEAN,)) if type_ in kinds)
    if other is None:
        return None
    if other not in kinds:
        return f"which is declared as {other}"
    if other is ColumnType.LIST and isinstance(leaf, Comparison):
        return "which is declared as list: expected IN"
    return None


def _problem(leaf: Leaf, type_: ColumnType) -> str | None:
    if type_ is ColumnType.TEXT and leaf.column.dataset is ColumnDataset.ITEMS:
        return "searched in no filter, expected a column declared as string"
    if isinstance(leaf, Comparison):
        if type_ is ColumnType.LIST:
            return f"compared with {leaf.operator}, expected IN"
        if type_ not in _NUMBERS and leaf.operator not in _EQUALITIES and not isinstance(leaf.value, Time):
            return f"compared with {leaf.operator}, expected IN, = or !="
    for literal in _literals(leaf):
        if not _fits(literal, type_):
            return f"compared with {describe(literal)}, expected {_EXPECTED[type_]}"
    return None


def _literals(leaf: Leaf) -> list[float | str | bool]:
    if isinstance(leaf, Comparison):
        return [leaf.value] if isinstance(leaf.value, float | str | bool) else []
    return [] if isinstance(leaf.elements, Column) else [text for text in leaf.elements if isinstance(text, str)]


def _fits(literal: float | str | bool, type_: ColumnType) -> bool:
    if type_ in _NUMBERS:
        try:
            return not isinstance(literal, bool) and math.isfinite(float(literal))
        except ValueError:
            return False
    if type_ is ColumnType.BOOLEAN:
        return isinstance(literal, bool) or (isinstance(literal, str) and literal.lower() in ("true", "false"))
    return isinstance(literal, str)
