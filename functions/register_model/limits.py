"""Limits of the gate, and formats of numbers in its sentences."""

from __future__ import annotations

import dataclasses
import datetime as dt

from alsolike.declarations import defaults

ROUNDING = 1e-9

MIN_HIT_USERS = 10
"""Minimum number of users with a relevant item in either list. With fewer, an interval around zero is no evidence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """Limits of the gate; see docs/gate.md.

    Attributes
    ----------
    min_interactions, min_users
        Minimum of the training data.
    max_age_days
        Maximum age of the latest training event in days; 0 for any age.
    min_compared_users
        Users with interactions after the champion's last event. With fewer, a model or slice is not compared.
    margin_percent
        Relative fall of NDCG that the comparison must exclude, in percent.
    max_slice_drop_percent
        Maximum fall of a slice's NDCG.
    max_fall_percent
        Maximum fall of the predictability of new interactions, relative to earlier interactions, in percent.
    min_coverage_percent
        Minimum share of the items that the hold-out's lists could hold.
    max_popularity_ratio
        Maximum popularity of the lists relative to that of users' choices.
    max_latency_ms
        Maximum median run of a graph.
    max_bundle_bytes
        Maximum size of the files that serving reads.
    """

    min_interactions: int = defaults.GATE_MIN_INTERACTIONS
    min_users: int = defaults.GATE_MIN_USERS
    max_age_days: int = 0
    min_compared_users: int = defaults.GATE_MIN_COMPARED_USERS
    margin_percent: int = defaults.GATE_MARGIN_PERCENT
    max_slice_drop_percent: int = defaults.GATE_MAX_SLICE_DROP_PERCENT
    max_fall_percent: int = defaults.GATE_MAX_FALL_PERCENT
    min_coverage_percent: int = defaults.GATE_MIN_COVERAGE_PERCENT
    max_popularity_ratio: int = defaults.GATE_MAX_POPULARITY_RATIO
    max_latency_ms: int = defaults.GATE_MAX_LATENCY_MS
    max_bundle_bytes: int = 150_000_000


def below(own: float, other: float, percent: int) -> bool:
    """Return true if `own` is more than `percent` % below `other`, beyond rounding."""
    return own < other * (1 - percent / 100) - ROUNDING


def at(time_ms: int) -> str:
    """Return a time in epoch milliseconds as readable UTC."""
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def figure(value: object) -> str:
    """Format a fraction with two significant digits, any other value in full."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
