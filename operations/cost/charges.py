"""Charges of idle resources, storage, transfer, observability, functions and trainings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from alsolike.profiles.store import SESSION_TIME_TO_LIVE_DAYS, TIME_TO_LIVE_DAYS
from operations.cost.bill import DAYS, HOURS, MONTH_S, Load, Meter
from operations.cost.summary import BilledResources, Function, Stream
from operations.cost.traffic import RECORD_BYTES, Calls, lake_gb, on_spark, shards, shards_needed, transitions
from operations.metric_writers import METRICS, Bounds, Rhythm, Written
from operations.prometheus.families import READ_KAFKA, metrics_read

EXTENDED_HOURS, LONG_TERM_HOURS = 24, 168


def idle_charges(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the fixed charges: stream, alarms, dashboards, secrets, keys and cached snapshots of functions."""
    _stream(meter, summary, load)
    meter.add("CloudWatch", "alarms", summary.alarm_metrics, "alarms", "metrics that alarms watch", fixed=True)
    meter.add(
        "CloudWatch", "composite alarms", summary.composite_alarms, "composite_alarms", "of the templates", fixed=True
    )
    meter.add("CloudWatch", "dashboards", summary.dashboards, "dashboards", "of the templates", fixed=True)
    meter.add("Secrets Manager", "secrets", summary.secrets, "secrets", "of the templates", fixed=True)
    meter.add(
        "KMS",
        "keys",
        summary.keys,
        "kms_keys",
        "of the templates, for secrets of keys, the log of Spark and stored data",
        fixed=True,
    )
    for name, function in summary.functions.items():
        _starting(meter, name, function)


def _stream(meter: Meter, summary: BilledResources, load: Load) -> None:
    stream, count = summary.stream, shards(summary, load)
    if stream.on_demand:
        meter.add("Kinesis", "on-demand stream", HOURS, "kinesis_on_demand_hours", f"{HOURS} hours", fixed=True)
        return
    needed = shards_needed(load)
    if needed > stream.shards:
        meter.remark(
            f"the load needs {needed} shards at {load.peak:g} times its mean; stream_shards is {stream.shards}: "
            f"set it to {needed}, which is what the bill has"
        )
    meter.add("Kinesis", "shards", count * HOURS, "kinesis_shard_hours", f"{count} shard(s), {HOURS} hours", fixed=True)
    if stream.retention_hours > EXTENDED_HOURS:
        how = f"{count} shard(s) that keep records for more than 24 hours: {stream.retention_hours}"
        meter.add("Kinesis", "records kept longer", count * HOURS, "kinesis_extended_shard_hours", how, fixed=True)


def kept_gb(stream: Stream, load: Load, *, hours: int) -> float:
    """Return the size of stream records older than `hours`, in GB."""
    return load.events_per_day / 24 * max(0, stream.retention_hours - hours) * RECORD_BYTES / 1e9


def _starting(meter: Meter, name: str, function: Function) -> None:
    gb = function.memory_mb / 1024
    if function.snap_start:
        how = f"{function.memory_mb} MB of the published version, all month"
        meter.add("Lambda", f"SnapStart of {name}", gb * MONTH_S, "snap_start_cache_gb_s", how, fixed=True)
    if function.provisioned:
        how = f"{function.provisioned} kept warm with {function.memory_mb} MB, all month"
        price = "provisioned_arm_gb_s" if function.architecture == "arm64" else "provisioned_x86_gb_s"
        meter.add("Lambda", f"provisioned {name}", function.provisioned * gb * MONTH_S, price, how, fixed=True)


CONSUMERS = 3
PROFILE_ITEM_BYTES = 128
"""Size of an interaction in the profile table by DynamoDB's rules, in bytes (`benchmarks.scale`)."""

EVENTS_PER_SESSION = 10
"""Assumed number of events per session. A session that signs in takes three write units and three read units."""

ROW_BYTES = 600
"""Size of an item or user in its table, in bytes, including keys."""

TABLE_OVERHEAD_BYTES = 100
ANSWER_BYTES = 2_200
"""Size of an API response with 25 items, in bytes, including headers."""

SERVED_ROW_BYTES = 300
"""Compressed size of a row of the recommendation log with 25 items, in bytes."""

DATASET_BYTES = 40
"""Size of an interaction in a dataset, in bytes."""

BUNDLE_ITEM_BYTES, BUNDLES = 2_000, 12
SNAPSHOT_BYTES = 153


def api(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of API calls and of data transfer for responses. Responses of a private API do not leave AWS."""
    calls = load.requests + load.event_calls + load.changes + load.scrapes
    price = "rest_api_calls" if summary.protection.private_api else "api_calls"
    meter.add("API Gateway", "calls", calls, price, "requests, calls with events, changes of items and users, scrapes")
    if summary.protection.private_api:
        return
    out_gb = load.requests * ANSWER_BYTES / 1e9
    meter.add(
        "Data transfer", "answers", out_gb, "transfer_gb", f"{ANSWER_BYTES:,} bytes an answer, out to the internet"
    )


STATIC_FILES = 4
STATIC_BYTES = 14_000
"""Size of the files that a browser reads per static list, in bytes. Assumed: every third list is a visitor's first one,
with 11 files of 36 KB after compression (docs/browser.md); the browser has the files of later lists already."""

STATIC_SHARD_ITEMS = 25


def static_lists(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of static lists: files that browsers read from CloudFront, and writes of their shards."""
    lists = load.static_requests
    how = f"{STATIC_FILES} files a list, assumed; the others are in the browser's cache"
    meter.add("CloudFront", "requests for static lists", lists * STATIC_FILES, "cloudfront_requests", how)
    how = f"{STATIC_BYTES:,} bytes a list, assumed"
    meter.add("CloudFront", "static lists", lists * STATIC_BYTES / 1e9, "cloudfront_gb", how)
    if (function := summary.functions.get("publish_lists")) is None:
        if lists:
            meter.remark("the deployment publishes no static lists: set static_lists_schedule")
        return
    shards = load.items / STATIC_SHARD_ITEMS
    writes = summary.training.runs * shards + min(function.runs * shards, load.changes)
    how = "all shards once a training; between two, the shards of changed items"
    meter.add("S3", "writes of static lists", writes, "s3_writes", how)


def stream(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of the stream's records. `idle_charges` adds the shards."""
    if not summary.stream.on_demand:
        meter.add("Kinesis", "PUT units", load.events, "kinesis_puts", "one an event, up to 25 KB")
    else:
        gb = load.events * 1_024 / 1e9
        meter.add("Kinesis", "on-demand, in", gb, "kinesis_on_demand_in_gb", "an event is rounded up to 1 KB")
        read = CONSUMERS * load.events * RECORD_BYTES / 1e9
        meter.add(
            "Kinesis",
            "on-demand, out",
            read,
            "kinesis_on_demand_out_gb",
            f"{CONSUMERS} consumers, {RECORD_BYTES} bytes an event",
        )
        hours = min(summary.stream.retention_hours, LONG_TERM_HOURS)
        gb = load.events_per_day / 24 * max(0, hours - EXTENDED_HOURS) * RECORD_BYTES / 1e9
        meter.add(
            "Kinesis", "on-demand, kept longer", gb, "kinesis_on_demand_extended_gb", f"past {EXTENDED_HOURS} hours"
        )
    old_gb = kept_gb(summary.stream, load, hours=LONG_TERM_HOURS)
    meter.add("Kinesis", "records past a week", old_gb, "kinesis_long_term_gb", "kept for longer than 168 hours")


def tables(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of the tables of profiles, items and users."""
    signing_in = load.user_events / EVENTS_PER_SESSION
    how = f"one unit an event, and three a session that signs in; {EVENTS_PER_SESSION} events a session"
    meter.add("DynamoDB", "profile writes", load.events + 3 * signing_in, "dynamodb_writes", how)
    size = PROFILE_ITEM_BYTES * load.history_length
    reads = math.ceil(size / 4_096) / 2
    how = f"{load.history_length} interactions of {PROFILE_ITEM_BYTES} bytes are {reads:g} units a request"
    meter.add("DynamoDB", "profile reads", load.requests * reads, "dynamodb_reads", how)
    how = f"one unit an event without a user, {100 - load.signed_in_percent}%, and three a session that signs in"
    marks = load.events - load.user_events + 3 * signing_in
    meter.add("DynamoDB", "marks of sessions", marks, "dynamodb_reads", how)
    meter.add("DynamoDB", "item and user writes", load.changes, "dynamodb_writes", "one unit each")
    meter.add("DynamoDB", "item and user reads", load.changes, "dynamodb_reads", "what is there is read before")
    kept = (load.user_events * TIME_TO_LIVE_DAYS + (load.events - load.user_events) * SESSION_TIME_TO_LIVE_DAYS) / DAYS
    profiles_gb = kept * (PROFILE_ITEM_BYTES + TABLE_OVERHEAD_BYTES) / 1e9
    how = f"{TIME_TO_LIVE_DAYS} days of users' interactions, {SESSION_TIME_TO_LIVE_DAYS} of sessions', users and items"
    meter.add("DynamoDB", "storage", profiles_gb + rows_gb(load), "dynamodb_gb", how)
    if summary.table_backups:
        meter.add(
            "DynamoDB", "backups", rows_gb(load), "dynamodb_backup_gb", "point-in-time recovery of users and items"
        )


def rows_gb(load: Load) -> float:
    """Return the size of the tables of users and items, in GB."""
    return (load.users + load.items) * ROW_BYTES / 1e9


def buckets(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    """Add the costs of buckets: storage, writes, polling, and events about writes."""
    _storage(meter, summary, load)
    writes = 0.0
    for name, objects, what in (
        ("archive_events", 1.0, "an object a batch"),
        ("count_trends", 1.0, "the counters, once a batch"),
        ("archive_served", 1.0, "an object a delivery"),
        ("publish_catalog", 4.0, "segment, manifest, pointer and log of a batch"),
    ):
        if name in calls:
            quantity = calls[name].calls * objects
            meter.add("S3", f"writes of {name}", quantity, "s3_writes", what)
            writes += quantity if name in ("count_trends", "publish_catalog") else 0.0
    listed, read = 0.0, 0.0
    for name, call in calls.items():
        for check, every_s in summary.functions[name].checks.items():
            looks = min(call.calls, call.processes * MONTH_S / max(1, every_s))
            listed, read = (listed + looks, read) if check.startswith("trends") else (listed, read + looks)
    meter.add("S3", "looks for something new", read, "s3_reads", "champion, configuration, catalogue, erased users")
    meter.add("S3", "looks for what trends", listed, "s3_writes", "a LIST each")
    if "count_trends" in calls:
        meter.add("S3", "reads of count_trends", calls["count_trends"].calls, "s3_reads", "the counters before a write")
    if summary.bucket_events:
        meter.add("EventBridge", "events of the bucket", writes, "events", "a write of the artefact bucket each")


def _storage(meter: Meter, summary: BilledResources, load: Load) -> None:
    lake, cold_days = lake_gb(load), summary.lake_cold_days
    # Unread objects become cheaper 30 days after the transition. Each training reads all objects, so with scheduled
    # trainings the price does not fall.
    cold = 0.0
    if cold_days is not None and not summary.training.runs:
        cold = lake * max(0, load.history_days - cold_days - 30) / load.history_days
    meter.add("S3", "lake", lake - cold, "s3_gb", f"{load.history_days} days of events, 60 bytes each")
    meter.add("S3", "lake, rarely read", cold, "s3_infrequent_gb", "Intelligent-Tiering, infrequent access")
    days = min(summary.served_days or load.history_days, load.history_days)
    served = load.requests / DAYS * days * SERVED_ROW_BYTES / 1e9
    meter.add("S3", "what was served", served, "s3_gb", f"{SERVED_ROW_BYTES} bytes an answer")
    # The latest dataset and the champion's dataset never expire.
    kept = max((summary.dataset_days or 365) / DAYS * summary.training.runs, min(2.0, summary.training.runs))
    datasets = load.interactions * DATASET_BYTES / 1e9 * kept
    meter.add("S3", "datasets", datasets, "s3_gb", f"{kept:,.0f} of them, {DATASET_BYTES} bytes an interaction")
    models = load.items * (BUNDLES * BUNDLE_ITEM_BYTES + 10 * SNAPSHOT_BYTES) / 1e9
    meter.add("S3", "models, snapshots", models, "s3_gb", f"{BUNDLES} bundles of {BUNDLE_ITEM_BYTES:,} bytes an item")


ACCESS_LINE_BYTES = 148
"""Size of the gateway's log line per call, in bytes, including the 26 bytes that CloudWatch adds."""

COMPRESSED_SHARE = 0.15
"""Ratio of stored to written log bytes. AWS's pricing calculator uses this compression factor:
https://dev.classmethod.jp/articles/compare-archive-cost-cloudwatchlogs-s3/."""

REPORT_BYTES = 330
"""Size of Lambda's lines START, END and REPORT per call, in bytes, including the bytes that CloudWatch adds."""

TRANSITION_LOG_BYTES = 2_500
"""Log size per state machine transition, in bytes. Each transition logs three events with input and output."""

TRACED_SHARE = 0.05
"""Share of calls that X-Ray traces above one call per second and function:
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""

BOUNDS = Bounds(versions=2)
"""Bounds of metric dimensions that the shop defines: the champion, one canary version and no experiments."""


def observability_charges(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    """Add the costs of logs, metrics, Prometheus and traces."""
    _logs(meter, summary, calls)
    for name, call in calls.items():
        months = sum(_series(written, call, summary.training.runs) for written in METRICS if written.service == name)
        meter.add("CloudWatch", f"metrics of {name}", months, "metrics", "those that it regularly sends, by the hour")
    read = metrics_read(kafka=READ_KAFKA in summary.functions)
    reads = load.scrapes * (read + 1)
    how = f"{read} metrics and the alarms a scrape, each statistic counted as a metric"
    meter.add("CloudWatch", "metrics that Prometheus reads", reads, "metrics_read", how)
    sampled = {name: _sampled(call.calls) for name, call in calls.items() if summary.functions[name].tracing}
    traces = sum(sampled.values()) + (summary.training.runs if summary.machines_traced else 0)
    meter.add("X-Ray", "traces", traces, "traces", "one a second and function, and a twentieth of the rest")


def _logs(meter: Meter, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    total_gb = 0.0
    for name, call in calls.items():
        call_bytes = call.duration.log_bytes + REPORT_BYTES * summary.functions[name].reports
        gb = call.calls * call_bytes / 1e9
        meter.add("CloudWatch", f"log of {name}", gb, "logs_gb", f"{call_bytes:,.0f} bytes a call")
        total_gb += gb
    if summary.access_log:
        through = sum(calls[name].calls for name in ("collect", "recommend") if name in calls)
        gb = through * ACCESS_LINE_BYTES / 1e9
        meter.add("CloudWatch", "access log", gb, "logs_gb", f"{ACCESS_LINE_BYTES} bytes a call of the API")
        total_gb += gb
    gb = transitions(summary) * TRANSITION_LOG_BYTES / 1e9
    meter.add("CloudWatch", "log of trainings", gb, "logs_gb", f"{TRANSITION_LOG_BYTES:,} bytes a transition")
    total_gb += gb
    months = (summary.log_retention_days or 365) / DAYS
    how = f"{summary.log_retention_days or 365} days of it, compressed to {COMPRESSED_SHARE:.0%}"
    meter.add("CloudWatch", "logs kept", total_gb * months * COMPRESSED_SHARE, "logs_stored_gb", how)


def _series(written: Written, calls: Calls, trainings: float) -> float:
    """Return the number of a metric's billed series.

    Each series is weighted by the share of the month in which it is sent.
    """
    share = {
        Rhythm.HOURLY: min(1.0, calls.calls / HOURS),
        Rhythm.DAILY: min(1.0, calls.calls / DAYS) / 24,
        Rhythm.TRAINING: min(1.0, trainings / HOURS) if calls.calls else 0.0,
        Rhythm.SELDOM: 0.0,
    }[written.rhythm]
    return written.series(BOUNDS) * share


def _sampled(calls: float) -> float:
    return min(calls, MONTH_S) + TRACED_SHARE * max(0.0, calls - MONTH_S)


FREE_STORAGE_MB = 512
PROCESS_HOURS = 2
"""Assumed lifetime of a Lambda process in hours. It determines the number of restores from a snapshot."""

FITS = 5
"""Number of fits per algorithm in a training (`model_export.evaluation.budget.FITS`)."""

DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
SPARK_STARTS_S = 60.0
SPARK_PROCESSOR_S = 51.3
"""Processor seconds per million events, measured for 100,000 to 5 million events without the start: docs/scale.md."""

STATISTICS_PROCESSOR_S = 284.0
"""Additional processor seconds per million events if Spark counts statistics, at up to four cutoffs of 71.0 s each:
docs/scale.md."""

STATISTICS_TRAINING_S = 3 * 3600.0
"""Assumed maximum duration of a training from statistics, in seconds (`benchmarks.scale`). Not measured at that size.
"""

STATISTICS_ITEM_BYTES = 4_800
"""Memory per item in bytes. Each of two matrices has 200 targets per item: docs/scale.md."""

SPOT_SHARE = 0.5
"""Assumed share of the on-demand price. AWS states discounts of up to 90%."""

JOB_STARTS_S = 240.0
"""Assumed billed time of a job before and after the training, in seconds: image, dataset and upload."""

FIT_S = ((0, 0.0), (1, 11.6), (10, 67.6), (100, 544.5))
"""Pairs of millions of interactions and processor seconds to fit each algorithm once: docs/performance.md.

SASRec is excluded because it needs torch, as are algorithms above their limits.
"""

READ_BYTES = 63
"""Memory per interaction while a job reads them, in bytes: docs/scale.md."""

MEMORY_GB = {
    "ml.m5.large": 8,
    "ml.m5.xlarge": 16,
    "ml.m5.2xlarge": 32,
    "ml.m5.4xlarge": 64,
    "ml.m5.12xlarge": 192,
    "ml.m5.24xlarge": 384,
    "ml.r5.24xlarge": 768,
}


def functions(meter: Meter, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    """Add the costs of functions' calls."""
    for name, call in calls.items():
        function, seconds = summary.functions[name], call.seconds
        meter.add("Lambda", f"calls of {name}", call.calls, "lambda_requests", call.how)
        gb_s = seconds * function.memory_mb / 1024
        how = f"{_milliseconds(call)} ms with {function.memory_mb} MB ({call.duration.seen})"
        price = "lambda_arm_gb_s" if function.architecture == "arm64" else "lambda_x86_gb_s"
        meter.add("Lambda", f"time of {name}", gb_s, price, how)
        extra_gb = max(0, function.storage_mb - FREE_STORAGE_MB) / 1024
        how = f"{function.storage_mb} MB of disk, of which {FREE_STORAGE_MB} MB cost nothing"
        meter.add("Lambda", f"disk of {name}", seconds * extra_gb, "lambda_storage_gb_s", how)
        if function.snap_start and call.calls:
            restored_gb = min(call.calls, call.processes * HOURS / PROCESS_HOURS) * function.memory_mb / 1024
            how = f"each process restarts every {PROCESS_HOURS} hours (assumption)"
            meter.add("Lambda", f"restores of {name}", restored_gb, "snap_start_restore_gb", how)


def trainings(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add the costs of trainings, including the transitions of the workflow."""
    training, runs = summary.training, summary.training.runs
    _too_much(meter, summary, load)
    seconds = min(_lasts_s(summary, load), training.max_runtime_s)
    hours = runs * training.instances * seconds / 3600
    spot = f", spot at {SPOT_SHARE:.0%} of the price" if training.spot else ""
    how = f"{runs:.1f} runs of {seconds / 60:,.0f} minutes on {training.instances} {training.instance_type}{spot}"
    paid = hours * (SPOT_SHARE if training.spot else 1)
    price = f"training_{training.instance_type}_hours"
    if meter.has(price):
        meter.add("SageMaker", "training", paid, price, how)
    elif paid:
        meter.remark(f"not priced: {how}: the price table has no {price}")
    volume = training.volume_gb * training.instances * hours / HOURS / max(1, training.instances)
    meter.add("SageMaker", "training volumes", volume, "training_volume_gb", f"{training.volume_gb} GB while it runs")
    if on_spark(summary, load):
        dpus = training.spark_workers * DPUS[training.spark_worker_type]
        work_s = SPARK_PROCESSOR_S + STATISTICS_PROCESSOR_S * training.spark_statistics
        processors = 4 * (dpus - DPUS[training.spark_worker_type])  # One worker is the driver.
        lasts = max(60.0, SPARK_STARTS_S + work_s * load.interactions / 1e6 / processors)
        how = f"{runs:.1f} runs of {lasts / 60:,.1f} minutes with {training.spark_workers} {training.spark_worker_type}"
        how += ", statistics among it" if training.spark_statistics else ""
        price = "glue_flexible_dpu_hours" if training.spark_flexible else "glue_dpu_hours"
        meter.add("Glue", "datasets on Spark", runs * dpus * lasts / 3600, price, how)
    how = f"{runs:.1f} runs, each with {training.looks} evaluations of a canary"
    meter.add("Step Functions", "transitions", transitions(summary), "transitions", how)


def _training_s(load: Load) -> float:
    millions = load.interactions / 1e6
    segments = list(itertools.pairwise(FIT_S))
    (size, fit_s), (next_size, next_fit_s) = next((each for each in segments if millions <= each[1][0]), segments[-1])
    fit_s += (next_fit_s - fit_s) / (next_size - size) * (millions - size)
    return JOB_STARTS_S + FITS * fit_s


def _from_statistics(summary: BilledResources, load: Load) -> bool:
    return summary.training.spark_statistics and on_spark(summary, load)


def _lasts_s(summary: BilledResources, load: Load) -> float:
    training_s = _training_s(load)
    return min(training_s, STATISTICS_TRAINING_S) if _from_statistics(summary, load) else training_s


def _too_much(meter: Meter, summary: BilledResources, load: Load) -> None:
    """Add notes about trainings that exceed the time limit or the memory.

    The bill assumes that SageMaker stops a training at the time limit.
    """
    training = summary.training
    if not training.runs:
        return
    hours, maximum = _lasts_s(summary, load) / 3600, training.max_runtime_s / 3600
    needed_gb, has_gb = load.interactions * READ_BYTES / 1e9, MEMORY_GB.get(training.instance_type)
    what = f"a training on {load.interactions:,.0f} interactions"
    instead = "learn from fewer (limits.retention_days), or from what Spark counts (spark_statistics)"
    if _from_statistics(summary, load):
        read = min(load.interactions, training.spark_sample_interactions)
        needed_gb = (read * READ_BYTES + load.items * STATISTICS_ITEM_BYTES) / 1e9
        what, instead = f"a training from statistics and {read:,.0f} interactions", "raise it"
    if hours > maximum:
        meter.remark(
            f"{what} takes about {hours:,.1f} hours; training_max_runtime_s ends it after {maximum:g}, which is what "
            f"the bill has: {instead}"
        )
    if has_gb is not None and needed_gb > has_gb:
        meter.remark(
            f"{what} takes about {needed_gb:,.0f} GB of memory; {training.instance_type} has {has_gb}: set a larger "
            "training_instance_type, which costs more than the bill has"
        )


def _milliseconds(calls: Calls) -> str:
    return f"{min(math.ceil(calls.duration.ms(calls.records)), calls.timeout_s * 1000):,}"
