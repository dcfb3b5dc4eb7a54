"""How long the last part of a shop's time is by which models are chosen and judged."""

from __future__ import annotations

LONGEST_HOLDOUT_MS = 28 * 86_400_000
HOLDOUT_SHARE = 0.1


def holdout_ms(first_ms: int, last_ms: int) -> int:
    """Return 28 days or a tenth of the time between two events, whichever is shorter.

    Examples
    --------
    >>> holdout_ms(0, 100 * 86_400_000) // 86_400_000
    10
    """
    return int(min(LONGEST_HOLDOUT_MS, HOLDOUT_SHARE * (last_ms - first_ms)))
