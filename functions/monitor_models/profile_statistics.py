"""Statistics of the live profiles of some users in the window: lengths of histories, and new users."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from alsolike.bundle.manifest import Manifest
from alsolike.profiles.store import ProfileStore
from functions.monitor_models.lake_reader import hashes_of

PROFILES = 500
"""Number of profiles to read, of all users and of active ones."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileStatistics:
    """The statistics.

    Attributes
    ----------
    lengths
        Number of active users by the length of their history, counting weighted interactions.
    unknown, looked_at
        Of all users, those without interactions before the champion's last event, and those that could be judged. A
        full profile that begins later cannot, because it does not keep earlier interactions.
    """

    lengths: Counter[int]
    unknown: int
    looked_at: int


def look_at(
    everybody: Iterable[str], active: Iterable[str], *, profiles: ProfileStore, bundle: Manifest
) -> ProfileStatistics:
    """Read profiles of some of all users and some of the active ones, chosen by the hash of the id."""
    some, some_active = _chosen(everybody), _chosen(active)
    stored = profiles.read_many([*some, *some_active], length=bundle.history.length)
    weights = bundle.history.event_weights
    lengths = Counter(
        min(
            sum(weights.get(interaction.event_type, 0) > 0 for interaction in stored[profile_id].recent),
            bundle.history.length,
        )
        for profile_id in some_active
    )
    unknown = looked_at = 0
    for profile_id in some:
        recent = stored[profile_id].recent
        is_new = bool(recent) and recent[0].event_time_ms > bundle.last_event_ms
        if recent and not (is_new and len(recent) >= bundle.history.length):
            looked_at += 1
            unknown += is_new
    return ProfileStatistics(lengths, unknown, looked_at)


def _chosen(profile_ids: Iterable[str]) -> list[str]:
    ids = pd.Series(list(profile_ids), dtype=object)
    return [str(profile_id) for profile_id in ids.iloc[np.argsort(hashes_of(ids), kind="stable")[:PROFILES]]]
