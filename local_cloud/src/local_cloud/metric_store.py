"""Metrics of one day, by series and period. Periods in the last hour last a minute, earlier periods five minutes."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from local_cloud.alarms.series import Datapoint, Series, Values, add_values, series_of

_MINUTE_S: Final = 60
_LONG_PERIOD_S: Final = 300
_MINUTES_FOR_S: Final = 3_600
_DAY_S: Final = 86_400


class MetricStore:
    """Values of metrics. `record` receives each changed period, with None as values if the period is deleted."""

    def __init__(self, record: Callable[[Series, int, Values | None], None] = lambda *_: None) -> None:
        self._record = record
        self._watch: Callable[[Series, Sequence[tuple[float, float]]], None] = lambda *_: None
        self._series: dict[Series, dict[int, Values]] = {}
        self._lock = threading.Lock()
        self._next_merge_s = 0.0

    def watch(self, take: Callable[[Series, Sequence[tuple[float, float]]], None]) -> None:
        """Pass data of later calls of `put` to an observer, as series and values with their numbers of occurrences."""
        self._watch = take

    def put(self, namespace: str, data: Iterable[Mapping[str, Any]]) -> None:
        """Add data in the format of PutMetricData."""
        now_s = time.time()
        changed = set()
        with self._lock:
            for datum in data:
                series = series_of(namespace, datum["MetricName"], datum.get("Dimensions", ()))
                pairs, at = list(_pairs(datum)), datum.get("Timestamp")
                self._watch(series, pairs)
                start_s = _start_s(utc(at).timestamp() if at else now_s, now_s=now_s)
                if start_s is not None:
                    add_values(self._series.setdefault(series, {}).setdefault(start_s, {}), pairs)
                    changed.add((series, start_s))
            for series, start_s in changed:
                self._record(series, start_s, self._series[series][start_s])
            if now_s >= self._next_merge_s:
                self._next_merge_s = now_s + _LONG_PERIOD_S
                self._merge(now_s)

    def restore(self, series: Series, start_s: int, values: Values) -> None:
        with self._lock:
            self._series.setdefault(series, {})[start_s] = values

    def series(self) -> Sequence[Series]:
        with self._lock:
            return list(self._series)

    def read(self, series: Series, *, start: datetime, end: datetime) -> list[Datapoint]:
        """Return the values of the periods that begin before `end`, but not before the minute of `start`, in order."""
        first_s, last_s = utc(start).timestamp() // _MINUTE_S * _MINUTE_S, utc(end).timestamp()
        with self._lock:
            return [
                Datapoint(datetime.fromtimestamp(start_s, UTC), value, count)
                for start_s, values in sorted(self._series.get(series, {}).items())
                if first_s <= start_s < last_s
                for value, count in values.items()
            ]

    def _merge(self, now_s: float) -> None:
        for series, periods in list(self._series.items()):
            for start_s in list(periods):
                wanted_s = _start_s(start_s, now_s=now_s)
                if wanted_s != start_s:
                    values = periods.pop(start_s)
                    self._record(series, start_s, None)
                    if wanted_s is not None:
                        merged = periods.setdefault(wanted_s, {})
                        add_values(merged, values.items())
                        self._record(series, wanted_s, merged)
            if not periods:
                del self._series[series]


def _start_s(at_s: float, *, now_s: float) -> int | None:
    """Return the start of the period that contains a time, or None if the time is at least a day ago."""
    age_s = now_s - at_s
    length_s = _MINUTE_S if age_s < _MINUTES_FOR_S else _LONG_PERIOD_S
    return int(at_s // length_s * length_s) if age_s < _DAY_S else None


def utc(at: datetime) -> datetime:
    """Return a time with its time zone. A time without a zone is in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _pairs(datum: Mapping[str, Any]) -> Iterable[tuple[float, float]]:
    """Return each value of a datum with its number of occurrences. Values of a statistic set are estimates."""
    if values := datum.get("Values"):
        return zip(map(float, values), map(float, datum.get("Counts") or [1] * len(values)), strict=True)
    if (statistics := datum.get("StatisticValues")) is None:
        return [(float(datum.get("Value", 0)), 1.0)]
    minimum, maximum, total, count = (float(statistics[name]) for name in ("Minimum", "Maximum", "Sum", "SampleCount"))
    if count <= 2:
        return [(minimum, 1.0), (maximum, 1.0)][: int(count)]
    return [(minimum, 1.0), (maximum, 1.0), ((total - minimum - maximum) / (count - 2), count - 2)]
