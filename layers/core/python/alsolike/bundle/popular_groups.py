"""Popular items among users with a common value of a column, for users without a usable history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.struct import struct

GROUPING = (ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.LIST)
"""Types of user columns that form groups. Other types do not, because few users share the same value."""


MAX_POSITION = 2**31
"""Upper bound (exclusive) of positions, which are int32."""


@struct
class Group:
    """Group of users with the same value of a column, and its popular items.

    Attributes
    ----------
    items
        Positions in the model, best first.
    """

    column: str
    value: str
    users: int
    items: Sequence[int]


class PopularGroups:
    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = {(group.column, group.value): group for group in groups}

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def items(self) -> list[int]:
        return [item for group in self._groups.values() for item in group.items]

    def of(self, properties: Mapping[str, Any]) -> Group | None:
        """Return the smallest and therefore most specific group for a user with these columns, or None if no group
        matches.
        """
        groups = [self._groups[named] for named in group_names(properties) if named in self._groups]
        return min(groups, key=lambda group: (group.users, group.column, group.value), default=None)

    def write(self, path: Path) -> None:
        path.write_bytes(orjson.dumps({"groups": list(self._groups.values())}, default=list))

    @classmethod
    def read(cls, path: Path) -> PopularGroups:
        try:
            return cls([_group(**group) for group in orjson.loads(path.read_bytes())["groups"]])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{path.name} is unreadable: {error!r}") from error


def _group(*, column: Any, value: Any, users: Any, items: Any) -> Group:
    if not isinstance(column, str) or not isinstance(value, str) or type(users) is not int:
        raise TypeError(f"a group is {column!r}, {value!r}, {users!r}, expected two texts and a number of users")
    if not isinstance(items, list) or not all(type(item) is int and abs(item) < MAX_POSITION for item in items):
        raise TypeError(f"the items of {column} {value} are no list of positions")
    return Group(column, value, users, items)


def group_names(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the column and the value of each group for a user with these columns.

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
