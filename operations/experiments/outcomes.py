"""Outcomes of a deployment, and their attribution."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa

from alsolike.experiments.metrics import READ as METRIC_COLUMNS
from alsolike.lake.partitions import event_date
from operations import progress
from operations.client.deployment import Deployment
from operations.client.functions import invoke
from operations.experiments.lake_tables import read_outcomes


def outcomes_between(deployment: Deployment, *, first_ms: int, last_ms: int) -> Iterator[pa.Table]:
    days = {"first": event_date(first_ms), "last": event_date(last_ms)}
    return read_outcomes(deployment.client("s3"), deployment.names.lake_bucket, **days, columns=METRIC_COLUMNS)


def attribute(deployment: Deployment) -> None:
    """Attribute pending events to responses now, instead of at the next scheduled run."""
    with progress.step("attribution") as step:
        outcome = orjson.loads(
            invoke(deployment, deployment.names.attribute_outcomes_function, {}, failure="attribution failed")
        )
        more = "" if outcome["complete"] else ", more are left for the next call"
        step.note(progress.counted(outcome["days"], "day") + more)
