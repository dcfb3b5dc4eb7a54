"""How the gate's sentences show figures."""

from __future__ import annotations

import datetime as dt


def at(time_ms: int) -> str:
    """Return a time of epoch milliseconds as people read it."""
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def figure(value: object) -> str:
    """Return two digits of a fraction, all of anything else."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
