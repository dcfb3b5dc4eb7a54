"""Settings of the gate in `cdk.json`, which are also variables of `register_model`."""

import dataclasses

from alsolike.declarations.settings import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class GateSettings:
    """Limits of the gate; see docs/gate.md.

    Attributes
    ----------
    gate_min_compared_users
        Minimum number of users with interactions after the champion's last event. With fewer, a model or slice is
        not compared.
    gate_max_slice_drop_percent
        Maximum fall of a slice's NDCG, relative to the NDCG of the champion.
    gate_max_fall_percent
        Maximum fall of the predictability of new interactions, relative to earlier interactions.
    gate_min_coverage_percent
        Minimum number of distinct items in the hold-out's lists, relative to the number that the lists could hold.
    gate_max_popularity_ratio
        Maximum popularity of recommended items, relative to the items in the users' histories.
    """

    gate_min_interactions: int = setting(
        1_000, "Minimum interactions of the training data for the [gate](gate.md)", (1, 10**12)
    )
    gate_min_users: int = setting(50, "Minimum users of the training data", (1, 10**9))
    gate_max_age_days: int | None = setting(30, "Maximum age of the latest training event; null: any", (1, 36_500))
    gate_min_compared_users: int = setting(30, "Minimum number of compared users", (2, 10**9))
    gate_margin_percent: int = setting(2, "Fall of NDCG that a fresher version has to exclude", (0, 100))
    gate_max_slice_drop_percent: int = setting(25, "Maximum drop in a segment", (0, 100))
    gate_max_fall_percent: int = setting(80, "Limit of the [new-data check](gate.md#new-data)", (0, 100))
    gate_min_coverage_percent: int = setting(1, "Minimum catalogue coverage", (0, 100))
    gate_max_popularity_ratio: int = setting(10, "Maximum popularity bias", (1, 1_000_000))
    gate_max_latency_ms: int = setting(50, "Maximum median run time of a graph", (1, 10_000))
