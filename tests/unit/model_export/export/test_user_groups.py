"""Popular items of user groups, compared with values computed by hand."""

import numpy as np

from alsolike.bundle.popular_groups import Group
from model_export.algorithms.popularity import Popularity
from model_export.export import user_groups
from model_export.export.user_groups import MIN_USERS, popular_groups
from tests.unit.model_export.shops import interactions

POPULARITY = Popularity(trend_half_life_days=np.inf)
HALF = MIN_USERS
PROFILES = [f"u#{user}" for user in range(2 * HALF)]
DATA = interactions([[1, 2, 2]] * HALF + [[1, 3, 1]] * HALF, items=4)
"""The first half of users has item 2 twice and item 1 once. The other half has item 1 twice and item 3 once. Item 4 has
no interactions."""


def found(users, **columns):
    return popular_groups(users, PROFILES, DATA, popular_by=POPULARITY).of(columns)


def test_group_items_are_sorted_by_frequency_in_the_group():
    users: dict[str, dict[str, object]] = {str(n): {"plan": "gold" if n < HALF else "tin"} for n in range(2 * HALF)}

    assert found(users, plan="gold") == Group("plan", "gold", HALF, [2, 1])
    assert found(users, plan="tin") == Group("plan", "tin", HALF, [1, 3])
    assert found(users, plan="clay") is None


def test_group_below_the_minimum_of_users_is_omitted():
    users: dict[str, dict[str, object]] = {str(n): {"plan": "gold"} for n in range(MIN_USERS - 1)}

    assert found(users, plan="gold") is None


def test_users_without_interactions_are_in_no_group():
    users: dict[str, dict[str, object]] = {f"stranger{n}": {"plan": "gold"} for n in range(100)}

    assert found(users, plan="gold") is None


def test_user_with_a_repeated_value_counts_once():
    users: dict[str, dict[str, object]] = {str(n): {"likes": ["tea", "tea"]} for n in range(HALF)}

    assert found(users, likes="tea") == Group("likes", "tea", HALF, [2, 1])


def test_only_the_largest_groups_are_kept(monkeypatch):
    users: dict[str, dict[str, object]] = {
        str(n): {"trial": True, "plan": "gold" if n < HALF else "tin"} for n in range(2 * HALF)
    }
    monkeypatch.setattr(user_groups, "MAX_GROUPS", 1)

    assert len(popular_groups(users, PROFILES, DATA, popular_by=POPULARITY)) == 1
    assert found(users, plan="gold") is None
