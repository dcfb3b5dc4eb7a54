"""Moments on the command line."""

from __future__ import annotations

import datetime as dt

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
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{option} is {text!r}, {expected}") from error
    if time.tzinfo is None:
        raise InvalidInput(f"{option} is {text!r} without a time zone, {expected}")
    return time.astimezone(dt.UTC)


def milliseconds(time: dt.datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(time.timestamp() * 1000)
