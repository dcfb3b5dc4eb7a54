"""Popular items of user groups, compared with values computed by hand."""

import numpy as np
import pytest

from alsolike.bundle.popular_groups import Group
from model_export.algorithms.popularity import Popularity
from model_export.export.popular_groups import MIN_USERS, popular_groups
from tests.unit.model_export.shops import interactions

POPULARITY = Popularity(trend_half_life_days=np.inf)
HALF = MIN_USERS
PROFILES = [f"u#{user}" for user in range(2 * HALF)]
DATA = interactions([[1, 2, 2]] * HALF + [[1, 3, 1]] * HALF, items=4)


def groups_of(users):
    return popular_groups(users, PROFILES, DATA, popular_by=POPULARITY)


def found(users, **columns):
    return groups_of(users).of(columns)


def plans(*names, each=HALF):
    return {str(n): {"plan": names[n // each]} for n in range(each * len(names))}


def test_group_items_are_sorted_by_frequency_in_the_group():
    users = plans("gold", "tin")

    assert found(users, plan="gold") == Group("plan", "gold", HALF, [2, 1])
    assert found(users, plan="tin") == Group("plan", "tin", HALF, [1, 3])
    assert found(users, plan="clay") is None


@pytest.mark.parametrize(
    "user_ids",
    [map(str, range(MIN_USERS - 1)), [f"stranger{n}" for n in range(100)]],
    ids=["below the minimum", "without interactions"],
)
def test_group_of_too_few_users_with_interactions_is_omitted(user_ids):
    assert found({user_id: {"plan": "gold"} for user_id in user_ids}, plan="gold") is None


def test_user_with_a_repeated_value_counts_once():
    users = {str(n): {"likes": ["tea", "tea"]} for n in range(HALF)}

    assert found(users, likes="tea") == Group("likes", "tea", HALF, [2, 1])


def test_only_the_largest_groups_are_kept(monkeypatch):
    users = {user: {"trial": True, **columns} for user, columns in plans("gold", "tin").items()}
    monkeypatch.setattr("model_export.export.popular_groups.MAX_GROUPS", 1)

    assert len(groups_of(users)) == 1
    assert found(users, plan="gold") is None
