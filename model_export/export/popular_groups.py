"""Popular items per group of users with the same value of a property."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alsolike.bundle.popular_groups import Group, PopularGroups, group_names
from alsolike.events.interactions import profile_id
from model_export.api import Algorithm
from model_export.data.interactions import Histories, Interactions, Ints
from model_export.evaluation.fit_cache import fitted

MIN_USERS = 20
"""Minimum number of users per group. Smaller groups would reveal data of their members and predict poorly."""

MAX_GROUPS = 1_000
MAX_ITEMS = 100

NO_HISTORY = Histories(items=np.zeros((1, 1), np.int64), weights=np.zeros((1, 1), np.float32))


def popular_items(popular_by: Algorithm, interactions: Interactions) -> Ints:
    """Return the items for a user without a history, best first. Items without interactions are last."""
    scores = fitted(popular_by, interactions).score(NO_HISTORY)[0, 1:]
    return np.argsort(-scores, kind="stable") + 1


def popular_groups(
    users: Mapping[str, Mapping[str, Any]],
    profile_ids: Sequence[str],
    interactions: Interactions,
    *,
    popular_by: Algorithm,
) -> PopularGroups:
    number = {profile: user for user, profile in enumerate(profile_ids)}
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for user_id, properties in users.items():
        user = number.get(profile_id(user_id=user_id, session_id=None))
        if user is not None:
            for name in set(group_names(properties)):
                members[name].append(user)
    names = sorted(members, key=lambda name: (-len(members[name]), name))[:MAX_GROUPS]
    groups = []
    for column, value in names:
        group = members[column, value]
        if len(group) >= MIN_USERS:
            own = interactions.select(np.isin(interactions.user, group))
            items = popular_items(popular_by, own)[: min(MAX_ITEMS, len(np.unique(own.item)))]
            groups.append(Group(column, value, len(group), items.tolist()))
    return PopularGroups(groups)
