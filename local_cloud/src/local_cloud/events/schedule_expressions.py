"""Schedule expressions: `rate(5 minutes)`, `cron(0 3 ? * MON-FRI *)`, `at(2026-01-31T12:00:00)`.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EXPRESSION = re.compile(r"(rate|cron|at)\((.+)\)")
_RATE = re.compile(r"(?:(1) (minute|hour|day)|([2-9]|[1-9][0-9]+) (minute|hour|day)s)")
_UNIT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_YEARS = (1970, 2199)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)
_NTH_WEEKDAY = re.compile(r"(\w+)(?:(L)|#([1-5]))", re.ASCII)
_NEAREST_WEEKDAY = re.compile(r"[0-9]{1,2}W")
_NUMBER = re.compile(r"[0-9]{1,4}")


class ScheduleExpressionError(ValueError):
    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(f"schedule expression {expression!r}: {reason}")


Schedule = Callable[[datetime], datetime | None]
"""Function that returns the first due time after a time in UTC, or None if there is none."""


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: Sequence[int]
    hours: Sequence[int]
    days_of_month: str
    months: Sequence[int]
    days_of_week: str
    years: Sequence[int]
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
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
    """Parse an expression. `zone` is the time zone of cron and at expressions."""
    parsed = _EXPRESSION.fullmatch(expression)
    if not parsed:
        raise ScheduleExpressionError(expression, "expected rate(...), cron(...) or at(...)")
    kind, content = parsed.groups()
    try:
        if kind == "rate":
            return _rate(content)
        if kind == "at":
            at = datetime.fromisoformat(content).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            return lambda moment: at if moment < at else None
        return _cron(content, ZoneInfo(zone)).next_after
    except ZoneInfoNotFoundError as error:
        raise ScheduleExpressionError(expression, f"{zone!r} is not a time zone") from error
    except ValueError as error:
        raise ScheduleExpressionError(expression, str(error)) from error


def _rate(content: str) -> Schedule:
    rate = _RATE.fullmatch(content)
    if not rate:
        raise ValueError("expected a positive number and minutes, hours or days, or 1 minute, 1 hour or 1 day")
    interval = int(rate[1] or rate[3]) * _UNIT[rate[2] or rate[4]]
    return lambda moment: moment + interval


def _cron(content: str, zone: ZoneInfo) -> Cron:
    fields = content.split(" ")
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
        days_of_week=days_of_week,
        years=_numbers(years, *_YEARS, wraps=False),
        zone=zone,
    )
    cron._days(2024, 1)  # An invalid day field must raise an error now, not in a later month.
    return cron


def _numbers(
    field: str, low: int, high: int, *, names: Sequence[str] = (), has_steps: bool = True, wraps: bool = True
) -> tuple[int, ...]:
    """Expand `*`, lists, ranges and steps to sorted numbers. A range may wrap around, such as `22-2` for hours."""

    def number(text: str) -> int:
        value = names.index(text) + low if text in names else int(text) if _NUMBER.fullmatch(text) else -1
        if not low <= value <= high:
            others = f" or {names[0]}-{names[-1]}" if names else ""
            raise ValueError(f"{text!r} in {field!r} is not within {low}-{high}{others}")
        return value

    size = high - low + 1
    found: set[int] = set()
    for part in field.split(","):
        parsed = _PART.fullmatch(part)
        if parsed is None or (parsed["step"] and not has_steps):
            raise ValueError(f"{part!r} in {field!r} is not a value or a range{' or a step' if has_steps else ''}")
        step = int(parsed["step"] or 1)
        if not 1 <= step <= high:
            raise ValueError(f"step {step} in {field!r} is not within 1-{high}")
        first, last = (number(parsed[name]) if parsed[name] else None for name in ("first", "last"))
        start = low if first is None else first
        end = last if last is not None else high if first is None or parsed["step"] else start
        if end < start:
            if not wraps:
                raise ValueError(f"range {part!r} ends before it starts")
            end += size
        found.update(low + (value - low) % size for value in range(start, end + 1, step))
    return tuple(sorted(found))


def _days_of_month(field: str, *, year: int, month: int, last: int) -> list[int]:
    if field == "L":
        return [last]
    if field == "LW":
        return [_nearest_weekday(year, month, last, last)]
    if _NEAREST_WEEKDAY.fullmatch(field):
        (day,) = _numbers(field[:-1], 1, 31)
        return [_nearest_weekday(year, month, day, last)] if day <= last else []
    return [day for day in _numbers(field, 1, 31) if day <= last]


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    """Return the weekday that is nearest to a day, within the month."""
    weekday = date(year, month, day).weekday()
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str, *, year: int, month: int, last: int) -> list[int]:
    """Return the days of a month with the given weekdays. Sunday is 1 in AWS cron expressions."""
    by_weekday: dict[int, list[int]] = {number: [] for number in range(1, 8)}
    for day in range(1, last + 1):
        by_weekday[(date(year, month, day).weekday() + 1) % 7 + 1].append(day)
    if nth := _NTH_WEEKDAY.fullmatch(field):
        (weekday,) = _numbers(nth[1], 1, 7, names=_WEEKDAYS)
        return by_weekday[weekday][-1:] if nth[2] == "L" else by_weekday[weekday][int(nth[3]) - 1 : int(nth[3])]
    numbers = (7,) if field == "L" else _numbers(field, 1, 7, names=_WEEKDAYS, has_steps=False)
    return sorted(day for number in numbers for day in by_weekday[number])
