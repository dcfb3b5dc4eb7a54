"""Lag of the replication to the other region, from the metrics of S3 and DynamoDB."""

from __future__ import annotations

import datetime as dt
from typing import Any

from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.metric_values import metric_values

LOOK_BACK = dt.timedelta(minutes=30)
_METRIC = "ReplicationLatency"


def lags(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the largest lag in seconds during `LOOK_BACK` by store.

    The lag is None without values: S3 reports none while no object waits. Stores that are not replicated are omitted.
    """
    names, found = deployment.names, []
    for store, namespace, dimension, name, seconds in (
        ("lake", "AWS/S3", "SourceBucket", names.lake_bucket, 1.0),
        ("artefacts", "AWS/S3", "SourceBucket", names.artefact_bucket, 1.0),
        ("profiles", "AWS/DynamoDB", "TableName", names.profiles_table, 0.001),
        ("catalogue", "AWS/DynamoDB", "TableName", names.catalogue_table, 0.001),
        ("users", "AWS/DynamoDB", "TableName", names.users_table, 0.001),
    ):
        metrics = _metrics(deployment, namespace, {"Name": dimension, "Value": name})
        if metrics:
            values = _maxima(deployment, metrics)
            found.append({"store": store, "lag_s": round(max(values) * seconds, 3) if values else None})
    return found


def _metrics(deployment: Deployment, namespace: str, dimension: dict[str, str]) -> list[Any]:
    with translate_aws_errors("metrics of the replication"):
        pages = (
            deployment.client("cloudwatch")
            .get_paginator("list_metrics")
            .paginate(Namespace=namespace, MetricName=_METRIC, Dimensions=[dimension])
        )
        return [metric for page in pages for metric in page["Metrics"]]


def _maxima(deployment: Deployment, metrics: list[Any]) -> list[float]:
    now = dt.datetime.now(dt.UTC)
    with translate_aws_errors("metrics of the replication"):
        maxima = metric_values(
            deployment.client("cloudwatch"), metrics, statistic="Maximum", start=now - LOOK_BACK, end=now, period_s=60
        )
    return [value for values in maxima for value in values]
