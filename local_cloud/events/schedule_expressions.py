"""Schedule expressions: ``rate(5 minutes)``, ``cron(0 3 ? * MON-FRI *)``, ``at(2026-01-31T12:00:00)``.

References
----------
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_EXPRESSION = re.compile(r"^(rate|cron|at)\((.+)\)$")
_RATE = re.compile(r"^([1-9]\d*) (minute|minutes|hour|hours|day|days)$")
_UNIT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_YEAR = 2199


class ScheduleExpressionError(ValueError):
    """An expression is not one that AWS would take."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(f"schedule expression {expression!r}: {reason}")


class Schedule(Protocol):
    """Schedule that determines when something is due."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment`, in UTC; None when there is none."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Due every `interval`, counted from the time before."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Return `moment` and one interval."""
        return moment + self.interval


@dataclass(frozen=True, slots=True)
class Once:
    """Due at one time."""

    at: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """Return that time until it has passed."""
        return self.at if moment < self.at else None


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at minutes that six fields describe, in the wall time of `zone`."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days_of_month: str
    months: Sequence[int]
    days_of_week: str
    years: Sequence[int]
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due minute after `moment`."""
        local = moment.astimezone(self.zone)
        first = local.date()
        for year in (year for year in self.years if year >= first.year):
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in self._days(year, month):
                    if date(year, month, day) < first:
                        continue
                    for hour in self.hours:
                        for minute in self.minutes:
                            candidate = datetime(year, month, day, hour, minute, tzinfo=self.zone).astimezone(UTC)
                            if candidate > moment:
                                return candidate
        return None

    def _days(self, year: int, month: int) -> list[int]:
        last = calendar.monthrange(year, month)[1]
        if self.days_of_month != "?":
            return _days_of_month(self.days_of_month, year=year, month=month, last=last)
        return _days_of_week(self.days_of_week, year=year, month=month, last=last)


def parse_schedule(expression: str, *, zone: str = "UTC") -> Schedule:
    """Parse an expression; `zone` is the time zone of cron and at.

    Raises
    ------
    ScheduleExpressionError
        If the expression is malformed.
    """
    parsed = _EXPRESSION.match(expression.strip())
    if not parsed:
        raise ScheduleExpressionError(expression, "expected rate(...), cron(...) or at(...)")
    kind, content = parsed.groups()
    try:
        if kind == "rate":
            rate = _RATE.match(content)
            if not rate:
                raise ValueError("expected a positive number and minute(s), hour(s) or day(s)")
            return Rate(int(rate[1]) * _UNIT[rate[2].removesuffix("s")])
        if kind == "at":
            return Once(datetime.fromisoformat(content).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
        return _cron(content, ZoneInfo(zone))
    except ValueError as error:
        raise ScheduleExpressionError(expression, str(error)) from error


def _cron(content: str, zone: ZoneInfo) -> Cron:
    fields = content.split()
    if len(fields) != 6:
        raise ValueError(f"expected 6 fields, found {len(fields)}")
    minutes, hours, days_of_month, months, days_of_week, years = fields
    if (days_of_month == "?") == (days_of_week == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week must be ?")
    cron = Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days_of_month=days_of_month,
        months=_numbers(months, 1, 12, names=_MONTHS),
        days_of_week=days_of_week.upper(),
        years=_numbers(years, 1970, _LAST_YEAR),
        zone=zone,
    )
    cron._days(2024, 2)  # a malformed day field is an error now, not when it comes into play
    return cron


def _numbers(field: str, low: int, high: int, *, names: Sequence[str] = ()) -> tuple[int, ...]:
    """Expand ``*``, lists, ranges and steps to sorted numbers."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text else 1
        if step < 1:
            raise ValueError(f"step {step_text} in {field!r} is not positive")
        if span == "*":
            start, end = low, high
        elif "-" in span:
            start, end = (_number(text, low, names) for text in span.split("-", 1))
        else:
            start = _number(span, low, names)
            end = high if step_text else start
        if not low <= start <= end <= high:
            raise ValueError(f"{part!r} is not within {low}-{high}")
        found.update(range(start, end + 1, step))
    return tuple(sorted(found))


def _number(text: str, low: int, names: Sequence[str]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + low
    return int(text)


def _days_of_month(field: str, *, year: int, month: int, last: int) -> list[int]:
    if field == "L":
        return [last]
    if field == "LW":
        return [_nearest_weekday(year, month, last, last)]
    if field.endswith("W"):
        day = int(field[:-1])
        return [_nearest_weekday(year, month, day, last)] if day <= last else []
    return [day for day in _numbers(field, 1, 31) if day <= last]


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    """Move a Saturday to Friday and a Sunday to Monday, without leaving the month."""
    weekday = date(year, month, day).weekday()
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str, *, year: int, month: int, last: int) -> list[int]:
    """Return the days of a month by weekday; Sunday is 1 in AWS's cron."""
    by_weekday: dict[int, list[int]] = {number: [] for number in range(1, 8)}
    for day in range(1, last + 1):
        by_weekday[(date(year, month, day).weekday() + 1) % 7 + 1].append(day)
    if "#" in field:
        weekday, _, nth = field.partition("#")
        days = by_weekday[_weekday(weekday)]
        if not 1 <= int(nth) <= 5:
            raise ValueError(f"{field!r}: a weekday comes up 1 to 5 times a month")
        return days[int(nth) - 1 : int(nth)]
    if field == "L":
        return by_weekday[7][-1:]
    if field.endswith("L") and field not in ("L",):
        return by_weekday[_weekday(field[:-1])][-1:]
    return sorted(day for number in _numbers(field, 1, 7, names=_WEEKDAYS) for day in by_weekday[number])


def _weekday(text: str) -> int:
    (number,) = _numbers(text, 1, 7, names=_WEEKDAYS)
    return number
