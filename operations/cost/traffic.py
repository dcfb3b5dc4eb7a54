"""Number, size and duration of functions' calls under a load."""

from __future__ import annotations

import dataclasses
import math

from operations.cost.bill import DAYS, MONTH_S, Load
from operations.cost.resources import BilledResources, EventSource


@dataclasses.dataclass(frozen=True, slots=True)
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


DURATIONS = {
    "collect": Duration(
        17.4, 0.2, "docs/performance.md: 0.69 ms of a processor, at 512 MB 0.29; 15 ms for Kinesis", 241
    ),
    "read_kafka": Duration(17.4, 0.2, "assumed; as collect", 241),
    "check_kafka": Duration(100),
    "recommend": Duration(6.3, 0, "docs/performance.md: 1.3 ms, 5 ms for DynamoDB", 1_397),
    "authorize_session": Duration(3),
    "update_profiles": Duration(15, 0.5, "docs/performance.md: 0.5 ms a record, 7 ms for a write and for a read", 350),
    "archive_events": Duration(60, 0.02, "docs/performance.md: 83,700 records a second, 40 ms for S3"),
    "count_trends": Duration(100, 0.1, "about 0.1 s a call; docs/trending.md: 4.8 ms of a processor for 100 records"),
    "archive_served": Duration(70, 0.1, "assumed; 40 ms of it for S3", 242),
    "publish_catalog": Duration(800, 0.2, "assumed; docs/catalogue.md: merges by size"),
    "compact_lake": Duration(5_000, 0.02, "assumed; a day's events read and written once"),
    "attribute_outcomes": Duration(2_000, 0.031, "docs/attribution.md: 31 s a million answers, with two events each"),
    "monitor_models": Duration(10_000, 0.002, "assumed; it reads a sample of a week"),
    "build_dataset": Duration(5_000, 0.005, "docs/scale.md: 5 s a million events"),
    "publish_lists": Duration(2_000, 0.05, "assumed; every item is read"),
    "start_training": Duration(1_000),
    "register_model": Duration(60_000, 0, "assumed; two bundles are unpacked, run and timed"),
    "observe": Duration(400, 0, "assumed; CloudWatch answers twice"),
    "run_canary": Duration(2_000, 0.004, "assumed; reads responses per evaluation"),
}

RECORD_BYTES = 500  # JSON record of the stream, without impressions
LARGEST_BATCH = 6_000  # records of RECORD_BYTES in Lambda's 6 MB, with base64 and envelope
SERVED_DELIVERY_S = 5  # between deliveries of a log stream, assumed: CloudWatch Logs documents no interval
TABLE_SHARDS = 4  # shards of a table's stream: an on-demand table starts with four


@dataclasses.dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a function per month. `records` is the mean number of records per call."""

    calls: float
    records: float
    how: str
    duration: Duration
    timeout_s: int

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


def traffic(summary: BilledResources, load: Load) -> dict[str, Calls]:
    """Return the monthly calls of each function, caused by the load, schedules and trainings.

    The model spreads events and requests evenly over the month. Bursts would fill batches better, so the estimate is
    the more expensive case.
    """
    functions, training, count = summary.functions, summary.training, shards(summary, load)
    days, answers, events = 1 + summary.attribution_days, load.requests / DAYS, float(load.events_per_day)
    runs, per_event = {name: function.runs for name, function in functions.items()}, load.events_per_call
    durations = DURATIONS | summary.durations
    fits = 0.0 if on_spark(summary, load) else training.runs

    def batched(name: str, records: float, streams: int, how: str, size: int = 1) -> tuple[float, float, str]:
        if name not in functions or not functions[name].sources:
            return 0.0, 0.0, ""
        source = functions[name].sources[0]
        calls = _batches(records / size, source, streams)
        window = f"{source.window_s} s" if source.window_s else "what is there each second"
        return calls, _ratio(records, calls), f"batches of {window}, {how}"

    posts, streams = load.event_calls + load.changes, _log_streams(load, durations["recommend"])
    deliveries = _batches(load.requests, EventSource(LARGEST_BATCH, SERVED_DELIVERY_S), streams)
    evaluated = answers * training.looks * training.look_s / 86_400 / 2
    calls = {  # calls per month, records per call, explanation
        "collect": (posts, _ratio(load.events, posts), f"{per_event} event(s) a call, one item or user a call"),
        "read_kafka": batched("read_kafka", load.kafka_events, 1, "all partitions", size=per_event),
        "recommend": (load.requests, 1, "a call a request"),
        "update_profiles": batched("update_profiles", load.events, count, f"{count} shard(s)"),
        "archive_events": batched("archive_events", load.events, count, f"{count} shard(s)"),
        "count_trends": batched("count_trends", load.events, count, f"{count} shard(s)"),
        "publish_catalog": batched("publish_catalog", load.changes, TABLE_SHARDS, f"{TABLE_SHARDS} shards"),
        "archive_served": (deliveries, _ratio(load.requests, deliveries),
                           f"a delivery of each of {streams} log stream(s) in {SERVED_DELIVERY_S} s, assumed"),
        "check_kafka": (runs.get("check_kafka", 0.0), 0, "by its schedule; each reads a state"),
        "compact_lake": (runs.get("compact_lake", 0.0), events, "by its schedule; each has a day's events"),
        "attribute_outcomes": (runs.get("attribute_outcomes", 0.0), days * answers,
                               f"by its schedule; each has the answers of {days} days"),
        "monitor_models": (runs.get("monitor_models", 0.0), 7 * events, "by its schedule; each has a week's events"),
        "publish_lists": (runs.get("publish_lists", 0.0) + training.runs, load.items,
                          "by its schedule, and once a training"),
        "start_training": (training.runs, 0, "once a training"),
        "build_dataset": (fits, load.interactions, "once a training, with the whole lake"),
        "register_model": (training.runs, 0, "once a training"),
        "run_canary": (training.runs * (training.looks + 1), evaluated, "a start and the evaluations of a canary"),
    }  # fmt: skip
    if load.scrapes:
        calls["observe"] = (load.scrapes, 0, f"Prometheus scrapes every {load.scrape_interval_s} s")
    return {
        name: Calls(*figures, durations[name], functions[name].timeout_s)
        for name, figures in calls.items()
        if name in functions
    }


def shards_needed(load: Load) -> int:
    # Records, incoming bytes and the reads of three consumers limit a shard.
    peak = load.events_per_day / 86_400 * load.peak
    mb = peak * RECORD_BYTES / 1e6
    return max(1, math.ceil(max(peak / 1_000, mb, 3 * mb / 2)))


def shards(summary: BilledResources, load: Load) -> int:
    """Return the number of needed shards: at least the template's number, or at least four for on-demand streams."""
    return max(shards_needed(load), 4 if summary.stream.on_demand else summary.stream.shards)


def on_spark(summary: BilledResources, load: Load) -> bool:
    above = summary.training.spark_above_mb
    return above is not None and load.lake_gb * 1_000 > above


def _log_streams(load: Load, recommend: Duration) -> int:
    """Return the number of log streams in the busiest second. Each process of `recommend` writes to its own stream.

    CloudWatch Logs delivers the lines of one stream at a time (`logStream` in its payload):
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html. The number of concurrent requests
    follows a Poisson distribution. Its 98th percentile is about two standard deviations above the mean.
    """
    running = load.requests / MONTH_S * load.peak * recommend.ms(1) / 1_000
    return math.ceil(running + 2 * math.sqrt(running)) or 1


def _batches(records: float, source: EventSource, streams: int) -> float:
    """Return the number of batches per month: one per window with a record, or more if batches fill up earlier.

    Lambda polls each shard about once per second if the source has no window.
    """
    rate = records / MONTH_S / streams
    by_window = rate / (1 + rate * max(1, source.window_s))
    by_size = rate / min(source.batch_size, LARGEST_BATCH)
    return max(by_window, by_size) * MONTH_S * streams


def _ratio(records: float, calls: float) -> float:
    return records / calls if calls else 0.0
