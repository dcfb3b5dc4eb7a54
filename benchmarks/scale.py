"""`python -m benchmarks.scale`: resources and bill of a large shop, from measurements and prices (docs/scale.md).

Measurements come from tables that other benchmarks write. The class `Assumed` lists the assumptions.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Iterator, Sequence

from alsolike.declarations.retention import PROFILE_DAYS
from alsolike.declarations.training import FITS
from alsolike.profiles.profile import RecentInteraction, to_item
from alsolike.training.statistics import Counting
from benchmarks.measured import PERFORMANCE, SCALE, fits_s, measured, slopes
from benchmarks.page import write_section
from functions.collect.manifest import MANIFEST as COLLECT
from infra_cdk.settings import Settings
from operations import prices

MONTH_S = 30 * 86_400
YEAR_S = 365 * 86_400
PROCESSOR_MB = 1_769
"""Memory of a Lambda function with one full processor, in MB."""
TARGETS = 100
"""Number of related items per item in an item-to-item table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Size of the shop.

    Attributes
    ----------
    requests_per_s
        Requests for recommendations in the busiest second.
    peak
        Rate in the busiest second divided by the mean rate, for requests and interactions.
    years
        Duration in which `interactions` were collected.
    """

    users: int = 10_000_000
    items: int = 1_000_000
    interactions: int = 10_000_000_000
    requests_per_s: int = 10_000
    peak: float = 3.0
    years: float = 1.0
    trainings_a_month: int = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """Assumptions with their sources."""

    record_bytes: int = 500  # stream record as JSON, without impressions
    lake_bytes: int = 60  # event in Parquet: two IDs, two times and a type
    wait_profile_ms: float = 5.0  # assumed duration of a read of DynamoDB in the function
    wait_stream_ms: float = 15.0  # assumed duration of Kinesis' PutRecords in the function
    line_bytes: int = 1_130  # docs/served.md: log line of a response with 25 items
    snapshot_bytes: int = 153  # docs/catalogue.md: item with ten columns
    in_memory_bytes: int = 20  # docs/performance.md: interaction in the memory of a training
    training_hours: float = 3.0  # duration of a training from statistics
    ids_bytes: int = 43  # two IDs of about twelve letters with offsets, time and weight, while a file is read


def main(arguments: Sequence[str]) -> None:
    """Write the table to the page only if the load is the default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    for field in dataclasses.fields(Load):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    load = Load(**vars(parser.parse_args(arguments)))
    rows = list(_rows(load, Assumed()))
    for subject, figure, source, monthly in rows:
        sys.stdout.write(f"{subject}: {figure}; {source}{'' if monthly is None else f'; ${monthly:,.0f} a month'}\n")
    text = "\n".join(_page(rows))
    sys.stdout.write(text + "\n")
    if load == Load():
        write_section(SCALE, "scale", text)


def _rows(load: Load, assumed: Assumed) -> Iterator[Row]:
    for part in (_serving, _ingestion, _storage, _training):
        yield from part(load, assumed)


def _page(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("| what | figure | $ a month |", "|---|---|---|")
    yield from (
        f"| {subject} | {figure} | {'' if monthly is None else f'{monthly:,.0f}'} |"
        for subject, figure, _, monthly in rows
    )
    yield f"| **together** | | **{sum(monthly or 0.0 for *_, monthly in rows):,.0f}** |"


ITEM_OVERHEAD_BYTES = 100
"""Size that DynamoDB adds to each item when it bills storage."""

Row = tuple[str, str, str, float | None]


def _serving(load: Load, assumed: Assumed) -> Iterator[Row]:
    own_ms = measured(PERFORMANCE, "request, item-to-item, 100,000 items", column=1)
    more = measured(PERFORMANCE, "item-to-item, 1,000,000 items", column=1)
    more -= measured(PERFORMANCE, "item-to-item, 100,000 items", column=1)
    takes_ms = own_ms + more + assumed.wait_profile_ms
    concurrency = math.ceil(load.requests_per_s * takes_ms / 1000)
    requests = load.requests_per_s / load.peak * MONTH_S
    memory_gb = PROCESSOR_MB / 1024
    yield (
        "answers a month",
        f"{requests / 1e9:,.2f} billion",
        f"{load.requests_per_s:,}/s at the peak, which is {load.peak:g} times the mean",
        None,
    )
    yield (
        "`recommend`, an answer",
        f"{takes_ms:.1f} ms",
        f"{own_ms + more:.2f} ms measured, {assumed.wait_profile_ms:g} ms for DynamoDB assumed",
        None,
    )
    yield (
        "`recommend`, concurrency",
        f"{concurrency:,} by time; {math.ceil(load.requests_per_s / 10):,} by Lambda's 10 calls/s for each",
        "peak x time; Lambda's quota of requests",
        None,
    )
    calls = _api(requests)
    yield "API Gateway, answers", f"{requests / 1e6:,.0f} million calls", "one each", calls
    seconds = math.ceil(takes_ms) / 1000 * requests * memory_gb
    yield (
        "Lambda, `recommend`",
        f"{seconds / 1e6:,.1f} million GB-s",
        "1,769 MB, by the millisecond",
        prices.dollars("lambda_arm_gb_s", seconds) + prices.dollars("lambda_requests", requests),
    )
    size = 100 * interaction_bytes()
    reads = math.ceil(size / 4096) * 0.5
    yield (
        "DynamoDB, reads",
        f"{load.requests_per_s * reads:,.0f} units/s at the peak",
        f"100 interactions are {size:,} bytes, read eventually consistent",
        prices.dollars("dynamodb_reads", requests * reads),
    )
    log_gb = requests * assumed.line_bytes / 1e9
    yield (
        "CloudWatch Logs, served lines",
        f"{log_gb:,.0f} GB",
        f"{assumed.line_bytes:,} bytes an answer",
        prices.dollars("logs_gb", log_gb),
    )


def _ingestion(load: Load, assumed: Assumed) -> Iterator[Row]:
    mean = load.interactions / (load.years * YEAR_S)
    peak, events = mean * load.peak, mean * MONTH_S
    by_records, by_bytes = peak / 1000, peak * assumed.record_bytes / 1e6
    by_readers = 3 * by_bytes / 2
    shards = math.ceil(2 * max(by_records, by_bytes, by_readers))
    yield (
        "events",
        f"{mean:,.0f}/s, {peak:,.0f}/s at the peak",
        f"{load.interactions:,} interactions in {load.years:g} year(s)",
        None,
    )
    yield (
        "Kinesis, shards",
        f"{shards}",
        "twice the largest of records (1,000/s), bytes in (1 MB/s) and out (2 MB/s, three readers)",
        prices.dollars("kinesis_shard_hours", shards * MONTH_S / 3600) + prices.dollars("kinesis_puts", events),
    )
    own_ms = 1000 / measured(PERFORMANCE, "`collect`, a call of 1 event", column=1)
    memory_mb = int(COLLECT.memory_mb)
    processors = memory_mb / PROCESSOR_MB
    takes_ms = own_ms / processors + assumed.wait_stream_ms
    yield (
        "`collect`, concurrency",
        f"{math.ceil(peak * takes_ms / 1000):,}",
        f"a call an event, {own_ms:.2f} ms on a whole processor, of which {memory_mb} MB have "
        f"{processors:.2f}; {assumed.wait_stream_ms:g} ms for Kinesis assumed",
        None,
    )
    gb_s = math.ceil(takes_ms) / 1000 * memory_mb / 1024 * events
    yield (
        "API Gateway and Lambda, events",
        f"{events / 1e6:,.0f} million calls",
        "ten events a call would divide it by ten",
        _api(events, past=True) + prices.dollars("lambda_arm_gb_s", gb_s) + prices.dollars("lambda_requests", events),
    )
    yield (
        "DynamoDB, writes",
        f"{peak:,.0f} units/s at the peak",
        "one unit an event",
        prices.dollars("dynamodb_writes", events),
    )


def _storage(load: Load, assumed: Assumed) -> Iterator[Row]:
    lake_gb = load.interactions * assumed.lake_bytes / 1e9
    days = load.years * 365
    objects = days * math.ceil(lake_gb * 1e9 / days / 128e6)
    yield (
        "lake",
        f"{lake_gb:,.0f} GB in {objects:,.0f} objects",
        f"{assumed.lake_bytes} bytes an event, merged to 128 MB a day",
        prices.dollars("s3_gb", lake_gb),
    )
    kept = load.interactions / load.years * PROFILE_DAYS / 365
    profiles_gb = kept * (interaction_bytes() + ITEM_OVERHEAD_BYTES) / 1e9
    yield (
        "profiles",
        f"{profiles_gb:,.0f} GB",
        f"{PROFILE_DAYS} days of interactions, {interaction_bytes()} + {ITEM_OVERHEAD_BYTES} bytes each",
        prices.dollars("dynamodb_gb", profiles_gb),
    )
    limits = Settings(name="scale", region="us-east-1")
    snapshot_mb = load.items * assumed.snapshot_bytes / 1e6
    yield "catalogue snapshot", f"{snapshot_mb:,.0f} MB", f"`recommend` takes {limits.max_snapshot_mb} MB", None
    bundle_mb = load.items * (4 + 8 * TARGETS) / 1e6
    fitting = int((limits.max_bundle_mb * 1e6 / load.items - 4) // 8)
    yield (
        "bundle of one item-to-item table",
        f"{bundle_mb:,.0f} MB",
        f"{TARGETS} targets of 8 bytes an item; `recommend` takes {limits.max_bundle_mb} MB, so {fitting} targets",
        None,
    )


def _training(load: Load, assumed: Assumed) -> Iterator[Row]:
    workers = 100
    found = slopes()
    if found is None:
        yield "Spark", "not measured", "`make bench WHAT=spark` writes the table that this needs", None
    else:
        a_million_s, statistics_s = found
        core_hours = a_million_s * load.interactions / 1e6 / 3600
        yield (
            "Spark, dataset and statistics up to four moments",
            f"{core_hours:,.0f} processor hours: {workers} workers G.1X for {core_hours / 4 / workers:,.1f} hours",
            f"{a_million_s:,.1f} processor s more for each million events here, four processors a worker",
            prices.dollars("glue_flexible_dpu_hours", core_hours / 4 * load.trainings_a_month),
        )
        yield (
            "fit of transitions and item_knn from statistics, once",
            f"{statistics_s * load.items / 1e3 / 3600:,.2f} processor hours",
            f"{statistics_s:,.2f} s more for each thousand items here",
            None,
        )
    counting = Counting()
    pairs = 2 * load.items * counting.maximum
    yield (
        "statistics",
        f"{pairs / 1e6:,.0f} million pairs at most, {pairs * 12 / 1e9:,.1f} GB in memory",
        f"{counting.maximum} targets an item in each of two matrices",
        None,
    )
    fitted_s = fits_s("100M")
    direct_s = fitted_s["transitions"] + fitted_s["item_knn"]
    hours = direct_s * load.interactions / 1e8 / 3600
    memory_gb = load.interactions * (assumed.in_memory_bytes + assumed.ids_bytes) / 1e9
    yield (
        "the same fits from interactions",
        f"{hours:,.1f} processor hours, {memory_gb:,.0f} GB",
        f"{direct_s:,.0f} processor s for 100 million; {assumed.in_memory_bytes} bytes an interaction, "
        f"{assumed.ids_bytes} more while it is read",
        None,
    )
    hour = "training_ml.r5.24xlarge_hours"
    instead = prices.dollars(hour, FITS * hours * load.trainings_a_month)
    yield (
        "SageMaker, a training from statistics",
        f"{assumed.training_hours:g} hours, {load.trainings_a_month} a month",
        "assumed: fits are minutes, reading statistics and asking users the rest; on one ml.r5.24xlarge, larger than "
        "it needs",
        prices.dollars(hour, assumed.training_hours * load.trainings_a_month),
    )
    yield (
        "SageMaker, a training from interactions instead",
        f"{FITS * hours:,.0f} hours, ${instead:,.0f} a month",
        f"{FITS} such fits on one ml.r5.24xlarge (768 GB)",
        None,
    )


def _api(calls: float, *, past: bool = False) -> float:
    """Return the monthly price of API calls in dollars. With `past`, other calls have used up the first price tier."""
    before = 300e6 if past else 0.0
    return prices.dollars("api_calls", before + calls) - prices.dollars("api_calls", before)


def interaction_bytes() -> int:
    """Return the size of an interaction's item in DynamoDB, without `ITEM_OVERHEAD_BYTES`."""
    interaction = RecentInteraction(1_790_000_000_000, f"{7:032x}", "item0007919", "view")
    item = to_item("u#user00000001", interaction, expires_s=1_790_000_000)
    return sum(map(len, item)) + sum(_value_bytes(value) for value in item.values())


def _value_bytes(value: dict[str, str]) -> int:
    ((kind, content),) = value.items()
    return math.ceil(len(content) / 2) + 1 if kind == "N" else len(content)


if __name__ == "__main__":
    main(sys.argv[1:])
