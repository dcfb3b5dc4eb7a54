"""Slate rules: constraints on a list as a whole, checked item by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alsolike.domain.rules import SlateRule

Columns = Callable[[str], Mapping[str, Any]]


class SlateRules:
    """The rules of a list, with its items so far.

    An item counts for each of its values of a column; an item without a value counts for none. A rule on numbers
    compares only those above 0. An item breaks a rule if adding it makes the violation larger. After pinned items have
    broken a rule, it still refuses items that would make it worse. So an item that breaks a rule keeps breaking it.

    Attributes
    ----------
    tightened
        Grows whenever an item that broke no rule may break one now.
    starving
        Columns of the rules that rejected items in the order of the ranking.
    """

    def __init__(self, rules: Sequence[SlateRule], columns: Columns) -> None:
        self._at_most = [(rule.column, rule.at_most, dict[str, int]()) for rule in rules if rule.at_most is not None]
        self._spread = [(rule.column, rule.spread) for rule in rules if rule.spread is not None]
        self._ranges: dict[str, tuple[float, float]] = {}
        self._columns = columns
        self._known: dict[str, tuple[list[frozenset[str]], list[float | None]]] = {}
        self.tightened = 0
        self.starving: dict[str, None] = {}

    def broken_by(self, item_id: str) -> list[str]:
        """Return the columns of the rules that the item would break."""
        if not self._at_most and not self._spread:
            return []
        texts, numbers = self._known.get(item_id) or self._look_up(item_id)
        broken: list[str] = []
        for (column, most, counts), has in zip(self._at_most, texts, strict=True):
            for value in has:
                if counts.get(value, 0) >= most:
                    broken.append(column)
                    break
        for (column, spread), number in zip(self._spread, numbers, strict=True):
            if number is not None and column in self._ranges:
                least, greatest = self._ranges[column]
                if not least <= number <= greatest and max(greatest, number) > spread * min(least, number):
                    broken.append(column)
        return broken

    def add(self, item_id: str) -> None:
        """Take the item into the list."""
        if not self._at_most and not self._spread:
            return
        texts, numbers = self._known.get(item_id) or self._look_up(item_id)
        for (_, most, counts), has in zip(self._at_most, texts, strict=True):
            for value in has:
                counts[value] = counts.get(value, 0) + 1
                self.tightened += counts[value] == most
        for (column, _), number in zip(self._spread, numbers, strict=True):
            if number is not None:
                least, greatest = self._ranges.get(column, (number, number))
                self.tightened += column not in self._ranges or not least <= number <= greatest
                self._ranges[column] = min(least, number), max(greatest, number)

    def _look_up(self, item_id: str) -> tuple[list[frozenset[str]], list[float | None]]:
        """Return the item's values in the columns of the rules, and cache them."""
        has = self._columns(item_id)
        known = (
            [values(has.get(column)) for column, *_ in self._at_most],
            [_number(has.get(column)) for column, _ in self._spread],
        )
        self._known[item_id] = known
        return known


def values(value: Any) -> frozenset[str]:
    """Return an item's values in a column of texts, lists or booleans."""
    if isinstance(value, list):
        return frozenset(each for each in value if isinstance(each, str))
    if isinstance(value, bool):
        return frozenset((str(value).lower(),))
    return frozenset((value,)) if isinstance(value, str) else frozenset()


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
