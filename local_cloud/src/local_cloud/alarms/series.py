"""Metric history for alarms, and statistics of samples."""

import math
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_TRIMMED_COUNT = re.compile(r"TC\(:(?P<most>\d+(?:\.\d+)?)\)")


@dataclass(frozen=True, slots=True)
class Series:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Datapoint:
    """Value of a period that starts at `at`, with its number of occurrences."""

    at: datetime
    value: float
    count: float


def series_of(namespace: str, name: str, dimensions: Iterable[Mapping[str, str]]) -> Series:
    return Series(namespace, name, frozenset((each["Name"], each["Value"]) for each in dimensions))


Values = dict[float, float]
"""Number of occurrences by value."""

_EXACT_VALUES: Final = 100
"""Maximum number of distinct exact values per period. Further values are rounded to three significant digits."""
_PERIODS: Final = 100
"""Minimum number of periods in the time range that an alarm requires."""
_LONGEST_PERIOD: Final = timedelta(seconds=5)


def add_values(values: Values, pairs: Iterable[tuple[float, float]]) -> None:
    """Add values with their numbers of occurrences."""
    for value, count in pairs:
        known = value if value in values or len(values) < _EXACT_VALUES else float(f"{value:.2e}")
        values[known] = values.get(known, 0.0) + count


class SeriesStore:
    """Samples of the watched series, in periods that are shorter than the periods of alarms.

    A period starts with its first sample and lasts at most `_LONGEST_PERIOD`. Therefore, memory depends on the watched
    time, not on the number of samples.
    """

    def __init__(self, watched: Mapping[Series, timedelta]) -> None:
        self._watched = watched
        self._periods: dict[Series, list[tuple[datetime, Values]]] = {series: [] for series in watched}
        self._lock = threading.Lock()

    def take(self, series: Series, pairs: Iterable[tuple[float, float]], at: datetime) -> None:
        """Store values with their numbers of occurrences, if an alarm requires the series."""
        if series not in self._periods:
            return
        with self._lock:
            periods, watched = self._periods[series], self._watched[series]
            if not periods or at - periods[-1][0] >= min(watched / _PERIODS, _LONGEST_PERIOD):
                periods.append((at, {}))
            add_values(periods[-1][1], pairs)
            if periods[0][0] < at - 2 * watched:
                del periods[: _count_until(periods, at - watched)]

    def statistic(self, series: Series, statistic: str, *, start: datetime, end: datetime) -> float | None:
        """Return a statistic of the periods that started after `start` and up to `end`, or None if there are none."""
        with self._lock:
            periods = self._periods[series]
            found = [
                Datapoint(at, value, count)
                for at, values in periods[_count_until(periods, start) : _count_until(periods, end)]
                for value, count in values.items()
            ]
        return statistic_of(found, statistic)


def _count_until(periods: list[tuple[datetime, Values]], at: datetime) -> int:
    """Return the number of periods that started up to a time. Periods are in order of arrival."""
    return bisect_right(periods, at, key=lambda period: period[0])


def statistic_of(samples: list[Datapoint], statistic: str) -> float | None:
    """Return a statistic that `check_statistic` accepts, or None if there are no samples."""
    if not samples:
        return None
    if statistic in _STATISTICS:
        return _STATISTICS[statistic](samples)
    if trimmed := _TRIMMED_COUNT.fullmatch(statistic):
        maximum = float(trimmed["most"])
        return _count([sample for sample in samples if sample.value <= maximum])
    return _percentile(samples, statistic)


def check_statistic(statistic: str) -> None:
    """Raise ValueError for a statistic that `statistic_of` does not support."""
    if not (statistic in _STATISTICS or _PERCENTILE.fullmatch(statistic) or _TRIMMED_COUNT.fullmatch(statistic)):
        known = ", ".join(_STATISTICS)
        raise ValueError(
            f"statistic {statistic!r} is not implemented here, only {known}, percentiles and counts up to a value"
        )


def _sum(samples: list[Datapoint]) -> float:
    return math.fsum(sample.value * sample.count for sample in samples)


def _count(samples: list[Datapoint]) -> float:
    return math.fsum(sample.count for sample in samples)


_STATISTICS: Mapping[str, Callable[[list[Datapoint]], float | None]] = {
    "Sum": _sum,
    "SampleCount": _count,
    "Average": lambda samples: _sum(samples) / count if (count := _count(samples)) else None,
    "Minimum": lambda samples: min(sample.value for sample in samples),
    "Maximum": lambda samples: max(sample.value for sample in samples),
}


def _percentile(samples: list[Datapoint], statistic: str) -> float | None:
    """Return the smallest value that is not less than the given percentage of samples, or None without samples."""
    count = _count(samples)
    if not count:
        return None
    wanted = float(statistic[1:]) / 100 * count
    covered = 0.0
    for sample in sorted(samples, key=lambda each: each.value):
        covered += sample.count
        if covered >= wanted:
            return sample.value
    return max(sample.value for sample in samples)
