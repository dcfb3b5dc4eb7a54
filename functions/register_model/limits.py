"""Limits of the gate, and number formats of its messages."""

from __future__ import annotations

import dataclasses
import datetime as dt

from alsolike.declarations.gate import GateSettings
from alsolike.declarations.limits import bundle_limit_mb

ROUNDING = 1e-9

MIN_HIT_USERS = 10
"""Minimum number of users with a relevant item in either list.

With fewer, an interval around zero is not evidence of equality.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GateLimits(GateSettings):
    """Limits of the gate.

    Attributes
    ----------
    gate_max_age_days
        Maximum age of the latest training event; 0 for any age.
    max_bundle_mb
        Maximum size of the files that serving reads. Serving stores two bundles during a change, and the disk may have
        only 512 MB.
    """

    gate_max_age_days: int = 0
    max_bundle_mb: int = bundle_limit_mb()


def falls(lead: float, reference: float, *, percent: int) -> bool:
    """Return true if a lead is negative by more than `percent` of the reference value."""
    return lead < -percent / 100 * reference - ROUNDING


def format_time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_value(value: object) -> str:
    """Format a float with two significant digits, and other values in full."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
