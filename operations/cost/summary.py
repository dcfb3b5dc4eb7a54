"""Billed resources of the synthesized templates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A stream or topic that a function consumes. The kind is `kinesis`, `dynamodb` or `kafka`."""

    kind: str
    batch_size: int
    window_s: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function.

    Attributes
    ----------
    storage_mb
        Size of /tmp in MB. The first 512 MB are free.
    provisioned
        Provisioned concurrency.
    runs
        Number of scheduled calls per month.
    checks
        Seconds between checks for new objects on S3 by a warm process, by setting.
    reports
        True if Lambda logs the lines START, END and REPORT of each call.
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

    Attributes
    ----------
    runs
        Number of scheduled runs per month, without runs that drift starts.
    looks
        Number of evaluations per canary.
    spark_above_mb
        Size of the lake, in MB, above which Glue builds the dataset; None if Glue never builds it.
    spark_statistics, spark_sample_interactions
        True if Glue also counts the training statistics, and the number of interactions that the training job then
        reads.
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

    Attributes
    ----------
    own_key
        True if a KMS key of the account encrypts the buckets.
    firewall_rules
        Number of rules of the web ACL.
    endpoints
        Number of network interfaces of interface endpoints: one per endpoint and subnet.
    private_api
        True if the API is a private REST API.
    backup_days
        Retention of backups in days; None without backups.
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

    Attributes
    ----------
    alarm_metrics
        Number of metrics in alarms. An alarm on an expression counts each metric.
    table_backups
        True if the tables of users and items have point-in-time recovery.
    lake_cold_days
        Age in days at which objects of the lake move to a colder storage class; None if they do not move.
    pages
        True if a CloudFront distribution serves pages.
    log_retention_days
        Longest retention of all logs in days; None if a log never expires.
    uncounted
        Types of resources without a known price.
    replication_rules, health_checks
        Numbers of S3 replication rules, and of Route 53 health checks by HTTPS every 10 seconds.
    replica
        Resources of the second region; None without one.
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
