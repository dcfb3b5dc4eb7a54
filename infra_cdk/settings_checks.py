"""How settings are checked: what cannot be used is refused with the field, the value and what is expected."""

import re
from collections.abc import Iterable

_SCHEDULE = re.compile(r"(rate|cron)\(.+\)")


class InvalidSettings(ValueError):
    """An environment's settings cannot be used; the message says which, why and where."""


def require(value: object, condition: bool, field: str, expectation: str) -> None:
    """Refuse the value of a field where the condition does not hold."""
    if not condition:
        raise InvalidSettings(f"{field} is {value!r}, expected {expectation}")


def require_ranges(settings: object, ranges: Iterable[tuple[str, int, int]]) -> None:
    """Refuse a number that is less or more than its range; none is in every range."""
    for field, least, most in ranges:
        value = getattr(settings, field)
        require(value, value is None or least <= value <= most, field, f"{least} to {most}")


def require_schedules(settings: object, fields: Iterable[str]) -> None:
    """Refuse what is no schedule expression of EventBridge's."""
    for field in fields:
        schedule = getattr(settings, field)
        require(schedule, schedule is None or bool(_SCHEDULE.fullmatch(schedule)), field, "rate(...) or cron(...)")
