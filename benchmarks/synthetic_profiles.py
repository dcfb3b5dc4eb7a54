"""Profiles of users with random interactions."""

from __future__ import annotations

import time

import numpy as np

from alsolike.events.interactions import profile_id
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from benchmarks.synthetic_models import HISTORY


def user_id(number: int) -> str:
    return f"user{number}"


def write_profiles(store: ProfileStore, *, users: int, items: int) -> None:
    """Write profiles of `HISTORY` random interactions each, with `item1` to `item<items>`."""
    rng = np.random.default_rng(3)
    now_ms = time.time_ns() // 1_000_000
    for number in range(users):
        item_numbers = rng.integers(1, items + 1, HISTORY).tolist()
        recent = tuple(
            RecentInteraction(now_ms - 1000 * n, f"e{n}", f"item{i}", "view") for n, i in enumerate(item_numbers)
        )
        store.add(profile_id(user_id=user_id(number), session_id=None), recent, now_ms=now_ms)
