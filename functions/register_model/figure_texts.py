"""Formats of figures in the gate's sentences."""

from __future__ import annotations

import datetime as dt


def at(time_ms: int) -> str:
    """Return a time in epoch milliseconds as readable UTC."""
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def figure(value: object) -> str:
    """Return a fraction with two significant digits, any other value in full."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)
