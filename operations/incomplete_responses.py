"""Empty and short responses by recommender and filter, from the deployment's metrics."""

from __future__ import annotations

import datetime as dt
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import PagedClient

_METRICS = {"empty": Metric.RECOMMENDATIONS_EMPTY, "short": Metric.RECOMMENDATIONS_SHORT}


def incomplete_responses(
    cloudwatch: PagedClient, namespace: str, *, from_ms: int, until_ms: int, period_s: int = 60
) -> list[dict[str, Any]]:
    """Return the numbers by recommender and filter, most empty responses first.

    `from_ms` is a multiple of the period.
    """
    listed: list[tuple[str, dict[str, Any]]] = []
    counts: dict[tuple[str, str], dict[str, int]] = {}
    with translate_aws_errors("CloudWatch does not answer with metrics of responses"):
        for kind, counted in _METRICS.items():
            pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName=counted.value)
            listed += [(kind, found) for page in pages for found in page["Metrics"] if "filter" in _names(found)]
        if not listed:
            return []
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            StartTime=dt.datetime.fromtimestamp(from_ms / 1000, dt.UTC),
            EndTime=dt.datetime.fromtimestamp(until_ms / 1000, dt.UTC),
            MetricDataQueries=[
                {"Id": f"q{index}", "MetricStat": {"Metric": metric, "Period": period_s, "Stat": "Sum"}}
                for index, (_, metric) in enumerate(listed)
            ],
        )
        results = [result for page in pages for result in page["MetricDataResults"]]
    for result in results:
        kind, metric = listed[int(result["Id"][1:])]
        if count := round(sum(result["Values"])):
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
