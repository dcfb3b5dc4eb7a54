"""Parsing and formatting of times."""

from __future__ import annotations

import datetime as dt
import time

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput


def moment(text: str, *, option: str) -> dt.datetime:
    """Parse an option, and return the time in UTC. A time without a zone is rejected, because zones of machines differ.

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
    return round(moment.timestamp() * 1000)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def days_later(time_ms: int, days: int | None) -> int | None:
    return None if days is None else time_ms + days * DAY_MS


def text(time_ms: float, timespec: str = "seconds") -> str:
    """Return a time in UTC as text.

    Examples
    --------
    >>> text(1_772_323_200_000), text(1_772_323_200_000, "minutes")
    ('2026-03-01 00:00:00', '2026-03-01 00:00')
    """
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC).replace(tzinfo=None).isoformat(" ", timespec)


def day(time_ms: float) -> str:
    return text(time_ms)[:10]
