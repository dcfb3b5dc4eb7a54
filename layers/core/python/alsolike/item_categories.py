"""The detection of the items' category column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEWEST_SHARE = 0.5
"""Minimum share of items with a value in their category column."""


def category_of(value: Any) -> str | None:
    """Return the category in a column's value: the first of several; None if it has none."""
    return value.split("|")[0] or None if isinstance(value, str) else None


def category_column(properties: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the text column that most resembles a category; None if none does.

    A candidate has values for at least half of the items, and on average at least ten items per value. A column with
    `category` in its name comes first, then the one with the fewest values above one.
    """
    possible = []
    for column in sorted({name for columns in properties for name in columns}):
        present = [value for columns in properties if (value := category_of(columns.get(column))) is not None]
        distinct = len(set(present))
        if len(present) >= FEWEST_SHARE * len(properties) and 1 < distinct <= len(present) / 10:
            possible.append(("category" not in column.lower(), distinct, column))
    return min(possible)[2] if possible else None
