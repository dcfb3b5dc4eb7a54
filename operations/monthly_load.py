"""Mean daily load of a deployment in a month, computed from its metrics, with today's numbers of users and items."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.users import UserStore
from alsolike.declarations.metrics import Metric
from alsolike.runtime.errors import InvalidInput, NotFound
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.cost import Load
from operations.metric_values import metric_values
from operations.metric_writers import METRICS, NAMESPACE

_PERIOD_S = 3_600  # CloudWatch keeps hourly values for 15 months.


def monthly_load(deployment: Deployment, month: str, *, other: Load, now: dt.datetime) -> Load:
    """Return `other` with the mean daily events and requests of a month, and today's numbers of users and items.

    Users and items are rows of their tables. If a table is empty, the number in `other` remains.
    """
    try:
        start = dt.datetime.fromisoformat(f"{month}-01T00Z")
    except ValueError as error:
        raise InvalidInput(f"the month is {month!r}, expected YYYY-MM, such as 2026-10") from error
    if start >= now:
        raise InvalidInput(f"the month is {month}, which has not begun; expected {now:%Y-%m} or earlier")
    end = min((start + dt.timedelta(days=31)).replace(day=1), now)
    events, requests = (
        _sum(deployment, metric, start=start, end=end)
        for metric in (Metric.EVENTS_ACCEPTED, Metric.RECOMMENDATIONS_SERVED)
    )
    if not events and not requests:
        raise NotFound(
            f"deployment {deployment.environment!r} counted no events and no responses in {month}; CloudWatch keeps "
            "metrics for 15 months, the embedded cloud for a day"
        )
    days, client, names = (end - start) / dt.timedelta(days=1), deployment.client("dynamodb"), deployment.names
    with progress.step("count users and items"):
        users = UserStore(client, names.users_table).count()
        items = CatalogueStore(client, names.catalogue_table).count()
    return dataclasses.replace(
        other,
        events_per_day=round(events / days),
        requests_per_day=round(requests / days),
        users=users or other.users,
        items=items or other.items,
    )


def _sum(deployment: Deployment, metric: Metric, *, start: dt.datetime, end: dt.datetime) -> float:
    namespace = NAMESPACE.replace("<environment>", deployment.environment)
    services = [writer.service for writer in METRICS if writer.metric == metric and not writer.by]
    metrics = [
        {"Namespace": namespace, "MetricName": metric.value, "Dimensions": [{"Name": "service", "Value": service}]}
        for service in services
    ]
    client = deployment.client("cloudwatch")
    with translate_aws_errors(f"metric {metric.value}"):
        sums = metric_values(client, metrics, statistic="Sum", start=start, end=end, period_s=_PERIOD_S)
    return math.fsum(value for values in sums for value in values)
