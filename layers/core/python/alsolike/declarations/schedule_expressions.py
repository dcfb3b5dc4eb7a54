"""Schedule expressions of EventBridge rules: `rate(...)` and `cron(...)`.

References
----------
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_RATE = re.compile(r"rate\((1 (?:minute|hour|day)|(?:[2-9]|[1-9][0-9]+) (?:minute|hour|day)s)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_UNIT_S = {"minute": 60, "hour": 3_600, "day": 86_400}
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_PLAIN_WEEKDAYS = {"?": "*", "L": "SAT"}
_MONTHLY_DAY = re.compile(r"LW?|(?P<day>[0-9]{1,2})W")
_MONTHLY_WEEKDAY = re.compile(r"(?P<weekday>\w+)(?:L|#[1-5])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    interval_s: int


@dataclass(frozen=True, slots=True)
class Cron:
    """Schedule with the fields of cron.

    Attributes
    ----------
    days
        Days of the month, from 1. All days if the expression selects weekdays.
    weekdays
        Weekdays, from 1 for Sunday. All weekdays if the expression selects days of the month.
    is_monthly
        True if a rule such as "the last Friday" selects one day per month. `days` and `weekdays` then contain all days.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    years: tuple[int, ...]
    is_monthly: bool


def parse_schedule(expression: str) -> Rate | Cron:
    """Parse a schedule expression.

    Examples
    --------
    >>> parse_schedule("rate(2 hours)")
    Rate(interval_s=7200)
    >>> parse_schedule("cron(0 22-2 ? * FRI-MON *)").hours
    (0, 1, 2, 22, 23)
    """
    if rate := _RATE.fullmatch(expression):
        count, unit = rate[1].split(" ")
        return Rate(int(count) * _UNIT_S[unit.removesuffix("s")])
    if not (cron := _CRON.fullmatch(expression)):
        raise ValueError("expected rate(...) or cron(...) with six fields")
    minutes, hours, days, months, weekdays, years = cron.groups()
    if (days == "?") == (weekdays == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week must be ?")
    if monthly := _MONTHLY_DAY.fullmatch(days):
        _values(monthly["day"] or "1", 1, 31)
        days = "*"
    elif monthly := _MONTHLY_WEEKDAY.fullmatch(weekdays):
        _values(monthly["weekday"], 1, 7, names=_WEEKDAYS)
        weekdays = "*"
    return Cron(
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        days=_values("*" if days == "?" else days, 1, 31),
        months=_values(months, 1, 12, names=_MONTHS),
        weekdays=_values(_PLAIN_WEEKDAYS.get(weekdays, weekdays), 1, 7, names=_WEEKDAYS, has_steps=False),
        years=_values(years, 1970, 2199, wraps=False),
        is_monthly=monthly is not None,
    )


def _values(
    field: str, low: int, high: int, *, names: Sequence[str] = (), has_steps: bool = True, wraps: bool = True
) -> tuple[int, ...]:
    """Return the values that a field selects. Unless `wraps` is false, a range can wrap around (`22-2` for hours)."""

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
