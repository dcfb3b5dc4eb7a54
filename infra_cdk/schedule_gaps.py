"""Longest gaps between runs of EventBridge schedules."""

import dataclasses
import datetime as dt
import itertools
import math
import re

from alsolike.declarations.schedule_expressions import Cron, Rate, parse_schedule

_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS

_FIRST, _DAYS = dt.date(2090, 1, 1), 20 * 365
"""First day and number of days of the simulated period. It contains the longest gap between leap days, around 2100."""


def longest_gap_hours(expression: str) -> int:
    """Return the longest gap between two runs in hours, rounded up, or one week if the gap is longer.

    The result is one week for schedules with months or days of the month.

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
    """Return the longest gap between two runs in days, or None if `expression` is None.

    For rules such as "the last Friday", the result is an upper bound. Years are ignored.

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
    """Return the maximum number of days by which a gap exceeds the gap of a schedule on the first day of the month."""
    if "#5" in expression:
        return 88  # there are up to 119 days between two fifth Fridays
    return 32 if re.search("(29|30|31)W", expression) else 4
