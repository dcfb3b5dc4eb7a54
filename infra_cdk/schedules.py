"""Longest pauses of EventBridge schedules."""

import itertools
import math

from alsolike.declarations.schedules import Rate, parse_schedule

_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS


def longest_gap_hours(expression: str) -> int:
    """Return the longest time between two runs in hours, rounded up, and at most a week.

    A schedule that names months or days of the month counts as a week.

    Examples
    --------
    >>> longest_gap_hours("rate(6 hours)")
    6
    >>> longest_gap_hours("cron(0 8-18 ? * MON-FRI *)")
    62
    """
    schedule = parse_schedule(expression)
    if isinstance(schedule, Rate):
        return min(_WEEK_HOURS, math.ceil(schedule.interval_s / 3_600))
    if schedule.is_monthly or len(schedule.days) < 31 or len(schedule.months) < 12:
        return _WEEK_HOURS
    runs = sorted(_DAY_HOURS * weekday + hour for weekday in schedule.weekdays for hour in schedule.hours)
    return max(later - earlier for earlier, later in itertools.pairwise([*runs, runs[0] + _WEEK_HOURS]))


def longest_gap_days(expression: str | None) -> int | None:
    """Return an upper bound of the days between two runs, or None without a schedule.

    Only the coarsest restricted field counts: year or month, day of the month, weekday.
    """
    if expression is None:
        return None
    schedule = parse_schedule(expression)
    if isinstance(schedule, Rate):
        return math.ceil(schedule.interval_s / 86_400)
    if len(schedule.months) < 12 or len(schedule.years) < 230:
        return 366
    if schedule.is_monthly or len(schedule.days) < 31:
        return 31
    return 1 if len(schedule.weekdays) == 7 else 7
