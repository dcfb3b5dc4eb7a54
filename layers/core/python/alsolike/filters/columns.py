"""Comparison and membership conditions, evaluated on whole columns of the catalogue snapshot."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Dictionary
from alsolike.arrays.tensors import Array
from alsolike.configuration.configuration import ColumnType
from alsolike.filters.sets import Mask
from alsolike.filters.tree import Comparison, Leaf, Membership, Operator, Time
from alsolike.filters.values import Resolver, mismatch, shown
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.snapshot import BooleanColumn, ListColumn, NumberColumn, StringColumn, TextColumn

FixedColumn: TypeAlias = NumberColumn | BooleanColumn | StringColumn

_COMPARED = 4
"""Maximum number of codes that are compared with the column one by one. For more codes, a lookup table is faster."""

OPERATIONS: Mapping[Operator, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        Operator.EQUAL: operator.eq,
        Operator.NOT_EQUAL: operator.ne,
        Operator.LESS: operator.lt,
        Operator.AT_MOST: operator.le,
        Operator.MORE: operator.gt,
        Operator.AT_LEAST: operator.ge,
    }
)


def match(column: FixedColumn | TextColumn | None, leaf: Leaf, resolver: Resolver, *, rows: int) -> Mask:
    """Return the mask of the rows that meet a condition. An undeclared column (None) meets no condition.

    A text column raises `InvalidInput`, because filters do not search texts.
    """
    if column is None:
        return np.zeros(rows, bool)
    if isinstance(column, NumberColumn):
        return _match_numbers(column, leaf, resolver)
    if isinstance(column, BooleanColumn):
        return _match_truths(column, leaf, resolver)
    if isinstance(column, StringColumn):
        return _match_strings(column, leaf, resolver)
    raise InvalidInput(f"the filter reads {shown(leaf.column)}, a text column. Declare the column as string")


def values(column: FixedColumn, rows: npt.NDArray[np.int64]) -> Array:
    """Return the values of a column at `rows`. The row after the last one represents a missing value."""
    array = column.codes if isinstance(column, StringColumn) else column.values
    none = np.full(1, np.nan if isinstance(column, NumberColumn) else -1, array.dtype)
    return np.concatenate([array, none]).take(rows)


def with_values(column: FixedColumn, values: Array) -> FixedColumn:
    """Return a copy of the column with other values, which have the format of the result of the function `values`."""
    if isinstance(column, StringColumn):
        return dataclasses.replace(column, codes=values)
    return dataclasses.replace(column, values=values)


def elements(leaf: Leaf, resolver: Resolver) -> list[str]:
    """Return the elements of a membership condition on a list column.

    A list that contains one of these elements meets the condition.
    """
    if isinstance(leaf, Comparison):
        raise InvalidInput(f"the filter compares {shown(leaf.column)} with {leaf.operator}, expected IN: it has lists")
    return resolver.elements(leaf)[0]


def rows_with(column: ListColumn, texts: list[str]) -> Array:
    """Return the rows whose list contains one of `texts`. Rows may repeat."""
    if column.postings is None:
        places = np.flatnonzero(_among(column.dictionary, texts)(column.codes.data))
        return np.searchsorted(column.codes.offsets, places, side="right") - 1
    codes = column.dictionary.codes(texts)
    return np.concatenate([column.postings.data[:0], *(column.postings[code] for code in codes[codes >= 0].tolist())])


def compare(values: npt.NDArray[np.float64], operator: Operator, operand: float | None) -> Mask:
    """Return the mask of a comparison of numbers with an operand. Comparisons with NaN or None are false."""
    if operand is None:
        return np.zeros(len(values), bool)
    mask: Mask = OPERATIONS[operator](values, operand)
    return mask & (values == values) if operator is Operator.NOT_EQUAL else mask  # In numpy, NaN != x is true.


def text(leaf: Comparison, resolver: Resolver) -> str | None:
    _only_equality(leaf, "texts")
    return resolver.text(leaf)


def _match_numbers(column: NumberColumn, leaf: Leaf, resolver: Resolver) -> Mask:
    if isinstance(leaf, Membership):
        return np.isin(column.values, resolver.numbers(leaf))
    if isinstance(leaf.value, Time) and column.type is not ColumnType.TIMESTAMP:
        raise mismatch(leaf.value, leaf.column, leaf.value, expected="a number: it is not declared as timestamp")
    return compare(column.values, leaf.operator, resolver.number(leaf))


def _match_truths(column: BooleanColumn, leaf: Leaf, resolver: Resolver) -> Mask:
    if isinstance(leaf, Membership):
        return np.isin(column.values, np.array(resolver.truths(leaf), np.int8))
    _only_equality(leaf, "true or false")
    operand = resolver.truth(leaf)
    if operand is None:
        return np.zeros(len(column.values), bool)
    mask: Mask = column.values == (operand if leaf.operator is Operator.EQUAL else not operand)
    return mask


def _match_strings(column: StringColumn, leaf: Leaf, resolver: Resolver) -> Mask:
    if isinstance(leaf, Membership):
        return _among(column.dictionary, resolver.elements(leaf)[0])(column.codes)
    operand = text(leaf, resolver)
    if leaf.operator is Operator.NOT_EQUAL and operand is not None:
        mask: Mask = (column.codes >= 0) & (column.codes != column.dictionary.code(operand))
        return mask
    return _among(column.dictionary, [] if operand is None else [operand])(column.codes)


def _among(dictionary: Dictionary, texts: list[str]) -> Callable[[Array], Mask]:
    """Return a function that maps an array of codes to a mask, which is true for the codes of `texts`.

    The code -1 represents a missing value and never matches.
    """
    wanted = dictionary.codes(texts)
    wanted = wanted[wanted >= 0]
    if not len(wanted):
        return lambda codes: np.zeros(len(codes), bool)
    if len(wanted) <= _COMPARED:
        return lambda codes: functools.reduce(operator.or_, (codes == code for code in wanted.tolist()))
    flags = np.zeros(len(dictionary) + 1, bool)  # The last flag is for code -1.
    flags[wanted] = True
    return lambda codes: flags.take(codes, mode="wrap")


def _only_equality(leaf: Comparison, values: str) -> None:
    if leaf.operator not in (Operator.EQUAL, Operator.NOT_EQUAL):
        raise InvalidInput(
            f"the filter compares {shown(leaf.column)} with {leaf.operator}, expected IN, = or !=: it has {values}"
        )
