"""Checks of settings."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from alsolike.declarations.schedule_expressions import parse_schedule


class InvalidSettings(ValueError):
    """Error for a setting that is not valid."""


def place(environment: str) -> str:
    return f"cdk.json: context.environments.{environment}"


def require(value: object, condition: bool, field: str, expectation: str) -> None:
    if not condition:
        raise InvalidSettings(f"{field} is {value!r}, expected {expectation}")


def require_ranges(settings: Any) -> None:
    """Reject a number outside of the limits of its field. None is always valid."""
    for field in dataclasses.fields(settings):
        if limits := field.metadata.get("limits"):
            minimum, maximum = limits
            value = getattr(settings, field.name)
            require(value, value is None or minimum <= value <= maximum, field.name, f"{minimum} to {maximum}")


def require_schedules(settings: object, fields: Iterable[str]) -> None:
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
    """Return whether a string is a date in the form YYYY-MM-DD."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
