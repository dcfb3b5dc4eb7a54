"""Which of the items' columns says their category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEWEST_SHARE = 0.5
"""Of the items that a column must say something of to be taken for their category."""


def category_of(value: Any) -> str | None:
    """Return the category that a column's value names: the first of several; None where it names none."""
    return value.split("|")[0] or None if isinstance(value, str) else None


def category_column(properties: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the text column that is most like a category; None where none is.

    A column is taken if it says something of half of the items and its values are few enough to hold ten items each
    on average; one with `category` in its name comes first, then the one with the fewest values above one.
    """
    possible = []
    for column in sorted({name for columns in properties for name in columns}):
        present = [value for columns in properties if (value := category_of(columns.get(column))) is not None]
        distinct = len(set(present))
        if len(present) >= FEWEST_SHARE * len(properties) and 1 < distinct <= len(present) / 10:
            possible.append(("category" not in column.lower(), distinct, column))
    return min(possible)[2] if possible else None
