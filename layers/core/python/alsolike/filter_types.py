"""Whether a filter's conditions go together with the declared types of the columns that they look at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from alsolike.configuration import ColumnType
from alsolike.filter_tree import Comparison, CurrentItem, Dataset, Filter, Leaf, Operator
from alsolike.wire import describe

_EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)
_EXPECTED = {
    ColumnType.NUMBER: "a number",
    ColumnType.TIMESTAMP: "a number of seconds since 1970",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.STRING: "a text",
    ColumnType.LIST: "a text",
    ColumnType.TEXT: "a text",
}


def mismatches(filter_: Filter, columns: Mapping[Dataset, Mapping[str, ColumnType]]) -> Iterator[tuple[int, str]]:
    """Yield the character at which a condition stands that its column can never meet, and what was expected.

    Parameters
    ----------
    columns
        Declared types by dataset and property; what is not declared may be of any type.
    """
    for expression in filter_.expressions:
        for leaf in expression.leaves():
            type_ = columns.get(leaf.column.dataset, {}).get(leaf.column.key)
            if type_ is not None and (problem := _problem(leaf, type_)):
                shown = f"{leaf.column.dataset}.{leaf.column.name}"
                yield leaf.column.offset, f"{shown} is declared as {type_} and {problem}"


def _problem(leaf: Leaf, type_: ColumnType) -> str | None:
    if type_ is ColumnType.TEXT and leaf.column.dataset is Dataset.ITEMS:
        return "searched in no filter, expected a column declared as string"
    if isinstance(leaf, Comparison):
        if type_ is ColumnType.LIST:
            return f"compared with {leaf.operator}, expected IN"
        if type_ not in (ColumnType.NUMBER, ColumnType.TIMESTAMP) and leaf.operator not in _EQUALITIES:
            return f"compared with {leaf.operator}, expected IN, = or !="
    for literal in _literals(leaf):
        if not _fits(literal, type_):
            return f"compared with {describe(literal)}, expected {_EXPECTED[type_]}"
    return None


def _literals(leaf: Leaf) -> list[float | str | bool]:
    """Return the values that stand in the expression itself."""
    if isinstance(leaf, Comparison):
        return [leaf.value] if isinstance(leaf.value, float | str | bool) else []
    return [] if isinstance(leaf.elements, CurrentItem) else [text for text in leaf.elements if isinstance(text, str)]


def _fits(literal: float | str | bool, type_: ColumnType) -> bool:
    if type_ in (ColumnType.NUMBER, ColumnType.TIMESTAMP):
        try:
            return not isinstance(literal, bool) and math.isfinite(float(literal))
        except ValueError:
            return False
    if type_ is ColumnType.BOOLEAN:
        return isinstance(literal, bool) or (isinstance(literal, str) and literal.lower() in ("true", "false"))
    return isinstance(literal, str)
