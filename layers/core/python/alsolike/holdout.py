"""Length of the test window by which models are chosen and judged."""

from __future__ import annotations

LONGEST_HOLDOUT_MS = 28 * 86_400_000
HOLDOUT_SHARE = 0.1
START_QUANTILE = 0.05
"""The time begins after the earliest twentieth of the interactions: a few ancient ones do not lengthen the window."""


def holdout_ms(start_ms: int, last_ms: int) -> int:
    """Return 28 days or a tenth of the time of the interactions, whichever is shorter.

    Parameters
    ----------
    start_ms
        `START_QUANTILE` of the interactions are earlier.
    last_ms
        Time of the latest interaction.

    Examples
    --------
    >>> holdout_ms(5 * 86_400_000, 100 * 86_400_000) // 86_400_000
    10
    """
    return int(min(LONGEST_HOLDOUT_MS, HOLDOUT_SHARE * (last_ms - start_ms) / (1 - START_QUANTILE)))
