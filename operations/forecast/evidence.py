"""Evidence that a forecast requires. With less evidence, the forecast contains a reason in place of an estimate."""

from __future__ import annotations

import math

from alsolike.bundle.position_bias import MIN_PAIRS

MIN_SUPPORT = 0.9
"""Minimum share of a list's expected examinations that concern items with support; see `off_policy` for support."""

MIN_OUTCOMES = 50
"""Minimum effective number of weighted outcomes, (sum w y)² / sum (w y)²."""

MIN_USERS = 200
"""Minimum number of users."""

_REASON = "not enough evidence:"
TOO_FEW_PAIRS = f"{_REASON} about {MIN_PAIRS} pairs in random order with a click, expected more"
"""Reason if only the jackknife, which leaves out one group of users at a time, has too few pairs."""


def missing(*, users: int, support: float | None) -> str | None:
    """Return a sentence on the evidence that is missing for all estimates.

    `support` is None with too few pairs in random order.
    """
    if users < MIN_USERS:
        return f"{_REASON} {users:,} user{'' if users == 1 else 's'}, expected at least {MIN_USERS}"
    if support is None:
        return f"{_REASON} fewer than {MIN_PAIRS} pairs in random order with a click"
    if support < MIN_SUPPORT:
        # Rounded down, so that 89.97% is not printed as the expected 90.0%.
        share = f"{math.floor(1000 * support) / 10:.1f}% of the expected attention is for items that were shown"
        return f"{_REASON} {share}, expected at least {MIN_SUPPORT:.0%}"
    return None


def missing_outcomes(name: str, effective: float) -> str | None:
    """Return a sentence on the evidence that is missing for an outcome."""
    if effective < MIN_OUTCOMES:
        return f"{_REASON} an effective number of {effective:.0f} {name}, expected at least {MIN_OUTCOMES}"
    return None
