"""Charges of a deployment, one formula each. `estimate` adds them to a bill."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping

from alsolike.declarations.retention import PROFILE_DAYS, SESSION_PROFILE_DAYS
from alsolike.declarations.training import FITS
from operations import prices
from operations.cost.bill import DAYS, HOURS, MONTH_S, NO_LOAD, Bill, Load
from operations.cost.resources import BilledResources, Training
from operations.cost.traffic import DURATIONS, RECORD_BYTES, Calls, Duration, on_spark, shards, shards_needed, traffic
from operations.metric_writers import METRICS, Bounds
from operations.prometheus.families import READ_KAFKA, metrics_read

CONSUMERS = 3  # functions that read the stream
EXTENDED_HOURS, LONG_TERM_HOURS = 24, 168  # ages above which Kinesis charges more for a record
EVENTS_PER_SESSION = 10  # assumed
SIGN_IN_UNITS = 3  # read units, and as many write units, per session that signs in, without those of its events
FREE_STORAGE_MB = 512  # size of /tmp without a charge
PROCESS_HOURS = 2  # assumed lifetime of a process of a function with SnapStart; each start restores a snapshot
# Traced share of calls above one per second and function: docs.aws.amazon.com/lambda/latest/dg/services-xray.html
TRACED_SHARE = 0.05
KEY_CACHE_S = 300  # time for which a service caches the data key of a caller, assumed
KEY_SERVICES = 3  # services with encrypted data per process, assumed
RULE_METRICS = 4  # per replication rule: pending bytes and operations, failed operations, latency
CHECKS_PER_S = 1.6  # requests by the 16 health checkers of a health check, each every 10 s

# Sizes in bytes
PROFILE_ITEM_BYTES = 128  # interaction in the profile table by DynamoDB's rules for sizes (`benchmarks.scale`)
TABLE_OVERHEAD_BYTES = 100
ROW_BYTES = 600  # item or user in its table, with keys
ANSWER_BYTES = 2_200  # API response with 25 items, including headers
SERVED_ROW_BYTES = 300  # compressed row of the recommendation log with 25 items
DATASET_BYTES = 40  # interaction in a dataset
BUNDLE_ITEM_BYTES, BUNDLES, SNAPSHOT_BYTES = 2_000, 12, 153  # per item
STATIC_SHARD_ITEMS = 25
# A visitor's first list needs 11 files, together 36 KB after compression (docs/browser.md). Later lists find most files
# in the browser's cache.
STATIC_FILES, STATIC_BYTES = 4, 14_000  # per static list, assumed
ACCESS_LINE_BYTES = 148  # line of the gateway's log, including the 26 bytes that CloudWatch adds
REPORT_BYTES = 330  # Lambda's lines START, END and REPORT of a call, including the bytes that CloudWatch adds
TRANSITION_LOG_BYTES = 2_500  # log of a state machine's transition: three events with input and output
# AWS's pricing calculator uses this factor: dev.classmethod.jp/articles/compare-archive-cost-cloudwatchlogs-s3
COMPRESSED_SHARE = 0.15  # stored bytes of logs

# Trainings
DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
SPARK_STARTS_S = 60.0
# Processor seconds per million events: the slope from 100,000 to 5 million events (docs/scale.md).
SPARK_PROCESSOR_S = 51.3  # to build a dataset
# Processor seconds per million events: 71.0 for each of four cut-off times, the slope from 100,000 to a million events
# (docs/scale.md).
STATISTICS_PROCESSOR_S = 284.0  # to count the statistics
STATISTICS_TRAINING_S = 3 * 3600.0  # maximum duration of a training from statistics, assumed
STATISTICS_ITEM_BYTES = 4_800  # item's statistics in memory: 200 targets in each of two matrices (docs/scale.md)
READ_BYTES = 63  # interaction in memory while a training reads it
SPOT_SHARE = 0.5  # share of the on-demand price, assumed: AWS states discounts of up to 90%
JOB_STARTS_S = 240.0  # assumed billed time of a training without its fits: transfer of image, dataset and model
FIT_S = ((0, 0.0), (1, 11.6), (10, 67.6), (100, 544.5))
"""Time of a processor to fit each algorithm once, in seconds, by millions of interactions: docs/performance.md.

SASRec, which needs torch, and algorithms whose size limits the data exceed are excluded.
"""
MEMORY_GB = {
    **{"ml.m5.large": 8, "ml.m5.xlarge": 16, "ml.m5.2xlarge": 32, "ml.m5.4xlarge": 64, "ml.m5.12xlarge": 192},
    **{"ml.m5.24xlarge": 384, "ml.r5.24xlarge": 768},
}


def estimate(
    summary: BilledResources, load: Load, *, free_tier: bool = False, durations: Mapping[str, Duration] = DURATIONS
) -> Bill:
    bill, idle = (_bill(summary, each, free_tier=free_tier, durations=durations) for each in (load, NO_LOAD))
    return dataclasses.replace(bill, load=load, idle_dollars=idle.dollars)


def _bill(summary: BilledResources, load: Load, *, free_tier: bool, durations: Mapping[str, Duration]) -> Bill:
    reads_kafka = READ_KAFKA in summary.functions
    if not reads_kafka or load.kafka_percent is None:
        load = dataclasses.replace(load, kafka_percent=100 if reads_kafka else 0)
    bill = Bill(f"Alsolike {summary.environment}", load, free_tier)
    calls = traffic(summary, load, durations=durations)
    _fixed(bill, summary)
    _api(bill, summary)
    _functions(bill, summary, calls)
    _stream(bill, summary)
    _tables(bill, summary)
    _buckets(bill, summary, calls)
    _trainings(bill, summary)
    _logs(bill, summary, calls)
    _observability(bill, summary, calls)
    _protection(bill, summary, calls)
    if summary.replica is not None:
        _replica(bill, summary, summary.replica)
    bill.remarks += _remarks(summary, load, calls)
    bill.lines.sort(key=lambda line: not line.fixed)
    return bill


def _fixed(bill: Bill, summary: BilledResources, where: str = "") -> None:
    """Add the fixed charges of a region, except for those of `_protection` and of the replication."""

    def add(what: str, quantity: float, price: str, how: str = "of the templates") -> None:
        bill.add(what + where, quantity, price, how, fixed=True)

    stream, count = summary.stream, shards(summary, bill.load)
    if stream.on_demand:
        add("on-demand stream", HOURS, "kinesis_on_demand_hours", f"{HOURS} hours")
    else:
        add("shards", count * HOURS, "kinesis_shard_hours", f"{count} shard(s), {HOURS} hours")
        if stream.retention_hours > EXTENDED_HOURS:
            how = f"{count} shard(s), {stream.retention_hours} hours of records"
            add("records kept longer", count * HOURS, "kinesis_extended_shard_hours", how)
    add("alarms", summary.alarm_metrics, "alarms", "metrics that alarms watch")
    add("composite alarms", summary.composite_alarms, "composite_alarms")
    add("dashboards", summary.dashboards, "dashboards")
    add("secrets", summary.secrets, "secrets")
    add("keys", summary.keys, "kms_keys", "of the templates, for secrets of keys, the log of Spark and stored data")
    for name, function in summary.functions.items():
        gb_s, how = function.memory_mb / 1024 * MONTH_S, f"{function.memory_mb} MB, all month"
        if function.snap_start:
            add(f"SnapStart of {name}", gb_s, "snap_start_cache_gb_s", how)
        price = "provisioned_arm_gb_s" if function.architecture == "arm64" else "provisioned_x86_gb_s"
        add(f"provisioned {name}", function.provisioned * gb_s, price, f"{function.provisioned} with {how}")


def _api(bill: Bill, summary: BilledResources) -> None:
    load, private = bill.load, summary.private_api
    calls = load.requests + load.event_calls + load.changes + load.scrapes
    price = "rest_api_calls" if private else "api_calls"
    bill.add("calls", calls, price, "requests, calls with events, changes of items and users, scrapes")
    if not private:  # Responses of a private API do not leave AWS.
        bill.add("answers", load.requests * ANSWER_BYTES / 1e9, "transfer_gb", f"{ANSWER_BYTES:,} bytes each")
    lists, publisher = load.static_requests, summary.functions.get("publish_lists")
    bill.add("requests for static lists", lists * STATIC_FILES, "cloudfront_requests", f"{STATIC_FILES} files a list")
    bill.add("static lists", lists * STATIC_BYTES / 1e9, "cloudfront_gb", f"{STATIC_BYTES:,} bytes a list")
    if publisher is not None:
        files = load.items / STATIC_SHARD_ITEMS
        writes = summary.training.runs * files + min(publisher.runs * files, load.changes)
        bill.add("writes of static lists", writes, "s3_writes", "all once a training; between, those of changed items")


def _functions(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    for name, call in calls.items():
        function = summary.functions[name]
        memory_gb, extra_gb = function.memory_mb / 1024, max(0, function.storage_mb - FREE_STORAGE_MB) / 1024
        bill.add(f"calls of {name}", call.calls, "lambda_requests", call.how)
        how = f"{call.milliseconds:,} ms with {function.memory_mb} MB ({call.duration.seen})"
        price = "lambda_arm_gb_s" if function.architecture == "arm64" else "lambda_x86_gb_s"
        bill.add(f"time of {name}", call.seconds * memory_gb, price, how)
        how = f"{function.storage_mb} MB, {FREE_STORAGE_MB} MB of which cost nothing"
        bill.add(f"disk of {name}", call.seconds * extra_gb, "lambda_storage_gb_s", how)
        if function.snap_start:
            restores = min(call.calls, call.processes * HOURS / PROCESS_HOURS)
            how = f"of a process every {PROCESS_HOURS} hours"
            bill.add(f"restores of {name}", restores * memory_gb, "snap_start_restore_gb", how)


def _stream(bill: Bill, summary: BilledResources) -> None:
    events, hours = bill.load.events, summary.stream.retention_hours
    hourly_gb = bill.load.events_per_day * RECORD_BYTES / 1e9 / 24
    if not summary.stream.on_demand:
        bill.add("PUT units", events, "kinesis_puts", "one an event, up to 25 KB")
    else:
        bill.add("on-demand, in", events * 1_024 / 1e9, "kinesis_on_demand_in_gb", "an event is rounded up to 1 KB")
        read_gb, how = CONSUMERS * events * RECORD_BYTES / 1e9, f"{CONSUMERS} consumers, {RECORD_BYTES} bytes an event"
        bill.add("on-demand, out", read_gb, "kinesis_on_demand_out_gb", how)
        kept_gb = hourly_gb * (min(hours, LONG_TERM_HOURS) - EXTENDED_HOURS)
        bill.add("on-demand, kept longer", kept_gb, "kinesis_on_demand_extended_gb", f"past {EXTENDED_HOURS} hours")
    kept_gb = hourly_gb * (hours - LONG_TERM_HOURS)
    bill.add("records past a week", kept_gb, "kinesis_long_term_gb", f"kept for longer than {LONG_TERM_HOURS} hours")


def _tables(bill: Bill, summary: BilledResources) -> None:
    load, reads = bill.load, math.ceil(PROFILE_ITEM_BYTES * bill.load.history_length / 4_096) / 2
    signing_in, anonymous = SIGN_IN_UNITS * (load.user_events / EVENTS_PER_SESSION), load.events - load.user_events
    how = f"and three a session that signs in; {EVENTS_PER_SESSION} events a session"
    bill.add("profile writes", load.events + signing_in, "dynamodb_writes", f"one unit an event, {how}")
    bill.add("marks of sessions", anonymous + signing_in, "dynamodb_reads", f"one unit an event without a user, {how}")
    how = f"{load.history_length} interactions of {PROFILE_ITEM_BYTES} bytes are {reads:g} units a request"
    bill.add("profile reads", load.requests * reads, "dynamodb_reads", how)
    bill.add("item and user writes", load.changes, "dynamodb_writes", "one unit each")
    bill.add("item and user reads", load.changes, "dynamodb_reads", "what is there is read before")
    kept = (load.user_events * PROFILE_DAYS + anonymous * SESSION_PROFILE_DAYS) / DAYS
    profiles_gb = kept * (PROFILE_ITEM_BYTES + TABLE_OVERHEAD_BYTES) / 1e9
    how = f"interactions of users, {PROFILE_DAYS} days, and of sessions, {SESSION_PROFILE_DAYS} days; users and items"
    bill.add("storage", profiles_gb + _rows_gb(load), "dynamodb_gb", how)
    if summary.table_backups:
        bill.add("backups", _rows_gb(load), "dynamodb_backup_gb", "point-in-time recovery of users and items")


def _rows_gb(load: Load) -> float:
    return (load.users + load.items) * ROW_BYTES / 1e9


def _buckets(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    load, runs, lake, cold = bill.load, summary.training.runs, bill.load.lake_gb, 0.0
    # Unread objects become cheaper 30 days after the transition. Each training reads all objects, so with scheduled
    # trainings the price does not fall.
    if summary.lake_cold_days is not None and not runs:
        cold = lake * max(0, load.history_days - summary.lake_cold_days - 30) / load.history_days
    bill.add("lake", lake - cold, "s3_gb", f"{load.history_days} days of events, 60 bytes each")
    bill.add("lake, rarely read", cold, "s3_infrequent_gb", "Intelligent-Tiering, infrequent access")
    days = min(summary.served_days or load.history_days, load.history_days)
    served_gb = load.requests / DAYS * days * SERVED_ROW_BYTES / 1e9
    bill.add("what was served", served_gb, "s3_gb", f"{SERVED_ROW_BYTES} bytes an answer")
    # At least the latest dataset and the champion's dataset are kept.
    kept = max((summary.dataset_days or 365) / DAYS * runs, min(2.0, runs))
    datasets_gb, how = load.interactions * DATASET_BYTES / 1e9 * kept, f"{DATASET_BYTES} bytes an interaction"
    bill.add("datasets", datasets_gb, "s3_gb", f"{kept:,.0f} of them, {how}")
    models_gb = load.items * (BUNDLES * BUNDLE_ITEM_BYTES + 10 * SNAPSHOT_BYTES) / 1e9
    bill.add("models, snapshots", models_gb, "s3_gb", f"{BUNDLES} bundles of {BUNDLE_ITEM_BYTES:,} bytes an item")
    written = {name: call.calls for name, call in calls.items()}
    artefacts = written.get("count_trends", 0.0) + 4 * written.get("publish_catalog", 0.0)
    for name, objects, how in (
        ("archive_events", 1, "an object a batch"),
        ("count_trends", 1, "the counters, once a batch"),
        ("archive_served", 1, "an object a delivery"),
        ("publish_catalog", 4, "segment, manifest, pointer and log of a batch"),
    ):
        bill.add(f"writes of {name}", objects * written.get(name, 0.0), "s3_writes", how)
    polls = {"s3_reads": 0.0, "s3_writes": 0.0}  # Processes check for trends with a LIST, billed like a write.
    for name, call in calls.items():
        for check, every_s in summary.functions[name].checks.items():
            price = "s3_writes" if check.startswith("trends") else "s3_reads"
            polls[price] += min(call.calls, call.processes * MONTH_S / max(1, every_s))
    bill.add(
        "looks for something new", polls["s3_reads"], "s3_reads", "champion, configuration, catalogue, erased users"
    )
    bill.add("looks for what trends", polls["s3_writes"], "s3_writes", "a LIST each")
    bill.add("reads of count_trends", written.get("count_trends", 0.0), "s3_reads", "the counters before a write")
    if summary.bucket_events:
        bill.add("events of the bucket", artefacts, "events", "a write of the artefact bucket each")


def _trainings(bill: Bill, summary: BilledResources) -> None:
    load, training, runs = bill.load, summary.training, summary.training.runs
    spark = on_spark(summary, load)
    fit_s = _training_s(load)
    from_statistics = training.spark_statistics and spark
    if from_statistics:
        fit_s = min(fit_s, STATISTICS_TRAINING_S)
    if runs:
        bill.remarks += _limits(training, load, hours=fit_s / 3600, from_statistics=from_statistics)
    seconds = min(fit_s, training.max_runtime_s)
    hours = runs * training.instances * seconds / 3600
    spot = f", spot at {SPOT_SHARE:.0%} of the price" if training.spot else ""
    how = f"{runs:.1f} runs of {seconds / 60:,.0f} minutes on {training.instances} {training.instance_type}{spot}"
    price = f"training_{training.instance_type}_hours"
    if price in prices.TABLE:
        bill.add("training", hours * (SPOT_SHARE if training.spot else 1), price, how)
    elif hours:
        bill.remarks.append(f"not priced: {how}: the price table has no {price}")
    volume_gb = training.volume_gb * hours / HOURS
    bill.add("training volumes", volume_gb, "training_volume_gb", f"{training.volume_gb} GB while it runs")
    if spark:
        dpus = training.spark_workers * DPUS[training.spark_worker_type]
        processors = 4 * (dpus - DPUS[training.spark_worker_type])  # One worker is the driver.
        work_s = SPARK_PROCESSOR_S + STATISTICS_PROCESSOR_S * training.spark_statistics
        spark_s = max(60.0, SPARK_STARTS_S + work_s * load.interactions / 1e6 / processors)
        how = f"{runs:.1f} runs of {spark_s / 60:,.1f} minutes on {training.spark_workers} {training.spark_worker_type}"
        price = "glue_flexible_dpu_hours" if training.spark_flexible else "glue_dpu_hours"
        bill.add("datasets on Spark", runs * dpus * spark_s / 3600, price, how)
    how = f"{runs:.1f} runs, {training.looks} evaluations of each canary"
    bill.add("transitions", training.transitions, "transitions", how)


def _training_s(load: Load) -> float:
    """Return the duration of a training in seconds, interpolated or extrapolated from `FIT_S`."""
    millions = load.interactions / 1e6
    segments = list(itertools.pairwise(FIT_S))
    (size, fit_s), (next_size, next_fit_s) = next((each for each in segments if millions <= each[1][0]), segments[-1])
    return JOB_STARTS_S + FITS * (fit_s + (next_fit_s - fit_s) / (next_size - size) * (millions - size))


def _limits(training: Training, load: Load, *, hours: float, from_statistics: bool) -> Iterator[str]:
    """Yield remarks on a training that exceeds its maximum duration or the memory of its machine.

    The bill assumes that SageMaker stops the training at its maximum duration.
    """
    maximum, has_gb = training.max_runtime_s / 3600, MEMORY_GB.get(training.instance_type)
    needed_gb, what = load.interactions * READ_BYTES / 1e9, f"a training on {load.interactions:,.0f} interactions"
    instead = "learn from fewer (limits.retention_days), or from what Spark counts (spark_statistics)"
    if from_statistics:
        read = min(load.interactions, training.spark_sample_interactions)
        needed_gb = (read * READ_BYTES + load.items * STATISTICS_ITEM_BYTES) / 1e9
        what, instead = f"a training from statistics and {read:,.0f} interactions", "raise it"
    if hours > maximum:
        yield (
            f"{what} takes about {hours:,.1f} hours; training_max_runtime_s ends it after {maximum:g}, which is what "
            f"the bill has: {instead}"
        )
    if has_gb is not None and needed_gb > has_gb:
        yield (
            f"{what} takes about {needed_gb:,.0f} GB of memory; {training.instance_type} has {has_gb}: set a larger "
            "training_instance_type, which costs more than the bill has"
        )


def _logs(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    for name, call in calls.items():
        call_bytes = call.duration.log_bytes + REPORT_BYTES * summary.functions[name].reports
        bill.add(f"log of {name}", call.calls * call_bytes / 1e9, "logs_gb", f"{call_bytes:,.0f} bytes a call")
    if summary.access_log:
        lines_gb = (
            ACCESS_LINE_BYTES / 1e9 * sum(calls[name].calls for name in ("collect", "recommend") if name in calls)
        )
        bill.add("access log", lines_gb, "logs_gb", f"{ACCESS_LINE_BYTES} bytes a call of the API")
    log_gb = summary.training.transitions * TRANSITION_LOG_BYTES / 1e9
    bill.add("log of trainings", log_gb, "logs_gb", f"{TRANSITION_LOG_BYTES:,} bytes a transition")
    days = summary.log_retention_days or 365
    kept_gb = bill.used("logs_gb") * (days / DAYS) * COMPRESSED_SHARE
    bill.add("logs kept", kept_gb, "logs_stored_gb", f"{days} days of it, compressed to {COMPRESSED_SHARE:.0%}")


def _observability(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    bounds = Bounds(versions=2, trainings=summary.training.runs)  # the champion, one canary version, no experiments
    for name, call in calls.items():
        written = [metric for metric in METRICS if metric.service == name]
        months = sum(metric.months(bounds, calls=call.calls) for metric in written)
        bill.add(f"metrics of {name}", months, "metrics", "those that it regularly sends, by the hour")
    read = metrics_read(kafka=READ_KAFKA in summary.functions)
    how = f"{read} statistics of metrics and the alarms a scrape"
    bill.add("metrics that Prometheus reads", bill.load.scrapes * (read + 1), "metrics_read", how)
    traced = [call.calls for name, call in calls.items() if summary.functions[name].tracing]
    traces = sum(min(count, MONTH_S) + TRACED_SHARE * max(0.0, count - MONTH_S) for count in traced)
    traces += summary.training.runs * summary.machines_traced
    bill.add("traces", traces, "traces", "one a second and function, and a twentieth of the rest")


def _protection(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    # Data events and backups depend on earlier lines of the bill.
    load = bill.load
    if summary.own_key:
        requests = sum(call.processes for call in calls.values()) * KEY_SERVICES * MONTH_S / KEY_CACHE_S
        bill.add("requests", requests, "kms_requests", f"{KEY_SERVICES} services a process, every {KEY_CACHE_S} s")
    if summary.firewall_rules:
        bill.add("web ACL", 1, "web_acls", "of the distribution", fixed=True)
        bill.add("rules", summary.firewall_rules, "firewall_rules", fixed=True)
        bill.add("requests", load.static_requests * STATIC_FILES, "firewall_requests", "requests for static lists")
    if summary.endpoints:
        bill.add("interface endpoints", summary.endpoints * HOURS, "endpoint_hours", f"{HOURS} hours each", fixed=True)
        stream_gb = load.events * RECORD_BYTES / 1e9
        bill.add("data of endpoints", stream_gb, "endpoint_gb", f"{RECORD_BYTES} bytes an event to the stream")
    if summary.private_api:
        responses_gb = load.requests * ANSWER_BYTES / 1e9
        bill.add("responses of the private API", responses_gb, "endpoint_gb", f"{ANSWER_BYTES:,} bytes each")
    if summary.audit_trail:
        bill.add("data events", bill.used("s3_reads", "s3_writes"), "data_events", "reads and writes of S3")
    if days := summary.backup_days:
        bill.add("tables", _rows_gb(load) * days, "backup_table_gb", f"{days} daily copies of users and items")
        stored_gb = bill.used("s3_gb", "s3_infrequent_gb")
        bill.add("buckets", stored_gb, "backup_bucket_gb", "one copy, and later only changes")


def _replica(bill: Bill, summary: BilledResources, replica: BilledResources) -> None:
    # The load is divided between the regions, so requests, events and their functions cost the same as in one region.
    load, written, tables_gb = bill.load, bill.used("dynamodb_writes"), bill.used("dynamodb_gb")
    stored_gb = bill.used("s3_gb", "s3_infrequent_gb")
    names = [f"writes of {name}" for name in ("archive_events", "archive_served", "publish_catalog")]
    objects = sum(line.quantity for line in bill.lines if line.what in names)
    _fixed(bill, replica, ", second region")
    bill.add("replicas of secrets", summary.secrets, "secrets", "one each", fixed=True)
    rules = summary.replication_rules + replica.replication_rules
    bill.add(
        "replication metrics", rules * RULE_METRICS, "metrics", f"{RULE_METRICS} each of {rules} rules", fixed=True
    )
    bill.add("replicated writes", written, "dynamodb_writes", "each write once more")
    bill.add("storage, second region", tables_gb, "dynamodb_gb", "a copy")
    bill.add("copies in the second region", stored_gb, "s3_gb", "lake, datasets, models and log")
    bill.add("replicated objects", objects, "s3_writes", "an object each, without trend counters")
    rows_gb = (load.events * PROFILE_ITEM_BYTES + load.changes * ROW_BYTES) / 1e9
    new_gb = load.lake_gb / (load.history_days / DAYS) + rows_gb
    bill.add("between the regions", new_gb, "region_gb", "new objects of the lake, and changed rows of the tables")
    checks = summary.health_checks
    requests, how = checks * CHECKS_PER_S * MONTH_S, f"{CHECKS_PER_S} requests per second"
    bill.add("health checks", checks, "health_checks", "by HTTPS, every 10 s", fixed=True)
    bill.add("health checks", requests, "api_calls", how, fixed=True)
    bill.add("health checks", requests, "lambda_requests", how, fixed=True)


def _remarks(summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> list[str]:
    others = {name: each for name, each in summary.functions.items() if name not in {*calls, "build_dataset"}}
    unknown = sorted(name for name, each in others.items() if each.sources or each.runs)
    rare = sorted(others.keys() - unknown)  # Functions without a schedule or an event source.
    stream, needed, domain = summary.stream, shards_needed(load), summary.replica and summary.health_checks
    few_shards = needed > stream.shards and not stream.on_demand
    no_lists = load.static_requests and "publish_lists" not in summary.functions
    at_peak = f"the load needs {needed} shards at {load.peak:g} times its mean"
    cases = (
        (few_shards, f"{at_peak}; stream_shards is {stream.shards}: set it to {needed}, which is what the bill has"),
        (no_lists, "the deployment publishes no static lists: set static_lists_schedule"),
        (domain, "not counted: the hosted zone of `api_domain`, $0.50 a month, and its queries, $0.40 per million"),
        (summary.replica, "not counted: transfer of datasets and models to the replica, and S3 Batch Replication"),
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
    return [remark for applies, remark in cases if applies]
