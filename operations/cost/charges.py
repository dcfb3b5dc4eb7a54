"""Charges of a deployment and of Amazon Personalize. Each row is a name, a quantity, its price and its source."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

from alsolike.declarations.retention import PROFILE_DAYS, SESSION_PROFILE_DAYS
from alsolike.declarations.training import FITS
from operations import prices
from operations.cost.bill import DAYS, HOURS, MONTH_S, NO_LOAD, Bill, Load, Row
from operations.cost.resources import BilledResources
from operations.cost.traffic import RECORD_BYTES, Calls, on_spark, shards, shards_needed, traffic
from operations.metric_writers import METRICS, Bounds
from operations.prometheus.families import READ_KAFKA, metrics_read

TEMPLATES = "of the templates"
DASHBOARD, HEALTH_CHECK = "AWS::CloudWatch::Dashboard", "AWS::Route53::HealthCheck"
PRIVATE_API, SECRET = "AWS::ApiGateway::RestApi", "AWS::SecretsManager::Secret"
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
# Processor seconds per million events: the slopes up to 5 million and, for each of four cut-off times of the
# statistics, up to a million events (docs/scale.md).
SPARK_PROCESSOR_S, STATISTICS_PROCESSOR_S = 51.3, 284.0
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

# Amazon Personalize
EVENT_BYTES = 200  # event in PutEvents, with its IDs, type, time and session
TRAININGS = DAYS / 7  # per month: automatic training runs every seven days by default
MIN_REQUESTS = 1 * MONTH_S  # per month: `minProvisionedTPS` of a campaign is at least 1


def estimate(summary: BilledResources, load: Load, *, free_tier: bool = False) -> Bill:
    bill, idle = (_bill(summary, each, free_tier=free_tier) for each in (load, NO_LOAD))
    return dataclasses.replace(bill, load=load, idle_dollars=idle.dollars)


def _bill(summary: BilledResources, load: Load, *, free_tier: bool) -> Bill:
    reads_kafka = READ_KAFKA in summary.functions
    if not reads_kafka or load.kafka_percent is None:
        load = dataclasses.replace(load, kafka_percent=100 if reads_kafka else 0)
    bill, calls = Bill(f"Alsolike {summary.environment}", load, free_tier), traffic(summary, load)
    _fixed(bill, summary)
    # The last groups use the lines of the others.
    for add in (_api, _functions, _stream, _tables, _buckets, _trainings, _logs_and_traces, _protection):
        add(bill, summary, calls)
    if summary.replica is not None:
        _replica(bill, summary, summary.replica)
    bill.remarks += _remarks(summary, load, calls)
    bill.lines.sort(key=lambda line: not line.fixed)
    return bill


def _fixed(bill: Bill, summary: BilledResources, where: str = "") -> None:
    """Add the fixed charges of a region, except for those of `_protection` and of the replication."""
    stream, count, counts = summary.stream, shards(summary, bill.load), summary.counts
    shard_hours = 0 if stream.on_demand else count * HOURS
    extended_hours = shard_hours if stream.retention_hours > EXTENDED_HOURS else 0
    rows: list[Row] = [
        ("on-demand stream", HOURS * stream.on_demand, "kinesis_on_demand_hours", f"{HOURS} hours"),
        ("shards", shard_hours, "kinesis_shard_hours", f"{count} shard(s), {HOURS} hours"),
        ("records kept longer", extended_hours, "kinesis_extended_shard_hours", f"{stream.retention_hours} hours each"),
        ("alarms", summary.alarm_metrics, "alarms", "metrics that alarms watch"),
        ("composite alarms", counts["AWS::CloudWatch::CompositeAlarm"], "composite_alarms", TEMPLATES),
        ("dashboards", counts[DASHBOARD], "dashboards", TEMPLATES),
        ("secrets", counts[SECRET], "secrets", TEMPLATES),
        ("keys", counts["AWS::KMS::Key"], "kms_keys", "for secrets of keys, the log of Spark and stored data"),
    ]  # fmt: skip
    for name, function in summary.functions.items():
        gb_s, how = function.memory_mb / 1024 * MONTH_S, f"{function.memory_mb} MB, all month"
        provisioned = f"provisioned_{function.processor}_gb_s"
        rows += [
            (f"SnapStart of {name}", gb_s * function.snap_start, "snap_start_cache_gb_s", how),
            (f"provisioned {name}", function.provisioned * gb_s, provisioned, f"{function.provisioned} with {how}"),
        ]
    bill.add(*((what + where, quantity, price, how) for what, quantity, price, how in rows), fixed=True)


def _api(bill: Bill, summary: BilledResources, _: Mapping[str, Calls]) -> None:
    load, private, publisher = bill.load, summary.counts[PRIVATE_API], summary.functions.get("publish_lists")
    calls = load.requests + load.event_calls + load.changes + load.scrapes
    lists, files = load.static_requests, load.items / STATIC_SHARD_ITEMS
    price = "rest_api_calls" if private else "api_calls"
    published = summary.training.runs * files + min(publisher.runs * files, load.changes) if publisher else 0.0
    responses_gb = 0.0 if private else load.requests * ANSWER_BYTES / 1e9  # Private responses do not leave AWS.
    bill.add(
        ("calls", calls, price, "requests, calls with events, changes of items and users, scrapes"),
        ("answers", responses_gb, "transfer_gb", f"{ANSWER_BYTES:,} bytes each"),
        ("requests for static lists", lists * STATIC_FILES, "cloudfront_requests", f"{STATIC_FILES} files a list"),
        ("static lists", lists * STATIC_BYTES / 1e9, "cloudfront_gb", f"{STATIC_BYTES:,} bytes a list"),
        ("writes of static lists", published, "s3_writes", "all once a training; between, those of changed items"),
    )  # fmt: skip


def _functions(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    bounds = Bounds(versions=2, trainings=summary.training.runs)  # the champion, one canary version, no experiments
    for name, call in calls.items():
        function = summary.functions[name]
        log_bytes = call.duration.log_bytes + REPORT_BYTES * function.reports
        series = sum(metric.months(bounds, calls=call.calls) for metric in METRICS if metric.service == name)
        memory_gb, extra_gb = function.memory_mb / 1024, max(0, function.storage_mb - FREE_STORAGE_MB) / 1024
        restores = min(call.calls, call.processes * HOURS / PROCESS_HOURS) if function.snap_start else 0.0
        bill.add(
            (f"calls of {name}", call.calls, "lambda_requests", call.how),
            (f"time of {name}", call.seconds * memory_gb, f"lambda_{function.processor}_gb_s",
             f"{call.milliseconds:,} ms with {function.memory_mb} MB ({call.duration.seen})"),
            (f"disk of {name}", call.seconds * extra_gb, "lambda_storage_gb_s", f"above {FREE_STORAGE_MB} MB"),
            (f"restores of {name}", restores * memory_gb, "snap_start_restore_gb", f"every {PROCESS_HOURS} hours"),
            (f"log of {name}", call.calls * log_bytes / 1e9, "logs_gb", f"{log_bytes:,.0f} bytes a call"),
            (f"metrics of {name}", series, "metrics", "those that it regularly sends, by the hour"),
        )  # fmt: skip


def _stream(bill: Bill, summary: BilledResources, _: Mapping[str, Calls]) -> None:
    events, hours, on_demand = bill.load.events, summary.stream.retention_hours, summary.stream.on_demand
    hourly_gb, demanded = bill.load.events_per_day * RECORD_BYTES / 1e9 / 24, events * on_demand
    past_gb, out_gb = hourly_gb * (hours - LONG_TERM_HOURS), CONSUMERS * demanded * RECORD_BYTES / 1e9
    extended_gb = hourly_gb * (min(hours, LONG_TERM_HOURS) - EXTENDED_HOURS) * on_demand
    bill.add(
        ("PUT units", events - demanded, "kinesis_puts", "one an event, up to 25 KB"),
        ("on-demand, in", demanded * 1_024 / 1e9, "kinesis_on_demand_in_gb", "an event is rounded up to 1 KB"),
        ("on-demand, out", out_gb, "kinesis_on_demand_out_gb", f"{CONSUMERS} consumers, {RECORD_BYTES} bytes an event"),
        ("on-demand, kept longer", extended_gb, "kinesis_on_demand_extended_gb", f"past {EXTENDED_HOURS} hours"),
        ("records past a week", past_gb, "kinesis_long_term_gb", f"kept for longer than {LONG_TERM_HOURS} hours"),
    )  # fmt: skip


def _tables(bill: Bill, summary: BilledResources, _: Mapping[str, Calls]) -> None:
    load, history, rows_gb = bill.load, bill.load.history_length, _rows_gb(bill.load)
    reads = math.ceil(PROFILE_ITEM_BYTES * history / 4_096) / 2
    signing_in, anonymous = SIGN_IN_UNITS * (load.user_events / EVENTS_PER_SESSION), load.events - load.user_events
    sessions = f"three a session that signs in, with {EVENTS_PER_SESSION} events"
    kept = (load.user_events * PROFILE_DAYS + anonymous * SESSION_PROFILE_DAYS) / DAYS
    profiles_gb = kept * (PROFILE_ITEM_BYTES + TABLE_OVERHEAD_BYTES) / 1e9
    bill.add(
        ("profile writes", load.events + signing_in, "dynamodb_writes", f"one unit an event, and {sessions}"),
        ("marks of sessions", anonymous + signing_in, "dynamodb_reads", f"one an event without a user, and {sessions}"),
        ("profile reads", load.requests * reads, "dynamodb_reads", f"{reads:g} units for {history} interactions"),
        ("item and user writes", load.changes, "dynamodb_writes", "one unit each"),
        ("item and user reads", load.changes, "dynamodb_reads", "what is there is read before"),
        ("storage", profiles_gb + rows_gb, "dynamodb_gb", f"rows, and {PROFILE_DAYS} days of profiles"),
        ("backups", rows_gb * summary.table_backups, "dynamodb_backup_gb", "point-in-time recovery of users and items"),
    )  # fmt: skip


def _rows_gb(load: Load) -> float:
    return (load.users + load.items) * ROW_BYTES / 1e9


def _buckets(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    load, runs, lake, cold = bill.load, summary.training.runs, bill.load.lake_gb, 0.0
    # Unread objects become cheaper 30 days after the transition. Each training reads all objects, so with scheduled
    # trainings the price does not fall.
    if summary.lake_cold_days is not None and not runs:
        cold = lake * max(0, load.history_days - summary.lake_cold_days - 30) / load.history_days
    served_days = min(summary.served_days or load.history_days, load.history_days)
    served_gb = load.requests / DAYS * served_days * SERVED_ROW_BYTES / 1e9
    # At least the latest dataset and the champion's dataset are kept.
    kept = max(summary.dataset_days / DAYS * runs, min(2.0, runs))
    datasets_gb = load.interactions * DATASET_BYTES / 1e9 * kept
    models_gb = load.items * (BUNDLES * BUNDLE_ITEM_BYTES + 10 * SNAPSHOT_BYTES) / 1e9
    written = {name: call.calls for name, call in calls.items()}
    trends, published = written.get("count_trends", 0.0), 4 * written.get("publish_catalog", 0.0)
    artefacts = trends + published
    polls = {"s3_reads": 0.0, "s3_writes": 0.0}  # Processes check for trends with a LIST, billed like a write.
    for name, call in calls.items():
        for check, every_s in summary.functions[name].checks.items():
            price = "s3_writes" if check.startswith("trends") else "s3_reads"
            polls[price] += min(call.calls, call.processes * MONTH_S / max(1, every_s))
    bill.add(
        ("lake", lake - cold, "s3_gb", f"{load.history_days} days of events, 60 bytes each"),
        ("lake, rarely read", cold, "s3_infrequent_gb", "Intelligent-Tiering, infrequent access"),
        ("what was served", served_gb, "s3_gb", f"{SERVED_ROW_BYTES} bytes an answer"),
        ("datasets", datasets_gb, "s3_gb", f"{kept:,.0f} of them, {DATASET_BYTES} bytes an interaction"),
        ("models, snapshots", models_gb, "s3_gb", f"{BUNDLES} bundles of {BUNDLE_ITEM_BYTES:,} bytes an item"),
        ("writes of archive_events", written.get("archive_events", 0.0), "s3_writes", "an object a batch"),
        ("writes of count_trends", trends, "s3_writes", "the counters, once a batch"),
        ("writes of archive_served", written.get("archive_served", 0.0), "s3_writes", "an object a delivery"),
        ("writes of publish_catalog", published, "s3_writes", "segment, manifest, pointer and log of a batch"),
        ("looks for something new", polls["s3_reads"], "s3_reads", "champion, configuration, catalogue, erased users"),
        ("looks for what trends", polls["s3_writes"], "s3_writes", "a LIST each"),
        ("reads of count_trends", trends, "s3_reads", "the counters before a write"),
        ("events of the bucket", artefacts * summary.bucket_events, "events", "a write of the artefact bucket each"),
    )  # fmt: skip


def _trainings(bill: Bill, summary: BilledResources, _: Mapping[str, Calls]) -> None:
    load, training, runs = bill.load, summary.training, summary.training.runs
    seconds = min(_fit_s(summary, load), training.max_runtime_s)
    hours = runs * seconds / 3600
    spot = f", spot at {SPOT_SHARE:.0%} of the price" if training.spot else ""
    how = f"{runs:.1f} runs of {seconds / 60:,.0f} minutes on {training.instance_type}{spot}"
    price = f"training_{training.instance_type}_hours"
    if price in prices.TABLE:
        bill.add(("training", hours * (SPOT_SHARE if training.spot else 1), price, how))
    elif hours:
        bill.remarks.append(f"not priced: {how}: the price table has no {price}")
    volume_gb, how = training.volume_gb * hours / HOURS, f"{training.volume_gb} GB while it runs"
    bill.add(("training volumes", volume_gb, "training_volume_gb", how))
    if on_spark(summary, load):
        workers, kind = training.spark_workers, training.spark_worker_type
        processors = 4 * (workers - 1) * DPUS[kind]  # One worker is the driver.
        work_s = SPARK_PROCESSOR_S + STATISTICS_PROCESSOR_S * training.spark_statistics
        spark_s = max(60.0, SPARK_STARTS_S + work_s * load.interactions / 1e6 / processors)
        price = "glue_flexible_dpu_hours" if training.spark_flexible else "glue_dpu_hours"
        how = f"{runs:.1f} runs of {spark_s / 60:,.1f} minutes on {workers} {kind}"
        bill.add(("datasets on Spark", runs * workers * DPUS[kind] * spark_s / 3600, price, how))
    how = f"{runs:.1f} runs, {training.looks} evaluations of each canary"
    bill.add(("transitions", training.transitions, "transitions", how))


def _from_statistics(summary: BilledResources, load: Load) -> bool:
    return summary.training.spark_statistics and on_spark(summary, load)


def _fit_s(summary: BilledResources, load: Load) -> float:
    """Return the duration of a training in seconds, interpolated or extrapolated from `FIT_S`."""
    millions = load.interactions / 1e6
    segments = list(itertools.pairwise(FIT_S))
    (size, fit_s), (next_size, next_fit_s) = next((each for each in segments if millions <= each[1][0]), segments[-1])
    run_s = JOB_STARTS_S + FITS * (fit_s + (next_fit_s - fit_s) / (next_size - size) * (millions - size))
    return min(run_s, STATISTICS_TRAINING_S) if _from_statistics(summary, load) else run_s


def _logs_and_traces(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    access_gb = sum(calls[name].calls for name in ("collect", "recommend") if name in calls) * ACCESS_LINE_BYTES / 1e9
    trainings_gb = summary.training.transitions * TRANSITION_LOG_BYTES / 1e9
    days = summary.log_retention_days or 365
    bill.add(
        ("access log", access_gb * summary.access_log, "logs_gb", f"{ACCESS_LINE_BYTES} bytes a call of the API"),
        ("log of trainings", trainings_gb, "logs_gb", f"{TRANSITION_LOG_BYTES:,} bytes a transition"),
    )
    kept_gb = bill.used("logs_gb") * (days / DAYS) * COMPRESSED_SHARE
    read = metrics_read(kafka=READ_KAFKA in summary.functions)
    reads = bill.load.scrapes * (read + 1)
    traced = [call.calls for name, call in calls.items() if summary.functions[name].tracing]
    traces = sum(min(count, MONTH_S) + TRACED_SHARE * max(0.0, count - MONTH_S) for count in traced)
    traces += summary.training.runs * summary.machines_traced
    bill.add(
        ("logs kept", kept_gb, "logs_stored_gb", f"{days} days of it, compressed to {COMPRESSED_SHARE:.0%}"),
        ("metrics that Prometheus reads", reads, "metrics_read", f"{read} statistics and the alarms a scrape"),
        ("traces", traces, "traces", "one a second and function, and a twentieth of the rest"),
    )


def _protection(bill: Bill, summary: BilledResources, calls: Mapping[str, Calls]) -> None:
    load, firewall, endpoints, own_key = bill.load, summary.firewall_rules, summary.endpoints, summary.own_key
    processes = sum(call.processes for call in calls.values()) if own_key else 0.0
    keyed = processes * KEY_SERVICES * MONTH_S / KEY_CACHE_S
    requests = load.static_requests * STATIC_FILES if firewall else 0.0
    bill.add(
        ("web ACL", min(1, firewall), "web_acls", "of the distribution"),
        ("rules", firewall, "firewall_rules", TEMPLATES),
        ("interface endpoints", endpoints * HOURS, "endpoint_hours", f"{HOURS} hours each"),
        fixed=True,
    )
    stream_gb = load.events * RECORD_BYTES / 1e9 if endpoints else 0.0
    responses_gb, days = load.requests * ANSWER_BYTES / 1e9 * summary.counts[PRIVATE_API], summary.backup_days
    stored_gb, objects = bill.used("s3_gb", "s3_infrequent_gb"), bill.used("s3_reads", "s3_writes")
    bill.add(
        ("requests", keyed, "kms_requests", f"{KEY_SERVICES} services a process, every {KEY_CACHE_S} s"),
        ("requests", requests, "firewall_requests", "requests for static lists"),
        ("data of endpoints", stream_gb, "endpoint_gb", f"{RECORD_BYTES} bytes an event to the stream"),
        ("responses of the private API", responses_gb, "endpoint_gb", f"{ANSWER_BYTES:,} bytes each"),
        ("data events", objects * summary.counts["AWS::CloudTrail::Trail"], "data_events", "reads and writes of S3"),
        ("tables", _rows_gb(load) * days, "backup_table_gb", f"{days} daily copies of users and items"),
        ("buckets", stored_gb if days else 0.0, "backup_bucket_gb", "one copy, and later only changes"),
    )


def _replica(bill: Bill, summary: BilledResources, replica: BilledResources) -> None:
    # The load is divided between the regions, so requests, events and their functions cost the same as in one region.
    load, checks, stored_gb = bill.load, summary.counts[HEALTH_CHECK], bill.used("s3_gb", "s3_infrequent_gb")
    rules, requests = summary.replication_rules + replica.replication_rules, checks * CHECKS_PER_S * MONTH_S
    names = [f"writes of {name}" for name in ("archive_events", "archive_served", "publish_catalog")]
    objects = sum(line.quantity for line in bill.lines if line.what in names)
    rows_gb = (load.events * PROFILE_ITEM_BYTES + load.changes * ROW_BYTES) / 1e9
    new_gb = load.lake_gb / (load.history_days / DAYS) + rows_gb
    each_s = f"{CHECKS_PER_S} requests per second"
    usage = [
        ("replicated writes", bill.used("dynamodb_writes"), "dynamodb_writes", "each write once more"),
        ("storage, second region", bill.used("dynamodb_gb"), "dynamodb_gb", "a copy"),
        ("copies in the second region", stored_gb, "s3_gb", "lake, datasets, models and log"),
        ("replicated objects", objects, "s3_writes", "an object each, without trend counters"),
        ("between the regions", new_gb, "region_gb", "new objects of the lake, and changed rows of the tables"),
    ]
    _fixed(bill, replica, ", second region")
    bill.add(
        ("replicas of secrets", summary.counts[SECRET], "secrets", "one each"),
        ("replication metrics", rules * RULE_METRICS, "metrics", f"{RULE_METRICS} each of {rules} rules"),
        ("health checks", checks, "health_checks", "by HTTPS, every 10 s"),
        ("health checks", requests, "api_calls", each_s),
        ("health checks", requests, "lambda_requests", each_s),
        fixed=True,
    )
    bill.add(*usage)


def _remarks(summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> list[str]:
    others = {name: each for name, each in summary.functions.items() if name not in calls}
    unknown = sorted(name for name, each in others.items() if each.sources or each.runs)
    rare = sorted(others.keys() - unknown)  # Functions without a schedule or an event source.
    stream, training, needed = summary.stream, summary.training, shards_needed(load)
    hours, max_hours = _fit_s(summary, load) / 3600, training.max_runtime_s / 3600
    read, items_gb, has_gb = load.interactions, 0.0, MEMORY_GB.get(training.instance_type, math.inf)
    what = f"a training on {read:,.0f} interactions"
    instead = "learn from fewer (limits.retention_days), or from what Spark counts (spark_statistics)"
    if _from_statistics(summary, load):
        read, items_gb = min(read, training.spark_sample_interactions), load.items * STATISTICS_ITEM_BYTES / 1e9
        what, instead = f"a training from statistics and {read:,.0f} interactions", "raise it"
    needed_gb = read * READ_BYTES / 1e9 + items_gb
    cases = (
        (training.runs and hours > max_hours,
         f"{what} takes about {hours:,.1f} hours; training_max_runtime_s ends it after {max_hours:g}, which is what "
         f"the bill has: {instead}"),
        (training.runs and needed_gb > has_gb,
         f"{what} takes about {needed_gb:,.0f} GB of memory; {training.instance_type} has {has_gb}: set a larger "
         "training_instance_type, which costs more than the bill has"),
        (needed > stream.shards and not stream.on_demand,
         f"the load needs {needed} shards at {load.peak:g} times its mean; stream_shards is {stream.shards}: set it to "
         f"{needed}, which is what the bill has"),
        (load.static_requests and "publish_lists" not in summary.functions,
         "the deployment publishes no static lists: set static_lists_schedule"),
        (summary.replica and summary.counts[HEALTH_CHECK],
         "not counted: the hosted zone of `api_domain`, $0.50 a month, and its queries, $0.40 per million"),
        (summary.replica, "not counted: transfer of datasets and models to the replica, and S3 Batch Replication"),
        (summary.region != prices.REGION,
         f"the deployment is in {summary.region}; prices are those of {prices.REGION}"),
        (rare, f"not counted, because the load does not determine them: calls of {', '.join(rare)}"),
        (True, "not counted: metrics that are sent when something goes wrong (`alsolike metrics` names them)"),
        (READ_KAFKA in summary.functions, "not counted: the Kafka cluster, and the network between it and Lambda"),
        (summary.counts["AWS::CloudFront::Distribution"],
         "not counted: visits of the pages, which CloudFront charges by requests and bytes"),
        (unknown, f"not counted: the functions {', '.join(unknown)}, whose durations are unknown"),
        (not training.runs, "not counted: trainings, because no schedule starts them"),
    )  # fmt: skip
    return [remark for applies, remark in cases if applies]


def estimate_personalize(load: Load, *, free_tier: bool = False) -> Bill:
    """Return the cost of the load on one campaign of a custom solution with `aws-user-personalization-v2`.

    https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html describes the minimum charge.
    """
    bill, idle = (_personalize(each, free_tier=free_tier) for each in (load, NO_LOAD))
    older = prices.dollars("personalize_legacy_requests", MIN_REQUESTS, free_tier=free_tier)
    bill.remarks += [
        "one custom solution of User-Personalization-v2 with one campaign: ingested GB, interactions of each training, "
        "requests; other uses, such as similar items, need additional campaigns",
        f"a campaign is charged one request a second at least, ${bill.fixed_dollars:,.2f} of this sum, says its "
        f"documentation. That the price of v2 holds for it was not confirmed; of older recipes it is ${older:,.2f}",
        "not counted: the first import of the history, and the function that calls the API from the shop's pages",
    ]
    return dataclasses.replace(bill, idle_dollars=idle.dollars)


def _personalize(load: Load, *, free_tier: bool) -> Bill:
    bill, requests = Bill("Amazon Personalize", load, free_tier), load.requests + load.static_requests
    unused, gb = max(0.0, MIN_REQUESTS - requests), (load.events * EVENT_BYTES + load.changes * ROW_BYTES) / 1e9
    bill.add(("up to the minimum", unused, "personalize_requests", "one request per second, used or not"), fixed=True)
    bill.add(
        ("ingestion", gb, "personalize_ingested_gb", f"{EVENT_BYTES} bytes per event, {ROW_BYTES} per change"),
        ("training", load.interactions * TRAININGS, "personalize_trained", f"{TRAININGS:.1f} trainings on all events"),
        ("requests", requests, "personalize_requests", "recommendations"),
    )
    return bill
