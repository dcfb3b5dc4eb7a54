"""What the live profiles of some of the window's users say: how long histories are, and who is new."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from alsolike.bundle import Manifest
from alsolike.profiles import ProfileStore
from functions.monitor_models.reading import hashes_of

PROFILES = 500
"""Users who are looked at, of all, and of those who did enough."""


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """What was found.

    Attributes
    ----------
    lengths
        How many of the users who did enough have histories of so many interactions that count.
    unknown, looked_at
        Of all users, who did nothing before the champion's last event, and how many could be judged. A full profile
        that begins later cannot: what was before it is not kept.
    """

    lengths: Counter[int]
    unknown: int
    looked_at: int


def look_at(everybody: Iterable[str], active: Iterable[str], *, profiles: ProfileStore, bundle: Manifest) -> People:
    """Look at some of all users, and at some of those who did enough, chosen by the hash of the id."""
    some, some_active = _chosen(everybody), _chosen(active)
    found = profiles.read_many([*some, *some_active])
    weights = bundle.history.event_weights
    lengths = Counter(
        min(sum(weights.get(each.event_type, 0) > 0 for each in found[profile_id].recent), bundle.history.length)
        for profile_id in some_active
    )
    unknown = looked_at = 0
    for profile_id in some:
        recent = found[profile_id].recent
        is_new = bool(recent) and recent[0].event_time_ms > bundle.last_event_ms
        if recent and not (is_new and len(recent) >= bundle.history.length):
            looked_at += 1
            unknown += is_new
    return People(lengths, unknown, looked_at)


def _chosen(profile_ids: Iterable[str]) -> list[str]:
    ids = pd.Series(list(profile_ids), dtype=object)
    return [str(each) for each in ids.iloc[np.argsort(hashes_of(ids), kind="stable")[:PROFILES]]]
