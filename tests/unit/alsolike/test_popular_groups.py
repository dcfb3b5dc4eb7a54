from __future__ import annotations

from pathlib import Path

import pytest

from alsolike.errors import InvalidBundle
from alsolike.popular_groups import Group, PopularGroups

GOLD, TEA = Group("plan", "gold", 40, [1, 2]), Group("likes", "tea", 30, [3])


def test_the_smallest_group_is_the_users() -> None:
    groups = PopularGroups([GOLD, TEA])

    assert groups.of({"plan": "gold", "likes": ["jazz", "tea"]}) == TEA
    assert groups.of({"plan": "gold"}) == GOLD
    assert groups.of({"plan": ["gold"], "age": 7, "likes": None, "nested": {}}) == GOLD
    assert groups.of({}) is None


def test_written_groups_come_back(tmp_path: Path) -> None:
    PopularGroups([GOLD, TEA]).write(tmp_path / "groups")

    assert PopularGroups.read(tmp_path / "groups").of({"plan": "gold"}) == GOLD


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"groups": [{"column": "plan"}]}'])
def test_what_are_no_groups_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "groups").write_bytes(data)

    with pytest.raises(InvalidBundle, match=r"^groups is unreadable"):
        PopularGroups.read(tmp_path / "groups")
