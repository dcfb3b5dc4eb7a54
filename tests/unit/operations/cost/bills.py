"""Small deployments and loads, and checks of their bills and savings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from operations import cost
from operations.cost.resources import BilledResources, EventSource, Function, Training

NOTHING = cost.Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)


def load(**numbers: Any) -> cost.Load:
    return dataclasses.replace(NOTHING, **numbers)


def summary(*, functions: Mapping[str, Function] | None = None, **fields: Any) -> BilledResources:
    return BilledResources(environment="shop", region="us-east-1", functions=functions or {}, **fields)


def busy() -> BilledResources:
    kinesis = (EventSource(kind="kinesis", batch_size=100, window_s=0),)
    functions = {
        "collect": Function(memory_mb=1_024, tracing=True, checks={"tombstone_check_s": 5}),
        "recommend": Function(memory_mb=1_769, tracing=True, snap_start=True, checks={"trends_check_s": 30}),
        "update_profiles": Function(memory_mb=512, tracing=True, sources=kinesis),
        "archive_events": Function(memory_mb=2_048, sources=kinesis),
        "attribute_outcomes": Function(memory_mb=4_096, runs=730.0, storage_mb=10_240),
        "build_dataset": Function(memory_mb=4_096),
    }
    training = Training(runs=4, look_s=300, looks=288, spark_above_mb=300, spark_workers=10)
    return summary(
        functions=functions, training=training, alarm_metrics=20, dashboards=3, access_log=True, table_backups=True
    )


def dollars(bill: cost.Bill, what: str) -> float:
    return sum(line.dollars for line in bill.lines if line.what == what)


def saved(deployed: BilledResources, load: cost.Load) -> dict[str, cost.Saving]:
    return {saving.setting: saving for saving in cost.savings(deployed, load)}
