"""Billed resources of the synthesized templates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """Source of batches that a function consumes. The kind is `kinesis`, `dynamodb`, `kafka` or `logs`."""

    kind: str
    batch_size: int
    window_s: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """Lambda function.

    `storage_mb` is the size of /tmp. `runs` are scheduled calls per month. `checks` are the intervals in seconds, by
    setting, at which a warm process checks for new objects on S3. `reports` is true if Lambda logs the lines START, END
    and REPORT of each call.
    """

    memory_mb: int
    timeout_s: int = 900
    storage_mb: int = 512
    architecture: str = "arm64"
    snap_start: bool = False
    provisioned: int = 0
    tracing: bool = False
    runs: float = 0.0
    sources: Sequence[EventSource] = ()
    checks: Mapping[str, int] = dataclasses.field(default_factory=dict)
    reports: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Kinesis stream. Shards of an on-demand stream are not billed."""

    on_demand: bool = False
    shards: int = 1
    retention_hours: int = 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Training workflow.

    `runs` are scheduled runs per month, without runs that drift starts. `looks` are evaluations per canary.
    `spark_above_mb` is the size of the lake above which Glue builds the dataset; None if Glue never builds it. If
    `spark_statistics` is true, Glue also counts the training statistics.
    """

    runs: float = 0.0
    instance_type: str = defaults.TRAINING_INSTANCE_TYPE
    instances: int = 1
    volume_gb: int = defaults.TRAINING_VOLUME_GB
    spot: bool = False
    max_runtime_s: int = defaults.TRAINING_MAX_RUNTIME_S
    look_s: int = 0
    looks: int = 0
    spark_above_mb: int | None = None
    spark_workers: int = 0
    spark_worker_type: str = "G.1X"
    spark_flexible: bool = False
    spark_statistics: bool = False
    spark_sample_interactions: int = defaults.SPARK_SAMPLE_INTERACTIONS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Resources of the settings that protect a deployment.

    `endpoints` is the number of network interfaces: one per interface endpoint and subnet. `backup_days` is None
    without backups.
    """

    own_key: bool = False
    firewall_rules: int = 0
    endpoints: int = 0
    private_api: bool = False
    audit_trail: bool = False
    backup_days: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BilledResources:
    """Facts about a deployment that determine its bill.

    `alarm_metrics` counts each metric of an alarm on an expression. `lake_cold_days` is the age at which objects move
    to a colder storage class; None if they do not move. `log_retention_days` is None if a log never expires.
    """

    environment: str
    region: str
    functions: Mapping[str, Function]
    stream: Stream = dataclasses.field(default_factory=Stream)
    training: Training = dataclasses.field(default_factory=Training)
    protection: Protection = dataclasses.field(default_factory=Protection)
    alarm_metrics: int = 0
    composite_alarms: int = 0
    dashboards: int = 0
    keys: int = 0
    secrets: int = 0
    table_backups: bool = False
    machines_traced: bool = False
    bucket_events: bool = False
    access_log: bool = False
    pages: bool = False
    log_retention_days: int | None = None
    lake_cold_days: int | None = None
    dataset_days: int | None = None
    served_days: int | None = None
    attribution_days: int = 7
    uncounted: Sequence[str] = ()
    replication_rules: int = 0
    health_checks: int = 0
    replica: BilledResources | None = None
