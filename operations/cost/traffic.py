"""Number, size and duration of functions' calls under a load."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from operations.cost.bill import DAYS, MONTH_S, Load
from operations.cost.summary import BilledResources, EventSource


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Billed duration of a call, as a constant plus a duration per record.

    `seen` is the source of the figures. `log_bytes` per call include the 26 bytes that CloudWatch adds to each line,
    but not Lambda's own lines.
    """

    call_ms: float
    record_ms: float = 0.0
    seen: str = "assumed"
    log_bytes: float = 470.0

    def ms(self, records: float) -> float:
        return self.call_ms + self.record_ms * records


_PAGE = "docs/performance.md"
DURATIONS: Mapping[str, Duration] = {
    "collect": Duration(
        call_ms=17.4,
        record_ms=0.2,
        seen=f"{_PAGE}: 0.69 ms of a processor, of which 512 MB have 0.29; 15 ms for Kinesis",
        log_bytes=241.0,
    ),
    "read_kafka": Duration(call_ms=17.4, record_ms=0.2, seen="assumed; as collect", log_bytes=241.0),
    "check_kafka": Duration(call_ms=100.0),
    "recommend": Duration(call_ms=6.3, seen=f"{_PAGE}: 1.3 ms, 5 ms for DynamoDB", log_bytes=1_397.0),
    "authorize_session": Duration(call_ms=3.0),
    "update_profiles": Duration(
        call_ms=15.0,
        record_ms=0.5,
        seen=f"{_PAGE}: 0.5 ms a record at 512 MB; a write and a read wait 7 ms each",
        log_bytes=350.0,
    ),
    "archive_events": Duration(call_ms=60.0, record_ms=0.02, seen=f"{_PAGE}: 83,700 records a second, 40 ms for S3"),
    "count_trends": Duration(
        call_ms=100.0, record_ms=0.1, seen="about 0.1 s a call; docs/trending.md: 4.8 ms of a processor for 100 records"
    ),
    "archive_served": Duration(call_ms=70.0, record_ms=0.1, seen="assumed; 40 ms of it for S3", log_bytes=242.0),
    "publish_catalog": Duration(call_ms=800.0, record_ms=0.2, seen="assumed; docs/catalogue.md: merges by size"),
    "compact_lake": Duration(call_ms=5_000.0, record_ms=0.02, seen="assumed; a day's events read and written once"),
    "attribute_outcomes": Duration(
        call_ms=2_000.0, record_ms=0.031, seen="docs/attribution.md: 31 s a million answers, with two events each"
    ),
    "monitor_models": Duration(call_ms=10_000.0, record_ms=0.002, seen="assumed; it reads a sample of a week"),
    "build_dataset": Duration(call_ms=5_000.0, record_ms=0.005, seen="docs/scale.md: 5 s a million events"),
    "publish_lists": Duration(call_ms=2_000.0, record_ms=0.05, seen="assumed; every item is read"),
    "start_training": Duration(call_ms=1_000.0),
    "register_model": Duration(call_ms=60_000.0, seen="assumed; two bundles are unpacked, run and timed"),
    "observe": Duration(call_ms=400.0, seen="assumed; CloudWatch answers twice"),
    "run_canary": Duration(call_ms=2_000.0, record_ms=0.004, seen="assumed; reads responses per evaluation"),
}

RECORD_BYTES = 500
"""Size of a JSON stream record without impressions, in bytes."""

LARGEST_BATCH = 6_000
"""Maximum number of records of `RECORD_BYTES` in Lambda's 6 MB, with base64 and envelope."""

SERVED_DELIVERY_S = 5
"""Interval between deliveries of the recommendation log, in seconds (assumed). CloudWatch Logs guarantees none."""

TABLE_SHARDS = 4
"""Number of shards of a table's stream. An on-demand table starts with four."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of a function per month. `records` is the mean number of records per call."""

    calls: float
    records: float
    duration: Duration
    timeout_s: int
    how: str

    @property
    def milliseconds(self) -> int:
        """Billed milliseconds per call, at most the timeout."""
        return min(math.ceil(self.duration.ms(self.records)), self.timeout_s * 1000)

    @property
    def seconds(self) -> float:
        """Billed seconds per month."""
        return self.calls * (self.milliseconds / 1000)

    @property
    def processes(self) -> float:
        """Mean number of concurrent processes, at least 1 if there are calls."""
        return max(1.0, self.seconds / MONTH_S) if self.calls else 0.0


def shards_needed(load: Load) -> int:
    # Records, incoming bytes and the reads of three consumers limit a shard.
    peak = load.events_per_day / 86_400 * load.peak
    mb = peak * RECORD_BYTES / 1e6
    return max(1, math.ceil(max(peak / 1_000, mb, 3 * mb / 2)))


def shards(summary: BilledResources, load: Load) -> int:
    """Return the number of needed shards: at least the template's number, or at least four for on-demand streams."""
    return max(shards_needed(load), 4 if summary.stream.on_demand else summary.stream.shards)


def traffic(summary: BilledResources, load: Load, *, durations: Mapping[str, Duration] = DURATIONS) -> dict[str, Calls]:
    """Return the monthly calls of each function, caused by the load, schedules and trainings.

    The model spreads events and requests evenly over the month. Bursts would fill batches better, so the estimate is
    the more expensive case.
    """
    functions, training, calls_by_function = summary.functions, summary.training, dict[str, Calls]()
    days, daily_answers, daily_events = 1 + summary.attribution_days, load.requests / DAYS, float(load.events_per_day)

    def add(name: str, calls: float, records: float, how: str) -> None:
        if name in functions and name in durations:
            calls_by_function[name] = Calls(
                calls=calls, records=records, duration=durations[name], timeout_s=functions[name].timeout_s, how=how
            )

    def add_batches(name: str, kind: str, batched: float, streams: int, how: str, records: float | None = None) -> None:
        for source in functions[name].sources if name in functions else ():
            if source.kind == kind:
                batches = _batches(batched, source, streams)
                window = f"{source.window_s} s" if source.window_s else "what is there each second"
                total = batched if records is None else records
                add(name, batches, total / batches if batches else 0, f"batches of {window}{how}")
                return

    def add_scheduled(name: str, records: float, how: str, more: float = 0.0) -> None:
        if name in functions:
            add(name, functions[name].runs + more, records, f"by its schedule{how}")

    writes = load.event_calls + load.changes
    how = f"a call for {load.events_per_call} event(s), one for an item or user"
    add("collect", writes, load.events / writes if writes else 0.0, how)
    read = load.kafka_events / load.events_per_call
    add_batches("read_kafka", "kafka", read, 1, ", of all partitions", load.kafka_events)
    add("recommend", load.requests, 1, "a call a request")
    count = shards(summary, load)
    for name in ("update_profiles", "archive_events", "count_trends"):
        add_batches(name, "kinesis", load.events, count, f", {count} shard(s)")
    add_batches("publish_catalog", "dynamodb", load.changes, TABLE_SHARDS, "")
    streams = _log_streams(load, durations["recommend"])
    delivered = EventSource(kind="logs", batch_size=LARGEST_BATCH, window_s=SERVED_DELIVERY_S)
    deliveries = _batches(load.requests, delivered, streams)
    how = f"a delivery of each of {streams} log stream(s) in 5 s, assumed"
    add("archive_served", deliveries, load.requests / deliveries if deliveries else 0, how)
    add_scheduled("check_kafka", 0.0, "; each reads a state")
    add_scheduled("compact_lake", daily_events, "; each has a day's events")
    how = f"; each has the answers of {days} days, whose windows are open"
    add_scheduled("attribute_outcomes", days * daily_answers, how)
    add_scheduled("monitor_models", 7 * daily_events, "; each has a week's events")
    add_scheduled("publish_lists", load.items, ", and once a training", training.runs)
    if load.scrapes:
        add("observe", load.scrapes, 0, f"Prometheus scrapes every {load.scrape_interval_s} s")
    add("start_training", training.runs, 0, "once a training")
    if not on_spark(summary, load):
        add("build_dataset", training.runs, load.interactions, "once a training, with the whole lake")
    add("register_model", training.runs, 0, "once a training")
    answers = daily_answers * training.looks * training.look_s / 86_400 / 2
    add("run_canary", training.runs * (training.looks + 1), answers, "a start and the evaluations of a canary")
    return calls_by_function


def on_spark(summary: BilledResources, load: Load) -> bool:
    above = summary.training.spark_above_mb
    return above is not None and lake_gb(load) * 1_000 > above


def lake_gb(load: Load) -> float:
    # An event takes 60 bytes in Parquet.
    return load.interactions * 60 / 1e9


def transitions(summary: BilledResources) -> float:
    """Return the monthly transitions of the training workflow: nine per run, and three per canary evaluation."""
    return summary.training.runs * (9 + 3 * summary.training.looks)


def _log_streams(load: Load, recommend: Duration) -> int:
    """Return the number of log streams in the busiest second. Each process of `recommend` writes to its own stream.

    CloudWatch Logs delivers the lines of one stream at a time (`logStream` in its payload):
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html. The number of concurrent requests
    follows a Poisson distribution. Its 98th percentile is about two standard deviations above the mean.
    """
    running = load.requests / MONTH_S * load.peak * recommend.ms(1) / 1_000
    return math.ceil(running + 2 * math.sqrt(running)) or 1


def _batches(records: float, source: EventSource, count: int) -> float:
    """Return the number of batches per month: one per window with a record, or more if batches fill up earlier.

    Lambda polls each shard about once per second if the source has no window.
    """
    rate = records / MONTH_S / count
    by_window = rate / (1 + rate * max(1, source.window_s))
    by_size = rate / min(source.batch_size, LARGEST_BATCH)
    return max(by_window, by_size) * MONTH_S * count
