"""Changes that keep CloudWatch's metrics in the metric store."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatum, Statistics

from local_cloud.alarms.series import Datapoint, Series, check_statistic, series_of, statistic_of
from local_cloud.metric_store import MetricStore, utc
from local_cloud.moto_changes.change import Change, Runtime, replace

_DESCENDING: Final = "TimestampDescending"


def store_metrics(metrics: MetricStore) -> None:
    """Change moto so that it keeps metrics in the store. Queries with expressions are rejected."""
    original = CloudWatchBackend.get_metric_data

    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, 1):
            self._validate_parameters_put_metric_data(datum, number)
        metrics.put(namespace, metric_data)

    @functools.wraps(original)
    def get_metric_data(
        self: Any, queries: list[dict[str, Any]], start_time: datetime, end_time: datetime, scan_by: str
    ) -> list[dict[str, Any]]:
        if start_time >= end_time:
            return original(self, queries, start_time, end_time, scan_by)
        for query in queries:
            if "MetricStat" not in query:
                raise InvalidParameterValue(
                    f"query {query['Id']!r} has no MetricStat: the embedded cloud computes no expressions. Send a call "
                    "that requests only metrics, and compute the expression from their values"
                )
        return [
            _result(query, metrics, start=start_time, end=end_time, descending=scan_by == _DESCENDING)
            for query in queries
            if query.get("ReturnData", True)
        ]

    def get_metric_statistics(
        self: Any,
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: list[dict[str, str]],
        unit: str | None = None,
    ) -> list[Statistics]:
        if start_time >= end_time:
            raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
        series = series_of(namespace, metric_name, dimensions)
        samples = metrics.read(series, start=start_time, end=end_time)
        found = []
        for at, period_samples in _by_period(samples, start=utc(start_time), period=timedelta(seconds=period)):
            statistics = Statistics(stats, at, unit)
            statistics.metric_data = [_aggregated(series, at, period_samples)]
            found.append(statistics)
        return found

    def get_all_metrics(self: Any) -> list[Any]:
        known = [
            MetricDatum(each.namespace, each.name, 0.0, [{"Name": n, "Value": v} for n, v in each.dimensions], None)
            for each in metrics.series()
        ]
        return [*known, *self.aws_metric_data]

    for change in (put_metric_data, get_metric_data, get_metric_statistics, get_all_metrics):
        replace(CloudWatchBackend, change.__name__, change)


def _aggregated(series: Series, at: datetime, samples: list[Datapoint]) -> MetricAggregatedDatum:
    minimum, maximum, count, total = (
        statistic_of(samples, name) or 0.0 for name in ("Minimum", "Maximum", "SampleCount", "Sum")
    )
    return MetricAggregatedDatum(series.namespace, series.name, minimum, maximum, count, total, [], at)


def _result(
    query: Mapping[str, Any], metrics: MetricStore, *, start: datetime, end: datetime, descending: bool
) -> dict[str, Any]:
    stated = query["MetricStat"]
    metric, statistic = stated["Metric"], str(stated["Stat"])
    try:
        check_statistic(statistic)
    except ValueError as error:
        raise InvalidParameterValue(str(error)) from error
    series = series_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", ()))
    samples = metrics.read(series, start=start, end=end)
    periods = _by_period(samples, start=utc(start), period=timedelta(seconds=int(stated["Period"])))
    ordered = sorted(periods, key=lambda period: period[0], reverse=descending)
    return {
        "id": query["Id"],
        "label": query.get("Label") or f"{metric['MetricName']} {statistic}",
        "values": [statistic_of(found, statistic) for _, found in ordered],
        "timestamps": [at for at, _ in ordered],
        "status_code": "Complete",
    }


def _by_period(
    samples: Iterable[Datapoint], *, start: datetime, period: timedelta
) -> list[tuple[datetime, list[Datapoint]]]:
    """Return the start and the samples of each period that has samples. The first period begins at `start`."""
    periods: dict[int, list[Datapoint]] = defaultdict(list)
    for sample in samples:
        periods[max((sample.at - start) // period, 0)].append(sample)
    return [(start + number * period, found) for number, found in periods.items()]


def _keep_metrics(runtime: Runtime) -> None:
    """moto keeps all values of metrics, has no percentiles, and ignores namespaces in GetMetricData with dimensions."""
    store_metrics(runtime.recorder.metrics)


CHANGES: Final[Sequence[Change]] = (_keep_metrics,)
