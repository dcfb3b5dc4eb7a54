"""Checks of settings. An error names the field, its value and the expected values."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from alsolike.declarations.schedules import parse_schedule


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
    """Refuse a text that is not a schedule expression of EventBridge."""
    for field in fields:
        schedule = getattr(settings, field)
        try:
            if schedule is not None:
                parse_schedule(schedule)
        except ValueError as error:
            expected = (
                "rate(1 day), rate(2 days) and so on, of minutes, hours or days, or cron(...) with EventBridge's six "
                f"fields, of which day or weekday is ?: {error}"
            )
            raise InvalidSettings(f"{field} is {schedule!r}, expected {expected}") from error


def is_date(text: str) -> bool:
    """Say whether a text is a day as ISO 8601 writes it."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
