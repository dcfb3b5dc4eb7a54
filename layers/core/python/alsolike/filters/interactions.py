"""Conditions on the interactions of the requesting user."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.filters.columns import compare
from alsolike.filters.sets import NO_POSITIONS, Mask, Positions
from alsolike.filters.tree import (
    EVENT_TYPE,
    And,
    ColumnDataset,
    Comparison,
    Condition,
    Leaf,
    Membership,
    Not,
    Operator,
    Or,
)
from alsolike.filters.values import Resolver
from alsolike.runtime.errors import UnknownEventType
from alsolike.runtime.struct import struct


@struct
class Recent:
    """Interactions of the requesting user.

    Attributes
    ----------
    positions
        Positions of the items in the model, 0 for unknown items, int64 `(n,)`.
    event_types
        Event types as stored in the profile.
    """

    positions: Positions
    event_types: Sequence[str]
    event_time_ms: npt.NDArray[np.int64]


NO_INTERACTIONS = Recent(NO_POSITIONS, (), np.zeros(0, np.int64))


def is_of_one_interaction(condition: Condition) -> bool:
    """Return true if a condition can be evaluated per interaction. A NOT must consider all interactions."""
    if isinstance(condition, And | Or):
        return all(map(is_of_one_interaction, condition.operands))
    return not isinstance(condition, Not) and condition.column.dataset is ColumnDataset.INTERACTIONS


def match(condition: Condition, recent: Recent, resolver: Resolver, *, canonical: Callable[[str], str]) -> Mask:
    """Return the mask of the interactions that meet a condition. Requires `is_of_one_interaction(condition)`."""
    if isinstance(condition, And | Or):
        masks = [match(operand, recent, resolver, canonical=canonical) for operand in condition.operands]
        joined: Mask = (np.logical_and if isinstance(condition, And) else np.logical_or).reduce(masks)
        return joined
    assert isinstance(condition, Membership | Comparison)
    if condition.column.key == EVENT_TYPE:
        return _type_mask(condition, recent, resolver, canonical)
    assert isinstance(condition, Comparison)  # The parser rejects IN for TIMESTAMP.
    return compare(recent.event_time_ms / 1000, condition.operator, resolver.number(condition))


def _type_mask(leaf: Leaf, recent: Recent, resolver: Resolver, canonical: Callable[[str], str]) -> Mask:
    if isinstance(leaf, Membership):
        texts, everything = resolver.elements(leaf)
        if everything:
            return np.ones(len(recent.event_types), bool)
    else:
        texts = [text] if (text := resolver.text(leaf)) is not None else []
    wanted = {_known(text, canonical) for text in texts}
    differs = isinstance(leaf, Comparison) and leaf.operator is Operator.NOT_EQUAL
    meets = {name: (_known(name, canonical) in wanted) is not differs for name in set(recent.event_types)}
    return np.array([meets[name] for name in recent.event_types], bool)


def _known(event_type: str, canonical: Callable[[str], str]) -> str:
    try:
        return canonical(event_type)
    except UnknownEventType:  # The current configuration does not declare the type.
        return event_type.lower()
