"""Popular items among users who have a value of a column in common: for users of whom nothing else is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike.configuration import ColumnType
from alsolike.errors import InvalidBundle
from alsolike.values import value_object

GROUPING = (ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.LIST)
"""Types of user columns that make groups; few users share a number or a text."""


@value_object
class Group:
    """Users with one value of a column, and what is popular among them.

    Attributes
    ----------
    users
        How many the list is made from.
    items
        Positions in the model, best first.
    """

    column: str
    value: str
    users: int
    items: Sequence[int]


class PopularGroups:
    """The groups of a bundle."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = {(group.column, group.value): group for group in groups}

    def __len__(self) -> int:
        return len(self._groups)

    def of(self, properties: Mapping[str, Any]) -> Group | None:
        """Return the smallest group of a user with these columns: the one that says most; None where there is none."""
        found = [self._groups[named] for named in group_names(properties) if named in self._groups]
        return min(found, key=lambda group: (group.users, group.column, group.value), default=None)

    def write(self, path: Path) -> None:
        """Write the groups."""
        path.write_bytes(orjson.dumps({"groups": list(self._groups.values())}, default=list))

    @classmethod
    def read(cls, path: Path) -> PopularGroups:
        """Read groups.

        Raises
        ------
        InvalidBundle
            If the file holds none.
        """
        try:
            return cls([Group(**group) for group in orjson.loads(path.read_bytes())["groups"]])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidBundle(f"{path.name} is unreadable: {error!r}") from error


def group_names(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the column and the value of every group that a user with these columns is in.

    Examples
    --------
    >>> list(group_names({"plan": "gold", "likes": ["tea", "jazz"], "trial": True, "age": 7}))
    [('plan', 'gold'), ('likes', 'tea'), ('likes', 'jazz'), ('trial', 'true')]
    """
    for column, value in properties.items():
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, str) and element:
                yield column, element
            elif isinstance(element, bool):
                yield column, str(element).lower()
