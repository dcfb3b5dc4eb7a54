"""Charges of a deployment, one formula each. `estimate` adds them to a bill."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

from alsolike.declarations.retention import PROFILE_DAYS, SESSION_PROFILE_DAYS
from alsolike.declarations.training import FITS
from operations import prices
from operations.cost.bill import DAYS, HOURS, MONTH_S, NO_LOAD, Bill, Load, Meter
from operations.cost.summary import BilledResources
from operations.cost.traffic import (
    DURATIONS,
    RECORD_BYTES,
    Calls,
    Duration,
    lake_gb,
    on_spark,
    shards,
    shards_needed,
    traffic,
    transitions,
)
from operations.metric_writers import METRICS, Bounds, Rhythm, Written
from operations.prometheus.families import READ_KAFKA, metrics_read

CONSUMERS = 3
EXTENDED_HOURS, LONG_TERM_HOURS = 24, 168

PROFILE_ITEM_BYTES = 128
"""Size of an interaction in the profile table by DynamoDB's rules, in bytes (`benchmarks.scale`)."""

EVENTS_PER_SESSION = 10
"""Assumed number of events per session.

A session that signs in takes three write units and three read units in addition to the units of its events.
"""

ROW_BYTES = 600
"""Size of an item or user in its table, in bytes, including keys."""

TABLE_OVERHEAD_BYTES = 100
ANSWER_BYTES = 2_200
"""Size of an API response with 25 items, in bytes, including headers."""

SERVED_ROW_BYTES = 300
"""Size of a compressed row of the recommendation log with 25 items, in bytes."""

DATASET_BYTES = 40
"""Size of an interaction in a dataset, in bytes."""

BUNDLE_ITEM_BYTES, BUNDLES, SNAPSHOT_BYTES = 2_000, 12, 153

STATIC_SHARD_ITEMS = 25
STATIC_FILES, STATIC_BYTES = 4, 14_000
"""Number of files and bytes that a browser reads per static list, assumed.

A visitor's first list needs 11 files, together 36 KB after compression (docs/browser.md). Later lists find most files
in the browser's cache.
"""

ACCESS_LINE_BYTES = 148
"""Size of the gateway's log line per call, in bytes, including the 26 bytes that CloudWatch adds."""

COMPRESSED_SHARE = 0.15
"""Ratio of stored to written log bytes. AWS's pricing calculator uses this compression factor:
https://dev.classmethod.jp/articles/compare-archive-cost-cloudwatchlogs-s3/."""

REPORT_BYTES = 330
"""Size of Lambda's lines START, END and REPORT per call, in bytes, including the bytes that CloudWatch adds."""

TRANSITION_LOG_BYTES = 2_500
"""Size of the log per state machine transition, in bytes. Each transition logs three events with input and output."""

TRACED_SHARE = 0.05
"""Share of calls that X-Ray traces above one call per second and function:
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""

BOUNDS = Bounds(versions=2)
"""Bounds of metric dimensions that the shop defines: the champion, one canary version and no experiments."""

FREE_STORAGE_MB = 512
PROCESS_HOURS = 2
"""Assumed lifetime of a Lambda process in hours. It determines the number of restores from a snapshot."""

DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
SPARK_STARTS_S = 60.0
SPARK_PROCESSOR_S = 51.3
"""Time of a processor to build a dataset, in seconds per million events, measured for 100,000 to 5 million events
(docs/scale.md).
"""

STATISTICS_PROCESSOR_S = 284.0
"""Time of a processor per million events to count statistics, in seconds: 71.0 s for each of four cutoffs."""

STATISTICS_TRAINING_S = 3 * 3600.0
"""Maximum duration of a training from statistics, in seconds (assumed)."""

STATISTICS_ITEM_BYTES = 4_800
"""Size of the statistics in memory per item, in bytes. Each of two matrices has 200 targets per item (docs/scale.md).
"""

SPOT_SHARE = 0.5
"""Share of the on-demand price that a spot instance costs (assumed). AWS states discounts of up to 90%."""

JOB_STARTS_S = 240.0
"""Time that is billed for a job before and after the training, in seconds (assumed): image, dataset and upload."""

FIT_S = ((0, 0.0), (1, 11.6), (10, 67.6), (100, 544.5))
"""Time of a processor to fit each algorithm once, in seconds, by millions of interactions: docs/performance.md.

SASRec, which needs torch, and algorithms whose size limits the data exceed are excluded.
"""

READ_BYTES = 63
"""Size of an interaction in memory while a job reads the interactions, in bytes."""

MEMORY_GB = {
    **{"ml.m5.large": 8, "ml.m5.xlarge": 16, "ml.m5.2xlarge": 32, "ml.m5.4xlarge": 64, "ml.m5.12xlarge": 192},
    **{"ml.m5.24xlarge": 384, "ml.r5.24xlarge": 768},
}

KEY_CACHE_S = 300
"""Time for which a service caches the data key of a caller, in seconds (assumed)."""

KEY_SERVICES = 3
"""Number of services with encrypted data that a process uses (assumed)."""

RULE_METRICS = 4
"""Metrics of a replication rule: bytes and operations that are pending, operations that failed, and the latency."""

CHECKS_PER_S = 1.6
"""Number of requests per second by the 16 health checkers of a health check, each every 10 seconds."""


def estimate(
    summary: BilledResources,
    load: Load,
    *,
    free_tier: bool = False,
    durations: Mapping[str, Duration] = DURATIONS,
) -> Bill:
    metered, idle = (_metered(summary, each, free_tier=free_tier, durations=durations) for each in (load, NO_LOAD))
    return metered.bill(f"Alsolike {summary.environment}", load, idle_dollars=idle.dollars)


def _metered(summary: BilledResources, load: Load, *, free_tier: bool, durations: Mapping[str, Duration]) -> Meter:
    meter = Meter(free_tier=free_tier)
    reads_kafka = READ_KAFKA in summary.functions
    if not reads_kafka or load.kafka_percent is None:
        load = dataclasses.replace(load, kafka_percent=100 if reads_kafka else 0)
    calls = traffic(summary, load, durations=durations)
    _idle(meter, summary, load)
    _api(meter, summary, load)
    _static_lists(meter, summary, load)
    _functions(meter, summary, calls)
    _stream(meter, summary, load)
    _tables(meter, summary, load)
    _buckets(meter, summary, load, calls)
    _trainings(meter, summary, load)
    _logs(meter, summary, calls)
    _observability(meter, summary, load, calls)
    _protection(meter, summary, load, calls)
    if summary.replica is not None:
        _replica(meter, summary, summary.replica, load)
    _remarks(meter, summary, calls)
    return meter


def _idle(meter: Meter, summary: BilledResources, load: Load, where: str = "") -> None:
    """Add the fixed charges of a region, except for those of `_protection` and of the replication."""

    def add(what: str, quantity: float, price: str, how: str = "of the templates") -> None:
        meter.add(what + where, quantity, price, how, fixed=True)

    stream, count, needed = summary.stream, shards(summary, load), shards_needed(load)
    hours, how = count * HOURS, f"{count} shard(s), {HOURS} hours"
    if stream.on_demand:
        add("on-demand stream", HOURS, "kinesis_on_demand_hours", f"{HOURS} hours")
    else:
        add("shards", hours, "kinesis_shard_hours", how)
        if needed > stream.shards:
            meter.remarks.append(
                f"the load needs {needed} shards at {load.peak:g} times its mean; stream_shards is {stream.shards}: "
                f"set it to {needed}, which is what the bill has"
            )
        if stream.retention_hours > EXTENDED_HOURS:
            how = f"{count} shard(s) that keep records for more than 24 hours: {stream.retention_hours}"
            add("records kept longer", hours, "kinesis_extended_shard_hours", how)
    add("alarms", summary.alarm_metrics, "alarms", "metrics that alarms watch")
    add("composite alarms", summary.composite_alarms, "composite_alarms")
    add("dashboards", summary.dashboards, "dashboards")
    add("secrets", summary.secrets, "secrets")
    how = "of the templates, for secrets of keys, the log of Spark and stored data"
    add("keys", summary.keys, "kms_keys", how)
    for name, function in summary.functions.items():
        gb_s = function.memory_mb / 1024 * MONTH_S
        if function.snap_start:
            how = f"{function.memory_mb} MB of the published version, all month"
            add(f"SnapStart of {name}", gb_s, "snap_start_cache_gb_s", how)
        price = "provisioned_arm_gb_s" if function.architecture == "arm64" else "provisioned_x86_gb_s"
        how = f"{function.provisioned} kept warm with {function.memory_mb} MB, all month"
        add(f"provisioned {name}", function.provisioned * gb_s, price, how)


def _api(meter: Meter, summary: BilledResources, load: Load) -> None:
    # Responses of a private API do not leave AWS.
    private = summary.protection.private_api
    calls = load.requests + load.event_calls + load.changes + load.scrapes
    how = "requests, calls with events, changes of items and users, scrapes"
    meter.add("calls", calls, "rest_api_calls" if private else "api_calls", how)
    how = f"{ANSWER_BYTES:,} bytes an answer, out to the internet"
    meter.add("answers", 0 if private else load.requests * ANSWER_BYTES / 1e9, "transfer_gb", how)


def _static_lists(meter: Meter, summary: BilledResources, load: Load) -> None:
    lists = load.static_requests
    how = f"{STATIC_FILES} files a list, assumed; the others are in the browser's cache"
    meter.add("requests for static lists", lists * STATIC_FILES, "cloudfront_requests", how)
    how = f"{STATIC_BYTES:,} bytes a list, assumed"
    meter.add("static lists", lists * STATIC_BYTES / 1e9, "cloudfront_gb", how)
    function, files = summary.functions.get("publish_lists"), load.items / STATIC_SHARD_ITEMS
    if function is not None:
        writes = summary.training.runs * files + min(function.runs * files, load.changes)
        how = "all shards once a training; between two, the shards of changed items"
        meter.add("writes of static lists", writes, "s3_writes", how)
    elif lists:
        meter.remarks.append("the deployment publishes no static lists: set static_lists_schedule")


def _functions(meter: Meter, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    for name, call in calls.items():
        function = summary.functions[name]
        meter.add(f"calls of {name}", call.calls, "lambda_requests", call.how)
        how = f"{call.milliseconds:,} ms with {function.memory_mb} MB ({call.duration.seen})"
        price = "lambda_arm_gb_s" if function.architecture == "arm64" else "lambda_x86_gb_s"
        meter.add(f"time of {name}", call.seconds * function.memory_mb / 1024, price, how)
        extra_gb = max(0, function.storage_mb - FREE_STORAGE_MB) / 1024
        how = f"{function.storage_mb} MB of disk, of which {FREE_STORAGE_MB} MB cost nothing"
        meter.add(f"disk of {name}", call.seconds * extra_gb, "lambda_storage_gb_s", how)
        if function.snap_start:
            restored_gb = min(call.calls, call.processes * HOURS / PROCESS_HOURS) * function.memory_mb / 1024
            how = f"each process restarts every {PROCESS_HOURS} hours (assumption)"
            meter.add(f"restores of {name}", restored_gb, "snap_start_restore_gb", how)


def _stream(meter: Meter, summary: BilledResources, load: Load) -> None:
    def kept_gb(after: int, until: float = float("inf")) -> float:
        hours = max(0, min(summary.stream.retention_hours, until) - after)
        return load.events_per_day / 24 * hours * RECORD_BYTES / 1e9

    if not summary.stream.on_demand:
        meter.add("PUT units", load.events, "kinesis_puts", "one an event, up to 25 KB")
    else:
        how = "an event is rounded up to 1 KB"
        meter.add("on-demand, in", load.events * 1_024 / 1e9, "kinesis_on_demand_in_gb", how)
        how = f"{CONSUMERS} consumers, {RECORD_BYTES} bytes an event"
        meter.add("on-demand, out", CONSUMERS * load.events * RECORD_BYTES / 1e9, "kinesis_on_demand_out_gb", how)
        old_gb, how = kept_gb(EXTENDED_HOURS, LONG_TERM_HOURS), f"past {EXTENDED_HOURS} hours"
        meter.add("on-demand, kept longer", old_gb, "kinesis_on_demand_extended_gb", how)
    meter.add("records past a week", kept_gb(LONG_TERM_HOURS), "kinesis_long_term_gb", "kept for longer than 168 hours")


def _tables(meter: Meter, summary: BilledResources, load: Load) -> None:
    signing_in = 3 * (load.user_events / EVENTS_PER_SESSION)
    how = f"one unit an event, and three a session that signs in; {EVENTS_PER_SESSION} events a session"
    meter.add("profile writes", load.events + signing_in, "dynamodb_writes", how)
    reads = math.ceil(PROFILE_ITEM_BYTES * load.history_length / 4_096) / 2
    how = f"{load.history_length} interactions of {PROFILE_ITEM_BYTES} bytes are {reads:g} units a request"
    meter.add("profile reads", load.requests * reads, "dynamodb_reads", how)
    how = f"one unit an event without a user, {100 - load.signed_in_percent}%, and three a session that signs in"
    meter.add("marks of sessions", load.events - load.user_events + signing_in, "dynamodb_reads", how)
    meter.add("item and user writes", load.changes, "dynamodb_writes", "one unit each")
    meter.add("item and user reads", load.changes, "dynamodb_reads", "what is there is read before")
    kept = (load.user_events * PROFILE_DAYS + (load.events - load.user_events) * SESSION_PROFILE_DAYS) / DAYS
    profiles_gb = kept * (PROFILE_ITEM_BYTES + TABLE_OVERHEAD_BYTES) / 1e9
    how = f"{PROFILE_DAYS} days of users' interactions, {SESSION_PROFILE_DAYS} of sessions', users and items"
    meter.add("storage", profiles_gb + _rows_gb(load), "dynamodb_gb", how)
    if summary.table_backups:
        meter.add("backups", _rows_gb(load), "dynamodb_backup_gb", "point-in-time recovery of users and items")


def _rows_gb(load: Load) -> float:
    return (load.users + load.items) * ROW_BYTES / 1e9


def _buckets(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    lake, cold, cold_days, runs = lake_gb(load), 0.0, summary.lake_cold_days, summary.training.runs
    # Unread objects become cheaper 30 days after the transition. Each training reads all objects, so with scheduled
    # trainings the price does not fall.
    if cold_days is not None and not runs:
        cold = lake * max(0, load.history_days - cold_days - 30) / load.history_days
    meter.add("lake", lake - cold, "s3_gb", f"{load.history_days} days of events, 60 bytes each")
    meter.add("lake, rarely read", cold, "s3_infrequent_gb", "Intelligent-Tiering, infrequent access")
    days = min(summary.served_days or load.history_days, load.history_days)
    served_gb = load.requests / DAYS * days * SERVED_ROW_BYTES / 1e9
    meter.add("what was served", served_gb, "s3_gb", f"{SERVED_ROW_BYTES} bytes an answer")
    # At least the latest dataset and the champion's dataset are kept.
    kept = max((summary.dataset_days or 365) / DAYS * runs, min(2.0, runs))
    datasets_gb = load.interactions * DATASET_BYTES / 1e9 * kept
    meter.add("datasets", datasets_gb, "s3_gb", f"{kept:,.0f} of them, {DATASET_BYTES} bytes an interaction")
    models_gb = load.items * (BUNDLES * BUNDLE_ITEM_BYTES + 10 * SNAPSHOT_BYTES) / 1e9
    meter.add("models, snapshots", models_gb, "s3_gb", f"{BUNDLES} bundles of {BUNDLE_ITEM_BYTES:,} bytes an item")
    artefacts = 0.0
    for name, objects, how in (
        ("archive_events", 1.0, "an object a batch"),
        ("count_trends", 1.0, "the counters, once a batch"),
        ("archive_served", 1.0, "an object a delivery"),
        ("publish_catalog", 4.0, "segment, manifest, pointer and log of a batch"),
    ):
        writes = calls[name].calls * objects if name in calls else 0.0
        meter.add(f"writes of {name}", writes, "s3_writes", how)
        artefacts += writes if name in ("count_trends", "publish_catalog") else 0.0
    listed = read = 0.0
    for name, call in calls.items():
        for check, every_s in summary.functions[name].checks.items():
            polls = min(call.calls, call.processes * MONTH_S / max(1, every_s))
            listed, read = (listed + polls, read) if check.startswith("trends") else (listed, read + polls)
    meter.add("looks for something new", read, "s3_reads", "champion, configuration, catalogue, erased users")
    meter.add("looks for what trends", listed, "s3_writes", "a LIST each")
    if "count_trends" in calls:
        meter.add("reads of count_trends", calls["count_trends"].calls, "s3_reads", "the counters before a write")
    if summary.bucket_events:
        meter.add("events of the bucket", artefacts, "events", "a write of the artefact bucket each")


def _logs(meter: Meter, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    for name, call in calls.items():
        call_bytes = call.duration.log_bytes + REPORT_BYTES * summary.functions[name].reports
        meter.add(f"log of {name}", call.calls * call_bytes / 1e9, "logs_gb", f"{call_bytes:,.0f} bytes a call")
    if summary.access_log:
        through = sum(calls[name].calls for name in ("collect", "recommend") if name in calls)
        how = f"{ACCESS_LINE_BYTES} bytes a call of the API"
        meter.add("access log", through * ACCESS_LINE_BYTES / 1e9, "logs_gb", how)
    how = f"{TRANSITION_LOG_BYTES:,} bytes a transition"
    meter.add("log of trainings", transitions(summary) * TRANSITION_LOG_BYTES / 1e9, "logs_gb", how)
    days = summary.log_retention_days or 365
    kept_gb = meter.used("logs_gb") * (days / DAYS) * COMPRESSED_SHARE
    meter.add("logs kept", kept_gb, "logs_stored_gb", f"{days} days of it, compressed to {COMPRESSED_SHARE:.0%}")


def _observability(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    for name, call in calls.items():
        months = sum(_series(written, call, summary.training.runs) for written in METRICS if written.service == name)
        meter.add(f"metrics of {name}", months, "metrics", "those that it regularly sends, by the hour")
    read = metrics_read(kafka=READ_KAFKA in summary.functions)
    how = f"{read} metrics and the alarms a scrape, each statistic counted as a metric"
    meter.add("metrics that Prometheus reads", load.scrapes * (read + 1), "metrics_read", how)
    traces = sum(
        min(call.calls, MONTH_S) + TRACED_SHARE * max(0.0, call.calls - MONTH_S)
        for name, call in calls.items()
        if summary.functions[name].tracing
    )
    traces += summary.training.runs if summary.machines_traced else 0
    meter.add("traces", traces, "traces", "one a second and function, and a twentieth of the rest")


def _series(written: Written, calls: Calls, trainings: float) -> float:
    """Return the number of a metric's series, each weighted by the share of the month in which it is sent."""
    share = {
        Rhythm.HOURLY: min(1.0, calls.calls / HOURS),
        Rhythm.DAILY: min(1.0, calls.calls / DAYS) / 24,
        Rhythm.TRAINING: min(1.0, trainings / HOURS) if calls.calls else 0.0,
        Rhythm.SELDOM: 0.0,
    }[written.rhythm]
    return written.series(BOUNDS) * share


def _trainings(meter: Meter, summary: BilledResources, load: Load) -> None:
    training, runs, spark = summary.training, summary.training.runs, on_spark(summary, load)
    counted = training.spark_statistics and spark
    lasts_s = min(_training_s(load), STATISTICS_TRAINING_S) if counted else _training_s(load)
    if runs:
        _check_limits(meter, summary, load, lasts_s=lasts_s, counted=counted)
    seconds = min(lasts_s, training.max_runtime_s)
    hours = runs * training.instances * seconds / 3600
    spot = f", spot at {SPOT_SHARE:.0%} of the price" if training.spot else ""
    how = f"{runs:.1f} runs of {seconds / 60:,.0f} minutes on {training.instances} {training.instance_type}{spot}"
    price = f"training_{training.instance_type}_hours"
    if price in prices.TABLE:
        meter.add("training", hours * (SPOT_SHARE if training.spot else 1), price, how)
    elif hours:
        meter.remarks.append(f"not priced: {how}: the price table has no {price}")
    volume = training.volume_gb * training.instances * hours / HOURS / max(1, training.instances)
    meter.add("training volumes", volume, "training_volume_gb", f"{training.volume_gb} GB while it runs")
    if spark:
        dpus = training.spark_workers * DPUS[training.spark_worker_type]
        work_s = SPARK_PROCESSOR_S + STATISTICS_PROCESSOR_S * training.spark_statistics
        processors = 4 * (dpus - DPUS[training.spark_worker_type])  # One worker is the driver.
        spark_s = max(60.0, SPARK_STARTS_S + work_s * load.interactions / 1e6 / processors)
        how = f"{runs:.1f} runs of {spark_s / 60:,.1f} minutes with {training.spark_workers} "
        how += f"{training.spark_worker_type}{', statistics among it' if training.spark_statistics else ''}"
        price = "glue_flexible_dpu_hours" if training.spark_flexible else "glue_dpu_hours"
        meter.add("datasets on Spark", runs * dpus * spark_s / 3600, price, how)
    how = f"{runs:.1f} runs, each with {training.looks} evaluations of a canary"
    meter.add("transitions", transitions(summary), "transitions", how)


def _training_s(load: Load) -> float:
    millions = load.interactions / 1e6
    segments = list(itertools.pairwise(FIT_S))
    (size, fit_s), (next_size, next_fit_s) = next((each for each in segments if millions <= each[1][0]), segments[-1])
    fit_s += (next_fit_s - fit_s) / (next_size - size) * (millions - size)
    return JOB_STARTS_S + FITS * fit_s


def _check_limits(meter: Meter, summary: BilledResources, load: Load, *, lasts_s: float, counted: bool) -> None:
    # The bill assumes that SageMaker stops a training at the time limit.
    training = summary.training
    hours, maximum = lasts_s / 3600, training.max_runtime_s / 3600
    needed_gb, has_gb = load.interactions * READ_BYTES / 1e9, MEMORY_GB.get(training.instance_type)
    what = f"a training on {load.interactions:,.0f} interactions"
    instead = "learn from fewer (limits.retention_days), or from what Spark counts (spark_statistics)"
    if counted:
        read = min(load.interactions, training.spark_sample_interactions)
        needed_gb = (read * READ_BYTES + load.items * STATISTICS_ITEM_BYTES) / 1e9
        what, instead = f"a training from statistics and {read:,.0f} interactions", "raise it"
    if hours > maximum:
        meter.remarks.append(
            f"{what} takes about {hours:,.1f} hours; training_max_runtime_s ends it after {maximum:g}, which is what "
            f"the bill has: {instead}"
        )
    if has_gb is not None and needed_gb > has_gb:
        meter.remarks.append(
            f"{what} takes about {needed_gb:,.0f} GB of memory; {training.instance_type} has {has_gb}: set a larger "
            "training_instance_type, which costs more than the bill has"
        )


def _protection(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    # Data events and backups depend on earlier lines of the bill.
    protection = summary.protection
    if protection.own_key:
        requests = sum(call.processes for call in calls.values()) * KEY_SERVICES * MONTH_S / KEY_CACHE_S
        how = f"{KEY_SERVICES} services a process, every {KEY_CACHE_S} s, assumed"
        meter.add("requests", requests, "kms_requests", how)
    if protection.firewall_rules:
        meter.add("web ACL", 1, "web_acls", "of the distribution", fixed=True)
        meter.add("rules", protection.firewall_rules, "firewall_rules", fixed=True)
        how = "requests for static lists; visits of the pages are not counted"
        meter.add("requests", load.static_requests * STATIC_FILES, "firewall_requests", how)
    if protection.endpoints:
        how = f"{protection.endpoints} network interfaces, {HOURS} hours"
        meter.add("interface endpoints", protection.endpoints * HOURS, "endpoint_hours", how, fixed=True)
        how = f"{RECORD_BYTES} bytes an event to the stream"
        meter.add("data of endpoints", load.events * RECORD_BYTES / 1e9, "endpoint_gb", how)
    if protection.private_api:
        how = f"{ANSWER_BYTES:,} bytes a response, without the endpoint's hours if it is yours"
        meter.add("responses of the private API", load.requests * ANSWER_BYTES / 1e9, "endpoint_gb", how)
    if protection.audit_trail:
        meter.add("data events", meter.used("s3_reads", "s3_writes"), "data_events", "reads and writes of S3")
    if days := protection.backup_days:
        meter.add("tables", _rows_gb(load) * days, "backup_table_gb", f"{days} daily copies of users and items")
        stored_gb = meter.used("s3_gb", "s3_infrequent_gb")
        meter.add("buckets", stored_gb, "backup_bucket_gb", "one copy, and later only changes")


def _replica(meter: Meter, summary: BilledResources, replica: BilledResources, load: Load) -> None:
    # The load is divided between the regions, so requests, events and their functions cost the same as in one region.
    written, stored_gb = meter.used("dynamodb_writes"), meter.used("s3_gb", "s3_infrequent_gb")
    tables_gb = meter.used("dynamodb_gb")
    names = [f"writes of {name}" for name in ("archive_events", "archive_served", "publish_catalog")]
    objects = sum(line.quantity for line in meter.lines if line.what in names)
    _idle(meter, replica, load, ", second region")
    meter.add("replicas of secrets", summary.secrets, "secrets", "one each", fixed=True)
    rules = summary.replication_rules + replica.replication_rules
    how = f"{rules} replication rules with {RULE_METRICS} metrics each"
    meter.add("replication metrics", rules * RULE_METRICS, "metrics", how, fixed=True)
    meter.add("replicated writes", written, "dynamodb_writes", "each write once more")
    meter.add("storage, second region", tables_gb, "dynamodb_gb", "a copy")
    meter.add("copies in the second region", stored_gb, "s3_gb", "lake, datasets, models and log")
    how = "an object each; trend counters and polls are not replicated"
    meter.add("replicated objects", objects, "s3_writes", how)
    row_gb = (load.events * PROFILE_ITEM_BYTES + load.changes * ROW_BYTES) / 1e9
    how = "new objects of the lake, interactions in profiles, and changed items and users"
    meter.add("between the regions", lake_gb(load) / (load.history_days / DAYS) + row_gb, "region_gb", how)
    if checks := summary.health_checks:
        meter.add("health checks", checks, "health_checks", "by HTTPS, every 10 s", fixed=True)
        requests, how = checks * CHECKS_PER_S * MONTH_S, f"{CHECKS_PER_S} requests per second"
        meter.add("health checks", requests, "api_calls", how, fixed=True)
        meter.add("health checks", requests, "lambda_requests", how, fixed=True)
        meter.remarks.append(
            "not counted: the hosted zone of `api_domain`, $0.50 a month, and its queries, $0.40 per million"
        )
    meter.remarks.append("not counted: transfer of datasets and models to the second region, and S3 Batch Replication")


def _remarks(meter: Meter, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    others = {name: each for name, each in summary.functions.items() if name not in {*calls, "build_dataset"}}
    unknown = sorted(name for name, each in others.items() if each.sources or each.runs)
    rare = sorted(others.keys() - unknown)  # Functions without a schedule or an event source.
    cases = (
        (
            summary.region != prices.REGION,
            f"the deployment is in {summary.region}; prices are those of {prices.REGION}",
        ),
        (rare, f"not counted, because the load does not determine them: calls of {', '.join(rare)}"),
        (True, "not counted: metrics that are sent when something goes wrong (`alsolike metrics` names them)"),
        (READ_KAFKA in summary.functions, "not counted: the Kafka cluster, and the network between it and Lambda"),
        (summary.pages, "not counted: visits of the pages, which CloudFront charges by requests and bytes"),
        (unknown, f"not counted: the functions {', '.join(unknown)}, whose durations are unknown"),
        (summary.uncounted, f"not counted: resources of type {', '.join(summary.uncounted)}"),
        (not summary.training.runs, "not counted: trainings, because no schedule starts them"),
    )
    meter.remarks += [remark for applies, remark in cases if applies]
