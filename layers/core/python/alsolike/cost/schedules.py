"""The frequency of an EventBridge schedule."""

from __future__ import annotations

import re

from alsolike.cost.load import DAYS, MONTH_S
from alsolike.errors import InvalidInput

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


def runs_a_month(expression: str) -> float:
    """Return the number of a schedule's runs in a mean month.

    Raises
    ------
    InvalidInput
        If it is neither a rate nor a cron expression.

    Examples
    --------
    >>> runs_a_month("rate(1 hour)")
    730.0
    >>> round(runs_a_month("cron(0 3 ? * MON *)"), 2)
    4.35
    """
    if rate := _RATE.fullmatch(expression):
        return MONTH_S / (int(rate[1]) * _SECONDS[rate[2]])
    if not (cron := _CRON.fullmatch(expression)):
        raise InvalidInput(f"schedule is {expression!r}, expected rate(…) or cron(…)")
    minute, hour, day, month, weekday, _ = cron.groups()
    if weekday not in ("?", "*"):
        days = DAYS * (1 / 30 if "#" in weekday else _values(weekday, 7) / 7)
    else:
        days = DAYS if day in ("?", "*") else _values(day, 31)
    return _values(minute, 60) * _values(hour, 24) * days * _values(month, 12) / 12


def _values(field: str, whole: int) -> int:
    """Return how many of `whole` values a field of a cron expression selects."""
    if field in ("*", "?"):
        return whole
    count = 0
    for part in field.split(","):
        start, _, step = part.partition("/")
        first, _, last = start.partition("-")
        if last and first.isdigit() and last.isdigit():
            size = int(last) - int(first) + 1
        elif last:
            size = 5 if (first.upper(), last.upper()) == ("MON", "FRI") else whole
        elif step:
            size = whole - (int(first) if first.isdigit() else 0)
        else:
            size = 1
        count += -(-size // int(step)) if step else size
    return min(count, whole)
