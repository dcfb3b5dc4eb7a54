"""Checks of settings. An error names the field, its value and the expected values."""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

_UNIT_S = {"minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(
    r"rate\((?:(?P<one>1) (?P<unit>minute|hour|day)|(?P<many>[2-9]|[1-9]\d+) (?P<units>minute|hour|day)s)\)"
)


def _field(value: str, *others: str) -> str:
    part = rf"(\*|{value}(-{value})?)(/[1-9]\d*)?"
    return "|".join((rf"{part}(,{part})*", *others))


_DAY, _WEEKDAY = r"(0?[1-9]|[12]\d|3[01])", "([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
_CRON = (
    _field(r"[0-5]?\d"),
    _field(r"([01]?\d|2[0-3])"),
    _field(_DAY, r"\?", "L", "LW", f"{_DAY}W"),
    _field("(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"),
    _field(_WEEKDAY, r"\?", "L", f"{_WEEKDAY}L", f"{_WEEKDAY}#[1-5]"),
    _field(r"(19[7-9]\d|2[01]\d\d)"),
)


class InvalidSettings(ValueError):
    """An environment's settings cannot be used; the message says which, why and where."""


def place(environment: str) -> str:
    """Return where an environment's settings stand, as errors name it."""
    return f"cdk.json: context.environments.{environment}"


def require(value: object, condition: bool, field: str, expectation: str) -> None:
    """Refuse the value of a field where the condition does not hold."""
    if not condition:
        raise InvalidSettings(f"{field} is {value!r}, expected {expectation}")


def setting(default: object, meaning: str, limits: tuple[int, int] | None = None) -> Any:
    """Return a dataclass field with a default, a meaning for the documentation, and the limits of a number."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "limits": limits})


def require_ranges(settings: Any) -> None:
    """Reject a number outside the limits of its field; None is always valid."""
    for field in dataclasses.fields(settings):
        if limits := field.metadata.get("limits"):
            least, most = limits
            value = getattr(settings, field.name)
            require(value, value is None or least <= value <= most, field.name, f"{least} to {most}")


def require_schedules(settings: object, fields: Iterable[str]) -> None:
    """Refuse what is no schedule expression of EventBridge's."""
    for field in fields:
        schedule = getattr(settings, field)
        require(
            schedule,
            schedule is None or rate_s(schedule) is not None or _is_cron(schedule),
            field,
            "rate(1 day), rate(2 days) and so on, of minutes, hours or days, or cron(...) with EventBridge's six "
            "fields, of which day or weekday is ?",
        )


def rate_s(schedule: str | None) -> int | None:
    """Return the seconds between two firings of a rate; None for a cron expression or none at all.

    Examples
    --------
    >>> rate_s("rate(2 hours)")
    7200
    """
    found = _RATE.fullmatch(schedule or "")
    if found is None:
        return None
    return int(found["one"] or found["many"]) * _UNIT_S[found["unit"] or found["units"]]


def _is_cron(schedule: str) -> bool:
    if not (schedule.startswith("cron(") and schedule.endswith(")")):
        return False
    fields = schedule.removeprefix("cron(").removesuffix(")").split(" ")
    return (
        len(fields) == len(_CRON)
        and all(re.fullmatch(form, field) for form, field in zip(_CRON, fields, strict=True))
        and (fields[2] == "?") != (fields[4] == "?")
    )


def is_date(text: str) -> bool:
    """Say whether a text is a day as ISO 8601 writes it."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
