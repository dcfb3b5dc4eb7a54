import pytest

from alsolike.bundle.popular_groups import Group, PopularGroups
from alsolike.runtime.errors import InvalidBundle

GOLD, TEA = Group("plan", "gold", 40, [1, 2]), Group("likes", "tea", 30, [3])


def test_group_of_a_user_is_the_smallest_matching_one():
    groups = PopularGroups([GOLD, TEA])

    assert groups.of({"plan": "gold", "likes": ["jazz", "tea"]}) == TEA
    assert groups.of({"plan": "gold"}) == GOLD
    assert groups.of({"plan": ["gold"], "age": 7, "likes": None, "nested": {}}) == GOLD
    assert groups.of({}) is None


def test_groups_are_unchanged_after_write_and_read(tmp_path):
    PopularGroups([GOLD, TEA]).write(tmp_path / "groups")

    assert PopularGroups.read(tmp_path / "groups").of({"plan": "gold"}) == GOLD


GROUP = b'{"groups": [{"column": "plan", "value": "gold", "users": %s, "items": %s}]}'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"groups": [{"column": "plan"}]}',
        b'{"groups": [{"column": 1, "value": "gold", "users": 40, "items": []}]}',
        GROUP % (b'"40"', b"[1]"),
        GROUP % (b"40", b"1"),
        GROUP % (b"40", b'["1"]'),
        GROUP % (b"40", b"[1.0]"),
        GROUP % (b"40", b"[1000000000000]"),
        GROUP % (b"40", b"[[1]]"),
    ],
)
def test_invalid_groups_are_refused(tmp_path, data):
    (tmp_path / "groups").write_bytes(data)

    with pytest.raises(InvalidBundle, match=r"^groups is unreadable"):
        PopularGroups.read(tmp_path / "groups")
