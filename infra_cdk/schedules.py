"""Longest pause of an EventBridge schedule."""

import itertools
import math

from infra_cdk.settings_checks import rate_s

_WEEK_HOURS = 7 * 24
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def longest_gap_hours(schedule: str) -> int:
    """Return how many hours may pass between two firings, rounded up, a week at most.

    Where days of a month, months or such as a month's last Friday are named, it is a week.

    Examples
    --------
    >>> longest_gap_hours("rate(6 hours)")
    6
    >>> longest_gap_hours("cron(0 8-18 ? * MON-FRI *)")
    62
    """
    if (seconds := rate_s(schedule)) is not None:
        return min(_WEEK_HOURS, math.ceil(seconds / 3_600))
    _, hour, day, month, weekday, _ = schedule.removeprefix("cron(").removesuffix(")").split()
    if month != "*" or day not in ("?", "*") or "#" in weekday or weekday.upper().endswith("L"):
        return _WEEK_HOURS
    for number, name in enumerate(_WEEKDAYS, 1):
        weekday = weekday.upper().replace(name, str(number))
    fires = sorted(24 * each + at for each in _named(weekday, 1, 7) for at in _named(hour, 0, 23))
    return max(later - earlier for earlier, later in itertools.pairwise([*fires, fires[0] + _WEEK_HOURS]))


def _named(field: str, least: int, most: int) -> set[int]:
    """Return which of some values a field of a cron expression names."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = least if first in ("*", "?") else int(first)
        end = int(last) if last else most if step or first in ("*", "?") else start
        round_the_end = most - least + 1 if end < start else 0  # FRI-MON, 22-2
        each = range(start, end + round_the_end + 1, int(step or 1))
        found.update((value - least) % (most - least + 1) + least for value in each)
    return found
