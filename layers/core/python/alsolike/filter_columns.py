"""Comparisons and memberships on whole columns of the catalogue snapshot."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.errors import InvalidInput
from alsolike.filter_tree import Comparison, Leaf, Membership, Operator
from alsolike.filter_values import Resolver, mismatch, shown
from alsolike.ragged import Dictionary
from alsolike.snapshot import BooleanColumn, ListColumn, NumberColumn, Snapshot, StringColumn

Mask = npt.NDArray[np.bool_]

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


def match(snapshot: Snapshot, leaf: Leaf, resolver: Resolver, *, out: Mask) -> None:
    """Set `out`, all false, to true where a row of the snapshot meets the condition.

    A column that the snapshot does not have has no values.

    Raises
    ------
    InvalidInput
        If the condition and the column do not go together.
    """
    column = snapshot.column(leaf.column.key)
    if isinstance(column, NumberColumn):
        _match_numbers(column, leaf, resolver, out)
    elif isinstance(column, BooleanColumn):
        _match_truths(column, leaf, resolver, out)
    elif isinstance(column, StringColumn):
        _match_strings(column, leaf, resolver, out)
    elif isinstance(column, ListColumn):
        _match_lists(column, leaf, resolver, out)
    elif column is not None:
        raise InvalidInput(f"the filter looks at {shown(leaf.column)}, a column of texts: declare it as string")


def compare(values: npt.NDArray[np.float64], operator: Operator, operand: float | None) -> Mask:
    """Compare numbers, NaN for none, with one; nothing compares with None."""
    if operand is None:
        return np.zeros(len(values), bool)
    mask: Mask = OPERATIONS[operator](values, operand)
    return mask & (values == values) if operator is Operator.NOT_EQUAL else mask  # NaN differs from all


def text(leaf: Comparison, resolver: Resolver) -> str | None:
    """Return the text that a column of texts is compared with; None where the current item has none.

    Raises
    ------
    InvalidInput
        If it is no text, or asked for its order.
    """
    _only_equality(leaf, "texts")
    operand = resolver.operand(leaf)
    if operand is not None and not isinstance(operand, str):
        raise mismatch(operand, leaf.column, leaf.value, expected="a text")
    return operand


def _match_numbers(column: NumberColumn, leaf: Leaf, resolver: Resolver, out: Mask) -> None:
    if isinstance(leaf, Comparison):
        out[:] = compare(column.values, leaf.operator, resolver.number(leaf))
    else:
        out[:] = np.isin(column.values, resolver.numbers(leaf))


def _match_truths(column: BooleanColumn, leaf: Leaf, resolver: Resolver, out: Mask) -> None:
    if isinstance(leaf, Membership):
        out[:] = np.isin(column.values, np.array(resolver.truths(leaf), np.int8))
        return
    _only_equality(leaf, "true or false")
    operand = resolver.truth(leaf)
    if operand is not None:
        out[:] = column.values == (operand if leaf.operator is Operator.EQUAL else not operand)


def _match_strings(column: StringColumn, leaf: Leaf, resolver: Resolver, out: Mask) -> None:
    if isinstance(leaf, Membership):
        wanted = _wanted(column.dictionary, resolver.elements(leaf)[0])
        if wanted.any():
            np.take(wanted, column.codes, out=out)
        return
    operand = text(leaf, resolver)
    if operand is None:
        return
    code = column.dictionary.code(operand)
    if leaf.operator is Operator.NOT_EQUAL:
        out[:] = (column.codes >= 0) & (column.codes != code)
    elif code >= 0:
        out[:] = column.codes == code


def _match_lists(column: ListColumn, leaf: Leaf, resolver: Resolver, out: Mask) -> None:
    if isinstance(leaf, Comparison):
        raise InvalidInput(f"the filter compares {shown(leaf.column)} with {leaf.operator}, expected IN: it has lists")
    wanted = _wanted(column.dictionary, resolver.elements(leaf)[0])
    if wanted.any():
        hits = np.flatnonzero(wanted[column.codes.data])
        out[np.searchsorted(column.codes.offsets, hits, side="right") - 1] = True


def _wanted(dictionary: Dictionary, texts: list[str]) -> Mask:
    """Return which codes are wanted; the last element, that of -1, is false."""
    wanted = np.zeros(len(dictionary) + 1, bool)
    codes = dictionary.codes(texts)
    wanted[codes[codes >= 0]] = True
    return wanted


def _only_equality(leaf: Comparison, values: str) -> None:
    if leaf.operator not in (Operator.EQUAL, Operator.NOT_EQUAL):
        raise InvalidInput(
            f"the filter compares {shown(leaf.column)} with {leaf.operator}, expected IN, = or !=: it has {values}"
        )
