"""GetMetricData over what moto keeps: each metric with all its dimensions, percentiles too, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import MetricDatum, MetricDatumBase

from local_cloud.alarms.series import Datapoint, Series, check_statistic, series_of, statistic_of

_DESCENDING = "TimestampDescending"


def metric_data(
    data: Iterable[MetricDatumBase],
    queries: Sequence[Mapping[str, Any]],
    *,
    start: datetime,
    end: datetime,
    scan_by: str,
) -> list[dict[str, Any]]:
    """Return the results of queries for statistics of single metrics, as moto's backend does.

    Parameters
    ----------
    data
        Of all metrics, in no order; what was put as a set of statistics is not looked at.
    start, end
        Periods begin at `start`; the last one is cut at `end`.

    Raises
    ------
    InvalidParameterValue
        If a statistic is not known here.
    """
    wanted = {_series(query) for query in queries}
    samples: dict[Series, list[Datapoint]] = defaultdict(list)
    names = {(series.namespace, series.name) for series in wanted}
    for datum in data:
        if (datum.namespace, datum.name) in names and start <= datum.timestamp < end and isinstance(datum, MetricDatum):
            dimensions = frozenset((str(each.name), str(each.value)) for each in datum.dimensions)
            samples[Series(datum.namespace, datum.name, dimensions)].append(
                Datapoint(datum.timestamp, datum.value, 1.0)
            )
    return [
        _result(query, samples.get(_series(query), []), start=start, descending=scan_by == _DESCENDING)
        for query in queries
        if query.get("ReturnData", True)
    ]


def _series(query: Mapping[str, Any]) -> Series:
    metric = query["MetricStat"]["Metric"]
    return series_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", ()))


def _result(
    query: Mapping[str, Any], samples: Iterable[Datapoint], *, start: datetime, descending: bool
) -> dict[str, Any]:
    stated = query["MetricStat"]
    statistic, period = str(stated["Stat"]), timedelta(seconds=int(stated["Period"]))
    try:
        check_statistic(statistic)
    except ValueError as error:
        raise InvalidParameterValue(str(error)) from error
    periods: dict[int, list[Datapoint]] = defaultdict(list)
    for sample in samples:
        periods[(sample.at - start) // period].append(sample)
    ordered = sorted(periods, reverse=descending)
    return {
        "id": query["Id"],
        "label": query.get("Label") or f"{stated['Metric']['MetricName']} {statistic}",
        "values": [statistic_of(periods[each], statistic) for each in ordered],
        "timestamps": [start + each * period for each in ordered],
        "status_code": "Complete",
    }
