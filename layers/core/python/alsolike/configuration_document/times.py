"""Parser and writer of times in the configuration document."""

from __future__ import annotations

import datetime as dt

from alsolike.schema.document import Node

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EARLIEST, _LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_EXPECTED = "a time from 2000 to 2199 with its zone, such as 2026-03-01T08:00:00Z"


def parse_time_ms(node: Node) -> int | None:
    """Parse a time with its zone. For an invalid time, record a fault and return None."""
    time_ms = _milliseconds(node.value)
    if time_ms is None:
        node.expect(_EXPECTED)
    return time_ms


def parse_day_or_time_ms(node: Node, *, days: int) -> int | None:
    """Parse a time with its zone, or a date. A date stands for the start of its day in UTC plus `days` days.

    For another value, record a fault and return None.
    """
    time_ms = _milliseconds(node.value, days=days)
    if time_ms is None:
        node.expect(f"a date such as 2026-03-01, or {_EXPECTED}")
    return time_ms


def time_text(time_ms: int) -> str:
    """Return a time in the document's format, in UTC.

    Examples
    --------
    >>> time_text(1_500)
    '1970-01-01T00:00:01.500000Z'
    """
    return (_EPOCH + dt.timedelta(milliseconds=time_ms)).isoformat().replace("+00:00", "Z")


def _milliseconds(value: object, *, days: int | None = None) -> int | None:
    """Return the time in `value`, in ms since 1970, or None if `value` is invalid.

    Unless `days` is None, a date is also valid. The result is then the start of that day in UTC, plus `days`.
    """
    try:
        time = dt.datetime.fromisoformat(value)  # type: ignore[arg-type]
        if days is not None and time.tzinfo is None and value == time.date().isoformat():
            time = time.replace(tzinfo=dt.UTC) + dt.timedelta(days=days)
        if time.tzinfo is not None and _EARLIEST <= time < _LATEST:
            return (time - _EPOCH) // dt.timedelta(milliseconds=1)
    except (TypeError, ValueError, OverflowError):
        pass
    return None
