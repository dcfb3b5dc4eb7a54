"""Mean daily load of a deployment in a month, computed from its metrics, with today's numbers of users and items."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re

from alsolike.declarations.metrics import Metric
from alsolike.runtime.errors import InvalidInput, NotFound
from operations import monitoring, store_status
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.cost import Load
from operations.metric_values import metric_values
from operations.metric_writers import METRICS, NAMESPACE

_PERIOD_S = 3_600
"""Period of the values in seconds. CloudWatch keeps hourly values for 15 months."""
_COUNTED = {"events_per_day": Metric.EVENTS_ACCEPTED, "requests_per_day": Metric.RECOMMENDATIONS_SERVED}


def monthly_load(deployment: Deployment, month: str, *, other: Load, now: dt.datetime) -> Load:
    """Return `other` with the mean daily events and requests of a month, and the latest numbers of users and items.

    Users are the users and anonymous sessions with interactions in the window of the latest drift report. Items are the
    rows of the catalogue snapshot, including deletions. Without a report or a snapshot, the number in `other` remains.
    """
    start, end = _limits(month, now=now)
    sums = {name: _sum(deployment, metric, start=start, end=end) for name, metric in _COUNTED.items()}
    if not any(sums.values()):
        raise NotFound(
            f"deployment {deployment.environment!r} counted no events and no responses in {month}; CloudWatch keeps "
            "metrics for 15 months, the embedded cloud for a day"
        )
    days = (end - start) / dt.timedelta(days=1)
    report, snapshot = monitoring.latest(deployment), store_status.snapshot(deployment)
    return dataclasses.replace(
        other,
        **{name: round(total / days) for name, total in sums.items()},
        users=other.users if report is None else report.users * report.sampled,
        items=other.items if snapshot is None else snapshot["rows"],
    )


def _limits(month: str, *, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    if not (matched := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)) or matched[1] == "0000":
        raise InvalidInput(f"the month is {month!r}, expected YYYY-MM, such as 2026-10")
    start = dt.datetime(int(matched[1]), int(matched[2]), 1, tzinfo=dt.UTC)
    if start >= now:
        raise InvalidInput(f"the month is {month}, which has not begun; expected {now:%Y-%m} or earlier")
    return start, min((start + dt.timedelta(days=31)).replace(day=1), now)


def _sum(deployment: Deployment, metric: Metric, *, start: dt.datetime, end: dt.datetime) -> float:
    namespace = NAMESPACE.replace("<environment>", deployment.environment)
    services = [writer.service for writer in METRICS if writer.metric == metric and not writer.by]
    metrics = [
        {
            "Namespace": namespace,
            "MetricName": metric.value,
            "Dimensions": [{"Name": "service", "Value": service}],
        }
        for service in services
    ]
    with translate_aws_errors(f"metric {metric.value}"):
        sums = metric_values(
            deployment.client("cloudwatch"), metrics, statistic="Sum", start=start, end=end, period_s=_PERIOD_S
        )
    return math.fsum(value for values in sums for value in values)
