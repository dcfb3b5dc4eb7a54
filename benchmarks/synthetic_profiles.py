"""Profiles of users whose interactions are chance."""

from __future__ import annotations

import time

import numpy as np

from alsolike.events.interactions import profile_id
from alsolike.profiles.store import ProfileStore, RecentInteraction
from benchmarks.synthetic_models import HISTORY


def user_id(number: int) -> str:
    """Return the id of a user."""
    return f"user{number}"


def write_profiles(store: ProfileStore, *, users: int, items: int) -> None:
    """Write profiles of 50 interactions with `item1`, `item2` and so on."""
    rng = np.random.default_rng(3)
    now_ms = time.time_ns() // 1_000_000
    for number in range(users):
        chosen = rng.integers(1, items + 1, HISTORY).tolist()
        recent = tuple(RecentInteraction(now_ms - 1000 * n, f"e{n}", f"item{i}", "view") for n, i in enumerate(chosen))
        store.add(profile_id(user_id=user_id(number), session_id=None), recent, now_ms=now_ms)
