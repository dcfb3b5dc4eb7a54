"""The number of interactions since a time that may precede the window."""

from __future__ import annotations

from collections.abc import Mapping

from alsolike.lake.lake import event_date
from alsolike.training.drift import DAY_MS
from functions.monitor_models.state import State
from functions.monitor_models.window import Window


def days_since(state: State, window: Window, *, since_ms: int) -> dict[str, int]:
    """Return a lower bound of each day's interactions since a time.

    For a day outside the window, the last count of it is used; days before the first look are missing. With a sample,
    the number is an estimate.
    """
    times = window.counted["event_time_ms"]
    times = times[times > since_ms]
    counts = times.astype("int64").floordiv(DAY_MS).value_counts()
    days = {
        event_date(day * DAY_MS): often * window.one_of
        for day, often in zip(counts.index.tolist(), counts.tolist(), strict=True)
    }
    for day, often in _remembered(state, since_ms=since_ms).items():
        days[day] = max(often, days.get(day, 0))
    return dict(sorted(days.items()))


def _remembered(state: State, *, since_ms: int) -> Mapping[str, int]:
    first = event_date(since_ms)
    same = state.counted_from_ms == since_ms  # else the first day's count may start at an earlier time
    return {day: often for day, often in state.days.items() if day > first or (same and day == first)}
