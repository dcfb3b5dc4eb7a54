"""What the gate asks for."""

from __future__ import annotations

import dataclasses


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
    min_coverage_percent: int = 1
    max_popularity_ratio: int = 10
    max_latency_ms: int = 50
    max_bundle_bytes: int = 150_000_000
