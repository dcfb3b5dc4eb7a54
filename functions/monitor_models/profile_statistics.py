"""Statistics of a sample of the window's live profiles: lengths of histories, and new users."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from alsolike.bundle.manifest import Manifest
from alsolike.profiles.profile_table import ProfileStore
from functions.monitor_models.lake_reader import hashes_of

PROFILES = 500
"""Maximum number of profiles in each of two samples: all users and active users."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileStatistics:
    """Statistics of sampled profiles.

    Attributes
    ----------
    lengths
        Number of sampled active users by length of their history. Only interactions with a positive weight count.
    unknown
        Number of sampled users whose first interaction is after the champion's last event.
    looked_at
        Number of sampled users for which `unknown` can be decided. Empty profiles do not count, nor full profiles
        without an interaction up to the champion's last event, because they may have lost older interactions.
    """

    lengths: Counter[int]
    unknown: int
    looked_at: int


def look_at(
    all_profiles: Iterable[str], active: Iterable[str], *, profiles: ProfileStore, bundle: Manifest
) -> ProfileStatistics:
    sample, active_sample = _sample(all_profiles), _sample(active)
    stored = profiles.read_many([*sample, *active_sample], length=bundle.history.length)
    weights = bundle.history.event_weights
    lengths = Counter(
        min(
            sum(weights.get(interaction.event_type, 0) > 0 for interaction in stored[profile_id].recent),
            bundle.history.length,
        )
        for profile_id in active_sample
    )
    unknown = looked_at = 0
    for profile_id in sample:
        recent = stored[profile_id].recent
        is_new = bool(recent) and recent[0].event_time_ms > bundle.last_event_ms
        if recent and not (is_new and len(recent) >= bundle.history.length):
            looked_at += 1
            unknown += is_new
    return ProfileStatistics(lengths, unknown, looked_at)


def _sample(profile_ids: Iterable[str]) -> list[str]:
    ids = pd.Series(list(profile_ids), dtype=object)
    return [str(profile_id) for profile_id in ids.iloc[np.argsort(hashes_of(ids), kind="stable")[:PROFILES]]]
