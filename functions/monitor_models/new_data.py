"""How many interactions there are since a time that may lie before the window."""

from __future__ import annotations

from collections.abc import Mapping

from alsolike.drift import DAY_MS
from alsolike.lake import event_date
from functions.monitor_models.state import State
from functions.monitor_models.window import Window


def days_since(state: State, window: Window, *, since_ms: int) -> dict[str, int]:
    """Return how many interactions each day has since a time, at least.

    A day that the window does not reach any more has what was found of it last; days before the first look have
    nothing. Of a sample the number is an estimate.
    """
    times = window.counted["event_time_ms"]
    times = times[times > since_ms]
    found = times.astype("int64").floordiv(DAY_MS).value_counts()
    days = {
        event_date(day * DAY_MS): often * window.one_of
        for day, often in zip(found.index.tolist(), found.tolist(), strict=True)
    }
    for day, often in _remembered(state, since_ms=since_ms).items():
        days[day] = max(often, days.get(day, 0))
    return dict(sorted(days.items()))


def _remembered(state: State, *, since_ms: int) -> Mapping[str, int]:
    first = event_date(since_ms)
    same = state.counted_from_ms == since_ms  # else the first day may hold what was counted from an earlier time on
    return {day: often for day, often in state.days.items() if day > first or (same and day == first)}
