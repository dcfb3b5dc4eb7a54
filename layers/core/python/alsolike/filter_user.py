"""Whether a test holds of the user who asks: conditions on one object of properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.filter_columns import OPERATIONS
from alsolike.filter_tree import Comparison, Condition, Leaf, Membership, Not, Operator
from alsolike.filter_values import Resolver

_EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)


def holds(test: Condition, user: Mapping[str, Any], resolver: Resolver) -> bool:
    """Say whether a test holds; what the user does not have compares with nothing.

    Raises
    ------
    InvalidInput
        If a parameter is not of the type that the user's value has.
    """
    if isinstance(test, Not):
        return not holds(test.operand, user, resolver)
    assert isinstance(test, Membership | Comparison)  # the parser joins tests by AND alone
    value = user.get(test.column.key)
    return value is not None and _leaf_holds(test, value, resolver)


def _leaf_holds(test: Leaf, value: Any, resolver: Resolver) -> bool:
    if isinstance(value, list):
        return isinstance(test, Membership) and not set(resolver.elements(test)[0]).isdisjoint(map(str, value))
    if isinstance(test, Membership):
        if isinstance(value, bool):
            return value in resolver.truths(test)
        return value in (resolver.elements(test)[0] if isinstance(value, str) else resolver.numbers(test))
    if isinstance(value, str | bool) and test.operator not in _EQUALITIES:
        return False
    if isinstance(value, bool):
        operand: Any = resolver.truth(test)
    else:
        operand = resolver.operand(test) if isinstance(value, str) else resolver.number(test)
    return bool(OPERATIONS[test.operator](value, operand))
