"""What the gate asks for."""

from __future__ import annotations

import dataclasses

ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds; see docs/gate.md for what each is good for.

    Attributes
    ----------
    min_interactions, min_users
        Of the training data.
    max_age_days
        Of the latest training event; 0 for any.
    min_compared_users
        With something new since the champion's last event; by fewer, nothing is said of a model or of a slice.
    tolerance_percent
        By how much a fresher candidate's NDCG may lie below the champion's.
    max_slice_drop_percent
        By how much a slice's NDCG may fall.
    max_fall_percent
        By how much what came since the champion may be foreseen worse than what was before.
    min_coverage_percent
        Of the items that the hold-out's lists could hold.
    max_popularity_ratio
        How popular lists may be beside what users choose.
    max_latency_ms
        Of the median run of a graph.
    max_bundle_bytes
        Of what serving reads.
    """

    min_interactions: int = 1_000
    min_users: int = 50
    max_age_days: int = 0
    min_compared_users: int = 30
    tolerance_percent: int = 5
    max_slice_drop_percent: int = 25
    max_fall_percent: int = 80
    min_coverage_percent: int = 1
    max_popularity_ratio: int = 10
    max_latency_ms: int = 50
    max_bundle_bytes: int = 150_000_000


def below(own: float, other: float, percent: int) -> bool:
    """Return whether one lies more than so many percent below the other; what only rounding makes of it does not."""
    return own < other * (1 - percent / 100) - ROUNDING
