"""Moments: the present, and as texts."""

from __future__ import annotations

import datetime as dt
import time

from alsolike.runtime.errors import InvalidInput


def moment(text: str, *, option: str) -> dt.datetime:
    """Return the moment that an option names.

    Parameters
    ----------
    text
        ISO 8601 with a time zone, such as 2026-03-01T12:00:00Z.

    Raises
    ------
    InvalidInput
        If it is anything else: a time without its zone would be another one on another machine.

    Examples
    --------
    >>> moment("2026-03-01T12:00:00+01:00", option="--at").isoformat()
    '2026-03-01T11:00:00+00:00'
    """
    expected = "expected an ISO 8601 time with its zone, such as 2026-03-01T12:00:00Z"
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{option} is {text!r}, {expected}") from error
    if read.tzinfo is None:
        raise InvalidInput(f"{option} is {text!r} without a time zone, {expected}")
    return read.astimezone(dt.UTC)


def milliseconds(moment: dt.datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def now_ms() -> int:
    """Return the present in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def days_later(time_ms: int, days: int | None) -> int | None:
    """Return a moment some days later; None for no days."""
    return None if days is None else time_ms + days * 86_400_000


def text(time_ms: float, timespec: str = "seconds") -> str:
    """Return a moment in UTC.

    Examples
    --------
    >>> text(1_772_323_200_000), text(1_772_323_200_000, "minutes")
    ('2026-03-01 00:00:00', '2026-03-01 00:00')
    """
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC).replace(tzinfo=None).isoformat(" ", timespec)


def day(time_ms: float) -> str:
    """Return the day of a moment in UTC."""
    return text(time_ms)[:10]
