"""Metric store, which keeps metrics of one day in a bounded number of values."""

import datetime as dt
import time
from typing import Any

import pytest

from local_cloud.alarms.series import Series, statistic_of
from local_cloud.metric_store import MetricStore

NOW_S = 1_790_000_100.0  # start of a period of five minutes
LATENCY = Series("Shop", "Latency", frozenset({("Api", "a")}))


def datum(age_s=0, **value):
    at = dt.datetime.fromtimestamp(NOW_S - age_s, dt.UTC)
    return {"MetricName": "Latency", "Dimensions": [{"Name": "Api", "Value": "a"}], "Timestamp": at} | value


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW_S)


def stored(data):
    store = MetricStore()
    store.put("Shop", data)
    return store


def read(store, statistic, *, age_s=90_000):
    end = dt.datetime.fromtimestamp(NOW_S + 60, dt.UTC)
    start = dt.datetime.fromtimestamp(NOW_S - age_s, dt.UTC)
    return statistic_of(store.read(LATENCY, start=start, end=end), statistic)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Value": 7}, {"Sum": 7, "SampleCount": 1, "Minimum": 7, "Maximum": 7}),
        ({"Values": [1, 5], "Counts": [3, 1]}, {"Sum": 8, "SampleCount": 4, "Minimum": 1, "Maximum": 5}),
        ({"Values": [1, 5]}, {"Sum": 6, "SampleCount": 2, "Average": 3}),
        ({}, {"Sum": 0, "SampleCount": 1}),
        *(
            (
                {"StatisticValues": {"Minimum": minimum, "Maximum": maximum, "Sum": total, "SampleCount": count}},
                {"Sum": total, "SampleCount": count, "Minimum": minimum, "Maximum": maximum},
            )
            for minimum, maximum, total, count in [(3, 3, 3, 1), (1, 5, 6, 2), (1, 5, 20, 8)]
        ),
    ],
)
def test_statistics_of_a_datum_are_exact(value, expected):
    store = stored([datum(**value)])

    assert {name: read(store, name) for name in expected} == expected


def test_values_of_the_last_hour_keep_their_minute():
    store = stored([datum(60 * minute, Value=minute) for minute in range(60)])

    assert read(store, "Sum", age_s=60) == 0 + 1
    assert read(store, "SampleCount", age_s=600) == 11


def test_minutes_are_merged_after_an_hour_and_deleted_after_a_day(monkeypatch):
    recorded: dict[int, Any] = {}
    store = MetricStore(lambda _, start_s, values: recorded.update({start_s: values and dict(values)}))
    store.put("Shop", [datum(-60 * minute, Value=minute) for minute in range(10)])

    monkeypatch.setattr(time, "time", lambda: NOW_S + 3_600 + 600)
    store.put("Shop", [])
    merged = {start_s - NOW_S: values for start_s, values in recorded.items() if values}
    monkeypatch.setattr(time, "time", lambda: NOW_S + 90_000)
    store.put("Shop", [])

    assert merged == {
        0: {float(minute): 1.0 for minute in range(5)},
        300: {float(minute): 1.0 for minute in range(5, 10)},
    }
    assert not any(recorded.values())
    assert store.series() == []


def test_old_values_are_ignored():
    assert stored([datum(86_401, Value=1)]).series() == []


def test_many_values_of_a_minute_are_rounded_to_three_digits():
    store = stored([datum(Values=[100 + number / 100 for number in range(50_000)])])

    points = store.read(
        LATENCY, start=dt.datetime.fromtimestamp(0, dt.UTC), end=dt.datetime.fromtimestamp(NOW_S + 60, dt.UTC)
    )
    assert len(points) < 700
    assert read(store, "SampleCount") == 50_000
    assert read(store, "p99") == pytest.approx(595, rel=0.005)
    assert read(store, "Sum") == pytest.approx(350 * 50_000, rel=0.001)


def test_restored_periods_are_read():
    recorded: list[Any] = []
    MetricStore(lambda *period: recorded.append(period)).put("Shop", [datum(Values=[1, 2]), datum(Value=2)])

    store = MetricStore()
    for series, start_s, values in recorded:
        store.restore(series, start_s, values)

    assert len(recorded) == 1
    assert (read(store, "Sum"), read(store, "SampleCount")) == (5, 3)


def test_observer_gets_values_with_their_numbers_of_occurrences():
    store, observed = MetricStore(), []
    store.put("Shop", [datum(Value=1)])
    store.watch(lambda series, pairs: observed.append((series, pairs)))

    store.put("Shop", [datum(Values=[2, 3], Counts=[1, 4]), datum(age_s=100_000, Value=5)])

    assert observed == [(LATENCY, [(2, 1), (3, 4)]), (LATENCY, [(5, 1)])]
