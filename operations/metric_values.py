"""Reader of CloudWatch metrics."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.runtime.client_protocols import PagedClient

MAX_QUERIES = 500
"""Maximum number of metrics in one call of GetMetricData."""


def metric_values(
    cloudwatch: PagedClient,
    metrics: Sequence[Mapping[str, Any]],
    *,
    statistic: str,
    start: dt.datetime,
    end: dt.datetime,
    period_s: int,
) -> list[list[float]]:
    """Return the values of each metric, newest first. Periods without data have no value."""
    values: list[list[float]] = [[] for _ in metrics]
    queries = (
        {"Id": f"q{index}", "MetricStat": {"Metric": metric, "Period": period_s, "Stat": statistic}}
        for index, metric in enumerate(metrics)
    )
    while batch := list(itertools.islice(queries, MAX_QUERIES)):
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            StartTime=start, EndTime=end, MetricDataQueries=batch
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                values[int(result["Id"][1:])] += result["Values"]
    return values
