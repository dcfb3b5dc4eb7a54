"""Evaluation of conditions on the requesting user's properties."""

from __future__ import annotations

from typing import Any

from alsolike.filters.columns import OPERATIONS
from alsolike.filters.tree import And, Condition, Leaf, Membership, Not, Operator, Or, parameters_of
from alsolike.filters.values import Resolver
from alsolike.runtime.errors import InvalidInput

_EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)


def holds(condition: Condition, resolver: Resolver) -> bool:
    """Return true if a condition on the user holds. Comparisons and IN are false for a missing property."""
    if isinstance(condition, Not):
        return not holds(condition.operand, resolver)
    if isinstance(condition, And | Or):
        results = [holds(operand, resolver) for operand in condition.operands]
        return all(results) if isinstance(condition, And) else any(results)
    value = resolver.user.get(condition.column.key)
    if value is None:
        return False
    try:
        return _leaf_holds(condition, value, resolver)
    except InvalidInput:
        if parameters_of(condition):
            raise
        return False  # In an undeclared column, values of another type count as missing.


def _leaf_holds(leaf: Leaf, value: Any, resolver: Resolver) -> bool:
    if isinstance(value, list):
        return isinstance(leaf, Membership) and not set(resolver.elements(leaf)[0]).isdisjoint(map(str, value))
    if not isinstance(value, str | int | float):
        return False  # Objects are not comparable.
    if isinstance(leaf, Membership):
        if isinstance(value, bool):
            return value in resolver.truths(leaf)
        return value in (resolver.elements(leaf)[0] if isinstance(value, str) else resolver.numbers(leaf))
    if isinstance(value, str | bool) and leaf.operator not in _EQUALITIES:
        return False
    if isinstance(value, bool):
        operand: float | str | bool | None = resolver.truth(leaf)
    else:
        operand = resolver.text(leaf) if isinstance(value, str) else resolver.number(leaf)
    return bool(OPERATIONS[leaf.operator](value, operand))
