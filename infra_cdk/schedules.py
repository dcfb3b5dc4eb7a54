"""Longest pauses of EventBridge schedules."""

import dataclasses
import datetime as dt
import itertools
import math
import re

from alsolike.declarations.schedules import Cron, Rate, parse_schedule

_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS

_FIRST, _DAYS = dt.date(2090, 1, 1), 20 * 365
"""Period with the longest time between two leap days, since 2100 is a common year."""


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
    """Return the longest time between two runs in days, or None without a schedule.

    Rules such as "the last Friday" get an upper bound. Years are ignored.

    Examples
    --------
    >>> longest_gap_days("cron(0 3 ? * MON,FRI *)")
    4
    >>> longest_gap_days("cron(0 3 31 * ? *)")  # from 31 March to 31 May
    61
    """
    if expression is None:
        return None
    schedule = parse_schedule(expression)
    if isinstance(schedule, Rate):
        return math.ceil(schedule.interval_s / 86_400)
    if not schedule.is_monthly:
        return _longest_gap(schedule)
    return _longest_gap(dataclasses.replace(schedule, days=(1,))) + _further_days(expression)


def _longest_gap(schedule: Cron) -> int:
    days = (_FIRST + dt.timedelta(days=day) for day in range(_DAYS))
    runs = [
        day
        for day in days
        if day.month in schedule.months and day.day in schedule.days and day.isoweekday() % 7 + 1 in schedule.weekdays
    ]
    return max((later - earlier).days for earlier, later in itertools.pairwise(runs))


def _further_days(expression: str) -> int:
    """Return the days by which the gap of a monthly rule may exceed the gap of runs on the first of each month."""
    if "#5" in expression:
        return 88  # months without a fifth Friday; 119 days between two of them
    return 32 if re.search("(29|30|31)W", expression) else 4
