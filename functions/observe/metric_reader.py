"""Reader of CloudWatch metrics, which requests many metrics in one call."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import PagedClient
from alsolike.runtime.errors import Unavailable
from operations.metric_writers import METRICS
from operations.prometheus.families import REST_API_NAMES

Key = TypeVar("Key", bound=Hashable)

_FAILED = frozenset({"InternalError", "Forbidden"})
"""Status codes of results without values. A result with `PartialData` continues on the next page."""


@dataclasses.dataclass(frozen=True, slots=True)
class Statistic:
    """Statistic of a metric with all its dimensions.

    The namespace is None for the deployment's own metrics.
    """

    namespace: str | None
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


def counted(metric: str) -> list[Statistic]:
    """Return the statistics of a counter, one per function that writes it."""
    return [
        Statistic(None, metric, "Sum", (("service", writer.service),))
        for writer in METRICS
        if writer.metric == metric and not writer.by
    ]


Values = Mapping[int, float]
"""Values by the start of their period in epoch milliseconds. Periods without data are omitted."""


class MetricReader:
    """Reader of metrics.

    `private_api` is true for a REST API. The metrics of a REST API and of an HTTP API have different names.
    """

    def __init__(self, client: PagedClient, *, own_namespace: str, private_api: bool = False) -> None:
        self._client = client
        self._own_namespace = own_namespace
        self._names = REST_API_NAMES if private_api else {}

    def read(
        self, series: Mapping[Key, Sequence[Statistic]], *, from_ms: int, until_ms: int, period_s: int
    ) -> dict[Key, Values]:
        """Return the values of each series. Several statistics of a series are added.

        `from_ms` is a multiple of the period, and `until_ms` is exclusive.
        """
        named = [(name, statistic) for name, statistics in series.items() for statistic in statistics]
        sums: dict[Key, defaultdict[int, float]] = {name: defaultdict(float) for name in series}
        with translate_aws_errors("CloudWatch does not answer with metrics"):
            pages = self._client.get_paginator("get_metric_data").paginate(
                StartTime=_time(from_ms),
                EndTime=_time(until_ms),
                ScanBy="TimestampAscending",
                MetricDataQueries=[
                    self._query(f"q{index}", statistic, period_s) for index, (_, statistic) in enumerate(named)
                ],
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    if result["StatusCode"] in _FAILED:
                        raise Unavailable(f"CloudWatch cannot read a metric: {result['StatusCode']}")
                    values = sums[named[int(result["Id"][1:])][0]]
                    for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                        values[round(time.timestamp() * 1000)] += value
        return {name: dict(values) for name, values in sums.items()}

    def _query(self, name: str, statistic: Statistic, period_s: int) -> dict[str, Any]:
        metric = {
            "Namespace": statistic.namespace or self._own_namespace,
            "MetricName": self._names.get(str(statistic.metric), str(statistic.metric)),
            "Dimensions": [
                {"Name": self._names.get(name, name), "Value": value} for name, value in statistic.dimensions
            ],
        }
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": period_s, "Stat": statistic.statistic}}


def _time(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)
