"""Charges of data transfer and storage: the API, the stream, tables, buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping

from alsolike.cost.bill import Meter
from alsolike.cost.load import DAYS, HOURS, MONTH_S, Load
from alsolike.cost.standing import EXTENDED_HOURS, LONG_TERM_HOURS, kept_gb
from alsolike.cost.summary import Summary
from alsolike.cost.traffic import RECORD_BYTES, Calls, lake_gb

CONSUMERS = 3
PROFILE_BASE_BYTES, PROFILE_ENTRY_BYTES = 60, 72
"""A stored profile of 100 interactions is 7,260 bytes as DynamoDB counts it (`benchmarks.scale`)."""

ROW_BYTES = 600
"""A row of the catalogue or of the users, keys included."""

TABLE_OVERHEAD_BYTES = 100
ANSWER_BYTES = 2_200
"""An answer of 25 items with its headers."""

SERVED_ROW_BYTES = 300
"""Size of an answer with 25 items in the lake, compressed."""

DATASET_BYTES = 40
"""Size of an interaction in a dataset."""

BUNDLE_ITEM_BYTES, BUNDLES = 2_000, 12
SNAPSHOT_BYTES = 153
PROCESSES = 2
"""Number of the shop's processes; each requests a new token when its last one expires."""


def api(meter: Meter, summary: Summary, load: Load) -> None:
    """Add the costs of API calls, tokens and responses."""
    calls = load.requests + load.event_calls + load.changes
    meter.add("API Gateway", "calls", calls, "api_calls", "requests, calls with events, changes of items and users")
    asks = min(PROCESSES * HOURS * 60 / summary.token_minutes, load.requests + load.event_calls)
    how = f"{PROCESSES} processes of the shop, each one every {summary.token_minutes:g} minutes"
    meter.add("Cognito", "tokens", asks, "cognito_tokens", how)
    out_gb = load.requests * ANSWER_BYTES / 1e9
    meter.add(
        "Data transfer", "answers", out_gb, "transfer_gb", f"{ANSWER_BYTES:,} bytes an answer, out to the internet"
    )


def stream(meter: Meter, summary: Summary, load: Load) -> None:
    """Add the costs of the stream's records, in addition to its shards."""
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


def profile_bytes(load: Load) -> int:
    """Return the size of a full profile."""
    return PROFILE_BASE_BYTES + PROFILE_ENTRY_BYTES * load.history_length


def tables(meter: Meter, summary: Summary, load: Load) -> None:
    """Add the costs of profiles, the catalogue and the users."""
    size = profile_bytes(load)
    units = math.ceil(size / 1_024)
    how = f"a profile of {load.history_length} interactions is {size:,} bytes, {units} units an event"
    meter.add("DynamoDB", "profile writes", load.events * units, "dynamodb_writes", how)
    reads = math.ceil(size / 4_096) / 2
    meter.add("DynamoDB", "profile reads", load.requests * reads, "dynamodb_reads", f"{reads:g} units a request")
    before = math.ceil(size / 4_096)
    how = f"{before} units an event, read consistently before the write; what a process remembers is not taken off"
    meter.add("DynamoDB", "profile reads before writes", load.events * before, "dynamodb_reads", how)
    meter.add("DynamoDB", "item and user writes", load.changes, "dynamodb_writes", "one unit each")
    meter.add("DynamoDB", "item and user reads", load.changes, "dynamodb_reads", "what is there is read before")
    gb = (load.users * (size + TABLE_OVERHEAD_BYTES) + (load.users + load.items) * ROW_BYTES) / 1e9
    meter.add("DynamoDB", "storage", gb, "dynamodb_gb", "full profiles, users and items")
    if summary.table_backups:
        meter.add("DynamoDB", "backups", gb, "dynamodb_backup_gb", "point-in-time recovery of all of it")


def buckets(meter: Meter, summary: Summary, load: Load, calls: Mapping[str, Calls]) -> None:
    """Add the costs of objects: storage, writes, polling, and the events of writes."""
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
    for name, each in calls.items():
        for check, every_s in summary.functions[name].checks.items():
            looks = min(each.calls, each.processes * MONTH_S / max(1, every_s))
            listed, read = (listed + looks, read) if check.startswith("trends") else (listed, read + looks)
    meter.add("S3", "looks for something new", read, "s3_reads", "champion, configuration, catalogue, erased users")
    meter.add("S3", "looks for what trends", listed, "s3_writes", "a LIST each")
    if "count_trends" in calls:
        meter.add("S3", "reads of count_trends", calls["count_trends"].calls, "s3_reads", "the counters before a write")
    if summary.bucket_events:
        meter.add("EventBridge", "events of the bucket", writes, "events", "a write of the artefact bucket each")


def _storage(meter: Meter, summary: Summary, load: Load) -> None:
    lake, cold_days = lake_gb(load), summary.lake_cold_days
    # Unread objects cost less 30 days after their transition; a training reads all of them, so the price stays.
    cold = 0.0
    if cold_days is not None and not summary.training.runs:
        cold = lake * max(0, load.history_days - cold_days - 30) / load.history_days
    meter.add("S3", "lake", lake - cold, "s3_gb", f"{load.history_days} days of events, 60 bytes each")
    meter.add("S3", "lake that nobody reads", cold, "s3_infrequent_gb", "Intelligent-Tiering, infrequent access")
    days = min(summary.served_days or load.history_days, load.history_days)
    served = load.requests_per_day * days * SERVED_ROW_BYTES / 1e9
    meter.add("S3", "what was served", served, "s3_gb", f"{SERVED_ROW_BYTES} bytes an answer")
    # The latest and the champion's stay in any case.
    kept = max((summary.dataset_days or 365) / DAYS * summary.training.runs, min(2.0, summary.training.runs))
    datasets = load.interactions * DATASET_BYTES / 1e9 * kept
    meter.add("S3", "datasets", datasets, "s3_gb", f"{kept:,.0f} of them, {DATASET_BYTES} bytes an interaction")
    models = load.items * (BUNDLES * BUNDLE_ITEM_BYTES + 10 * SNAPSHOT_BYTES) / 1e9
    meter.add("S3", "models, snapshots", models, "s3_gb", f"{BUNDLES} bundles of {BUNDLE_ITEM_BYTES:,} bytes an item")
