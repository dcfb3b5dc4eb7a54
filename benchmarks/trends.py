"""count_trends: processor time of a batch, and of a request that reads changed counters."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator

import numpy as np
import orjson

import alsolike.runtime.aws
from alsolike.trends.counters import KEPT_ITEMS, NOTHING_COUNTED, Event, ShardCounts, Trends
from alsolike.trends.store import trends_key
from alsolike.trends.windows import WINDOWS
from benchmarks import transport
from benchmarks.ingestion import NOW_MS, kinesis_event
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.transport import use_memory_transport

BATCHES = (100, 1_000, 10_000)
FILLING_RECORDS = 10_000
ROUNDS = 15
SHARDS = 4


def count_trends() -> Iterator[Result]:
    use_memory_transport()
    first = itertools.count(step=FILLING_RECORDS)
    for records in BATCHES:
        yield _count_trends(records, first=first)
    yield _read_trends()


def _count_trends(records: int, *, first: Iterator[int]) -> Result:
    from functions.count_trends.handler import lambda_handler

    # Each call has new events, because duplicates are not written.
    filling, *events = [
        kinesis_event(number, profiles=2_000, first=next(first))
        for number in (FILLING_RECORDS, *[records] * (ROUNDS + 1))
    ]
    left = iter(events)
    s3, body = alsolike.runtime.aws.client("s3"), _shard(0).to_bytes()

    def floor() -> None:
        for record in events[0]["Records"]:
            orjson.loads(base64.b64decode(record["kinesis"]["data"]))
        # `body` has the size of the object that the product writes.
        s3.put_object(Bucket=transport.BUCKET, Key=trends_key("floor"), Body=body, IfMatch='"0"')

    with quiet():
        answer = lambda_handler(filling, CONTEXT)
        medians = cpu_medians_ms(
            {"product": lambda: lambda_handler(next(left), CONTEXT), "floor": floor}, rounds=ROUNDS
        )
    if answer != {"batchItemFailures": []}:
        raise RuntimeError(f"the batch was not counted: {answer}")
    return Result(
        "count_trends",
        f"batch of {records:,} records, {KEPT_ITEMS:,} items kept",
        medians["product"],
        "base64 + orjson, bare put_object",
        medians["floor"],
        units_per_call=records,
        note="S3 is an in-memory transport",
    )


def _read_trends() -> Result:
    made = [_shard(number) for number in range(SHARDS)]
    shards, ids = [shard.to_bytes() for shard in made], ["\n".join(shard.items).encode() for shard in made]

    def product() -> None:
        read = [ShardCounts.from_bytes(data, name="shard") for data in shards]
        Trends(read).best("1h", now_ms=NOW_MS, k=25)

    def floor() -> None:
        for data, names in zip(shards, ids, strict=True):
            np.frombuffer(data, np.uint8).sum()
            dict.fromkeys(names.decode().split("\n"))

    medians = cpu_medians_ms({"product": product, "floor": floor})
    return Result(
        "count_trends",
        f"reading {SHARDS} shards of {KEPT_ITEMS:,} items, and the best 25",
        medians["product"],
        "bytes added up, ids into a dict",
        medians["floor"],
        note="S3 left out",
    )


def _shard(number: int) -> ShardCounts:
    """Return the counters of a shard. Half of the items are common to all shards."""
    rng = np.random.default_rng(number)
    names = [f"item{n if n < KEPT_ITEMS // 2 else n + number * KEPT_ITEMS}" for n in range(KEPT_ITEMS)]
    ages_ms = rng.uniform(0, 3 * 1_000 * max(WINDOWS.values()), 10 * KEPT_ITEMS)
    events = [
        Event(place, names[place % KEPT_ITEMS], int(NOW_MS - age_ms), 1.0) for place, age_ms in enumerate(ages_ms)
    ]
    return NOTHING_COUNTED.add(events, sequence=len(events), arrived_ms=NOW_MS)
