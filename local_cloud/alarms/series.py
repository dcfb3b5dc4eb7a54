"""The metrics that alarms look at, as far back as they look."""

import math
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_TRIMMED_COUNT = re.compile(r"TC\(:(?P<most>\d+(?:\.\d+)?)\)")


@dataclass(frozen=True, slots=True)
class Series:
    """One metric: its name and its dimensions, all of them."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Datapoint:
    """A value that came so often at a time."""

    at: datetime
    value: float
    count: float


def series_of(namespace: str, name: str, dimensions: Iterable[Mapping[str, str]]) -> Series:
    """Return the series of a metric as the API writes it."""
    return Series(namespace, name, frozenset((each["Name"], each["Value"]) for each in dimensions))


class SeriesStore:
    """Samples of the watched series.

    Parameters
    ----------
    watched
        Each series with how far back it is looked at.
    """

    def __init__(self, watched: Mapping[Series, timedelta]) -> None:
        self._watched = watched
        self._samples: dict[Series, list[Datapoint]] = {series: [] for series in watched}
        self._lock = threading.Lock()

    def take(self, namespace: str, datum: Mapping[str, Any], at: datetime) -> None:
        """Keep a datum in the shape of PutMetricData with its time of arrival, if its series is watched."""
        series = series_of(namespace, datum["MetricName"], datum.get("Dimensions", ()))
        if series not in self._samples:
            return
        values = datum.get("Values") or [datum["Value"]]
        counts = datum.get("Counts") or [1.0] * len(values)
        with self._lock:
            samples = self._samples[series]
            samples.extend(Datapoint(at, *each) for each in zip(values, counts, strict=True))
            if samples[0].at < at - 2 * self._watched[series]:
                del samples[: _count_until(samples, at - self._watched[series])]

    def statistic(self, series: Series, statistic: str, *, start: datetime, end: datetime) -> float | None:
        """Return a statistic of what came after `start` and up to `end`; None where nothing did."""
        with self._lock:
            samples = self._samples[series]
            found = samples[_count_until(samples, start) : _count_until(samples, end)]
        return statistic_of(found, statistic)


def _count_until(samples: list[Datapoint], at: datetime) -> int:
    """Return how many samples came up to a time; they are in order of arrival."""
    return bisect_right(samples, at, key=lambda sample: sample.at)


def statistic_of(samples: list[Datapoint], statistic: str) -> float | None:
    """Return a statistic that `check_statistic` lets pass; None of no samples."""
    if statistic in _STATISTICS:
        return _STATISTICS[statistic](samples)
    if trimmed := _TRIMMED_COUNT.fullmatch(statistic):
        most = float(trimmed["most"])
        return math.fsum(sample.count for sample in samples if sample.value <= most) if samples else None
    return _percentile(samples, statistic)


def check_statistic(statistic: str) -> None:
    """Refuse a statistic that is not known here.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not (statistic in _STATISTICS or _PERCENTILE.fullmatch(statistic) or _TRIMMED_COUNT.fullmatch(statistic)):
        known = ", ".join(_STATISTICS)
        raise ValueError(
            f"statistic {statistic!r} is not implemented here, only {known}, percentiles and counts up to a value"
        )


def _sum(samples: list[Datapoint]) -> float | None:
    return math.fsum(sample.value * sample.count for sample in samples) if samples else None


def _count(samples: list[Datapoint]) -> float | None:
    return math.fsum(sample.count for sample in samples) if samples else None


def _average(samples: list[Datapoint]) -> float | None:
    whole, count = _sum(samples), _count(samples)
    return whole / count if whole is not None and count else None


_STATISTICS: Mapping[str, Callable[[list[Datapoint]], float | None]] = {
    "Sum": _sum,
    "SampleCount": _count,
    "Average": _average,
    "Minimum": lambda samples: min((sample.value for sample in samples), default=None),
    "Maximum": lambda samples: max((sample.value for sample in samples), default=None),
}


def _percentile(samples: list[Datapoint], statistic: str) -> float | None:
    """Return the least value that so many per cent of the samples do not exceed."""
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
