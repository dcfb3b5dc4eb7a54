"""Charges of a second region: its idle resources, replicated writes, copies and transfer between the regions."""

from __future__ import annotations

import dataclasses

from operations.cost.bill import DAYS, MONTH_S, Load, Meter
from operations.cost.charges import PROFILE_ITEM_BYTES, ROW_BYTES, idle_charges
from operations.cost.summary import BilledResources
from operations.cost.traffic import lake_gb

RULE_METRICS = 4
"""Metrics of a replication rule: bytes and operations that are pending, operations that failed, and the latency."""


CHECKS_PER_S = 1.6
"""Number of requests per second by the 16 health checkers of a health check, each every 10 seconds."""


def replica_charges(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of the second region. They read the other lines, so they are added last.

    The load is divided between the regions, so requests, events and their functions cost the same as in one region.
    """
    replica = summary.replica
    if replica is None:
        return
    primary = tuple(meter.lines)
    idle_charges(meter, replica, load)
    meter.lines[len(primary) :] = [
        dataclasses.replace(line, what=f"{line.what}, second region") for line in meter.lines[len(primary) :]
    ]

    def total(*prices: str, service: str) -> float:
        return sum(line.quantity for line in primary if line.price in prices and line.service == service)

    meter.add("Secrets Manager", "replicas of secrets", summary.secrets, "secrets", "one each", fixed=True)
    rules = summary.replication_rules + replica.replication_rules
    how = f"{rules} replication rules with {RULE_METRICS} metrics each"
    meter.add("CloudWatch", "replication metrics", rules * RULE_METRICS, "metrics", how, fixed=True)
    writes = total("dynamodb_writes", service="DynamoDB")
    meter.add("DynamoDB", "replicated writes", writes, "dynamodb_writes", "each write once more")
    meter.add("DynamoDB", "storage, second region", total("dynamodb_gb", service="DynamoDB"), "dynamodb_gb", "a copy")
    stored_gb = total("s3_gb", "s3_infrequent_gb", service="S3")
    meter.add("S3", "copies in the second region", stored_gb, "s3_gb", "lake, datasets, models and log")
    how = "an object each; trend counters and polls are not replicated"
    objects = sum(line.quantity for line in primary if line.what in _REPLICATED_WRITES)
    meter.add("S3", "replicated objects", objects, "s3_writes", how)
    months = load.history_days / DAYS
    row_gb = (load.events * PROFILE_ITEM_BYTES + load.changes * ROW_BYTES) / 1e9
    how = "new objects of the lake, interactions in profiles, and changed items and users"
    meter.add("Data transfer", "between the regions", lake_gb(load) / months + row_gb, "region_gb", how)
    if summary.health_checks:
        meter.add(
            "Route 53", "health checks", summary.health_checks, "health_checks", "by HTTPS, every 10 s", fixed=True
        )
        requests, how = summary.health_checks * CHECKS_PER_S * MONTH_S, f"{CHECKS_PER_S} requests per second"
        meter.add("API Gateway", "health checks", requests, "api_calls", how, fixed=True)
        meter.add("Lambda", "health checks", requests, "lambda_requests", how, fixed=True)
        meter.remark("not counted: the hosted zone of `api_domain`, $0.50 a month, and its queries, $0.40 per million")
    meter.remark("not counted: transfer of datasets and models to the second region, and S3 Batch Replication")


_REPLICATED_WRITES = frozenset(f"writes of {name}" for name in ("archive_events", "archive_served", "publish_catalog"))
