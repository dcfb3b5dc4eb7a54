"""Empty and short responses by recommender and filter, from the deployment's metrics."""

from __future__ import annotations

import datetime as dt
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import PagedClient
from operations.metric_values import metric_values

_METRICS = {"empty": Metric.RECOMMENDATIONS_EMPTY, "short": Metric.RECOMMENDATIONS_SHORT}


def incomplete_responses(
    cloudwatch: PagedClient, namespace: str, *, from_ms: int, until_ms: int, period_s: int = 60
) -> list[dict[str, Any]]:
    """Return the numbers of empty and short responses by recommender and filter, most empty responses first.

    `from_ms` must be a multiple of the period.
    """
    listed: list[tuple[str, dict[str, Any]]] = []
    counts: dict[tuple[str, str], dict[str, int]] = {}
    with translate_aws_errors("CloudWatch does not answer with metrics of responses"):
        for kind, counted in _METRICS.items():
            pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName=counted.value)
            listed += [(kind, found) for page in pages for found in page["Metrics"] if "filter" in _names(found)]
        values = metric_values(
            cloudwatch,
            [metric for _, metric in listed],
            statistic="Sum",
            start=dt.datetime.fromtimestamp(from_ms / 1000, dt.UTC),
            end=dt.datetime.fromtimestamp(until_ms / 1000, dt.UTC),
            period_s=period_s,
        )
    for (kind, metric), sums in zip(listed, values, strict=True):
        if count := round(sum(sums)):
            names = _names(metric)
            list_counts = counts.setdefault((names["recommender"], names["filter"]), {"empty": 0, "short": 0})
            list_counts[kind] += count
    return [
        {"recommender": recommender, "filter": filter_name, **list_counts}
        for (recommender, filter_name), list_counts in sorted(
            counts.items(), key=lambda entry: (-entry[1]["empty"], -entry[1]["short"], entry[0])
        )
    ]


def _names(metric: dict[str, Any]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
