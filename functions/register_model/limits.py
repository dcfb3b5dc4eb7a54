"""Limits of the gate, and number formats of its messages."""

from __future__ import annotations

import dataclasses
import datetime as dt

from alsolike.declarations import defaults
from alsolike.declarations.limits import bundle_limit_mb

ROUNDING = 1e-9

MIN_HIT_USERS = 10
"""Minimum number of users with a relevant item in either list.

With fewer, an interval around zero is not evidence of equality.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """Limits of the gate; see docs/gate.md.

    Attributes
    ----------
    max_age_days
        Maximum age of the latest training event; 0 for any age.
    min_compared_users
        Minimum number of users with interactions after the champion's last event. With fewer, a model or slice is
        not compared.
    margin_percent
        Relative fall of NDCG that the comparison must exclude.
    max_slice_drop_percent
        Maximum fall of a slice's NDCG.
    max_fall_percent
        Maximum fall of the predictability of new interactions, relative to earlier interactions.
    min_coverage_percent
        Minimum share of items in the hold-out's lists, relative to the possible number.
    max_popularity_ratio
        Maximum popularity of recommended items, relative to the items in the users' histories.
    max_latency_ms
        Maximum median duration of a graph's runs.
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
    max_bundle_bytes: int = bundle_limit_mb() * 1_000_000


def below(own: float, other: float, percent: int) -> bool:
    return own < other * (1 - percent / 100) - ROUNDING


def format_time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_value(value: object) -> str:
    """Format a float with two significant digits, and other values in full."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
