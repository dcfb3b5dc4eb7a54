"""Checks of settings."""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

from alsolike.declarations.schedule_expressions import parse_schedule

Rule = tuple[str, object, str]
"""Name of a setting, a condition, and the expected value that the error names if the condition is false."""


class InvalidSettings(ValueError):
    """Error for a setting that is not valid."""


def place(environment: str) -> str:
    return f"cdk.json: context.environments.{environment}"


def require(settings: object, field: str, condition: object, expectation: str) -> None:
    if not condition:
        raise InvalidSettings(f"{field} is {getattr(settings, field)!r}, expected {expectation}")


def require_ranges(settings: Any) -> None:
    """Reject a number outside of the limits of its field. None is always valid."""
    for field in dataclasses.fields(settings):
        if limits := field.metadata.get("limits"):
            minimum, maximum = limits
            value = getattr(settings, field.name)
            require(settings, field.name, value is None or minimum <= value <= maximum, f"{minimum} to {maximum}")


def require_forms(settings: object, forms: Mapping[str, tuple[str, str]]) -> None:
    """Reject a setting whose text, or a text in its list, does not match its regular expression. None is always valid.

    `forms` contains the regular expression and its description by setting.
    """
    for field, (pattern, description) in forms.items():
        value = getattr(settings, field)
        for text in [value] if isinstance(value, str) else value or ():
            if not re.fullmatch(pattern, text):
                raise InvalidSettings(f"{field} is {text!r}, expected {description}")


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
