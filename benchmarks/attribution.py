"""`python -m benchmarks.attribution`: time and memory of attribution by events per day; docs/attribution.md.

Synthetic responses of ten items each are written to a directory that replaces S3. Each response has an event that
references the response and lists the displayed items, and an event without a reference. Each size runs in its own
process. Memory is the peak resident set of the process, including all libraries.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS
from alsolike.lake import outcomes, partitions, served
from alsolike.snapshot.snapshot import EMPTY
from benchmarks.page import write_section
from functions.attribute_outcomes.attribution_rules import AttributionRules
from functions.attribute_outcomes.day_results import PART_ROWS
from functions.attribute_outcomes.service import Attribution

PAGE = Path("docs/attribution.md")
SIZES = {"100k": 100_000, "1M": 1_000_000, "10M": 10_000_000}
ROWS_PER_OBJECT = 100_000
ITEMS, LIST_LENGTH, SHOPPERS = 50_000, 10, 200_000
DAY = 20_717
START_MS = DAY * DAY_MS
BUCKET = "lake"


class Directory:
    """Directory with the methods of an S3 client that attribution calls."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_paginator(self, _: str) -> Directory:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        changed = dt.datetime.fromtimestamp(0, dt.UTC)
        found = sorted(path for path in (self._root / Bucket / Prefix).rglob("*") if path.is_file())
        yield {
            "Contents": [
                {
                    "Key": path.relative_to(self._root / Bucket).as_posix(),
                    "Size": path.stat().st_size,
                    "ETag": _etag(path),
                    "LastModified": changed,
                }
                for path in found
            ]
        }

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        path = self._root / Bucket / Key
        if not path.exists():
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(path.read_bytes()), "ETag": _etag(path)}

    def put_object(self, *, Bucket: str, Key: str, Body: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        path = self._root / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            if isinstance(Body, bytes):
                file.write(Body)
            else:
                while chunk := Body.read(1 << 20):
                    file.write(chunk)
        return {"ETag": _etag(path)}


def _etag(path: Path) -> str:
    return str(path.stat().st_mtime_ns)


def main(arguments: Sequence[str]) -> None:
    """Write the page's section after each size, but only if no size is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attribution", description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="size", help=f"any of {', '.join(SIZES)}; all by default")
    options = parser.parse_args(arguments)
    if unknown := {*options.sizes} - SIZES.keys():
        parser.error(f"unknown {', '.join(sorted(unknown))}, expected of {', '.join(SIZES)}")
    lines = ["| answers of a day | events | processor s | seconds | peak memory, MB |", "|---|---|---|---|---|"]
    for size in options.sizes or SIZES:
        with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
            write_day(Path(name), SIZES[size])
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                processor_s, seconds, peak_mb = pool.apply(_run, (Path(name),))
        rows = SIZES[size]
        lines.append(f"| {rows:,} | {2 * rows:,} | {processor_s:,.1f} | {seconds:,.1f} | {peak_mb:,.0f} |")
        sys.stderr.write(lines[-1] + "\n")
        if not options.sizes:
            write_section(PAGE, "attribution", "\n".join(lines))


def write_day(root: Path, rows: int) -> None:
    """Write a day of `rows` responses and twice as many events."""
    client = Directory(root)
    date = outcomes.partition_prefix(partitions.event_date(START_MS)).split("=")[1].rstrip("/")
    columns = _columns()
    for first in range(0, rows, ROWS_PER_OBJECT):
        answers, events = _pieces(first, columns)
        name = f"{first:010d}.parquet"
        for prefix, table in ((served.partition_prefix(date), answers), (partitions.partition_prefix(date), events)):
            sink = io.BytesIO()
            pq.write_table(table, sink, compression=partitions.COMPRESSION)
            client.put_object(Bucket=BUCKET, Key=f"{prefix}{name}", Body=sink.getvalue())


def _columns() -> dict[str, Any]:
    random = np.random.default_rng(0)
    names = pa.array([f"item-{number}" for number in range(ITEMS)])
    items = names.take(pa.array(random.zipf(1.2, ROWS_PER_OBJECT * LIST_LENGTH) % ITEMS))
    offsets = pa.array(np.arange(ROWS_PER_OBJECT + 1) * LIST_LENGTH, pa.int32())
    kinds = pa.array(["view", "click", "cart", "purchase"])
    return {
        "lists": pa.ListArray.from_arrays(offsets, items),
        "nothing": pa.array([[]] * ROWS_PER_OBJECT, pa.list_(pa.string())),
        "firsts": items.take(pa.array(np.arange(ROWS_PER_OBJECT) * LIST_LENGTH)),
        "shoppers": pa.array([f"user-{number}" for number in random.integers(0, SHOPPERS, ROWS_PER_OBJECT)]),
        "kinds": kinds.take(pa.array(random.integers(0, 4, ROWS_PER_OBJECT))),
        "values": random.random(ROWS_PER_OBJECT),
    }


def _pieces(first: int, columns: dict[str, Any]) -> tuple[pa.Table, pa.Table]:
    rows, nothing = ROWS_PER_OBJECT, columns["nothing"]
    times = START_MS + np.sort(np.random.default_rng(first).integers(0, DAY_MS - 60_000, rows))
    ids = [recommendation_id.create(answered_ms=at, recommender="for-you", version="m1") for at in times.tolist()]
    answers = pa.table(
        {
            "recommendation_id": ids, "served_ms": times, "recommender": ["for-you"] * rows,
            "model_version": ["m1"] * rows, "arms": nothing, "shopper": columns["shoppers"],
            "source": ["model"] * rows, "degraded": nothing, "item_ids": columns["lists"],
        }
    )  # fmt: skip
    named = {
        "event_id": [f"{first + number:032x}" for number in range(rows)],
        "event_time_ms": times + 30_000,
        "received_time_ms": times + 30_000,
        "user_id": columns["shoppers"],
        "item_id": columns["firsts"],
        "event_type": columns["kinds"],
        "event_value": columns["values"],
        "recommendation_id": ids,
        "impression": columns["lists"],
    }
    other = {
        **named,
        "event_id": [f"f{first + number:031x}" for number in range(rows)],
        "recommendation_id": pa.nulls(rows, pa.string()),
        "impression": nothing,
    }
    return answers, pa.concat_tables([pa.table(each) for each in (named, other)])


def attribute_day(root: Path, *, part_rows: int = PART_ROWS) -> None:
    outcome = Attribution(
        client=cast("Any", Directory(root)),
        bucket=BUCKET,
        catalogue=EMPTY,
        rules=AttributionRules(),
        shopper=str,
        report=lambda _: None,
        has_time=lambda: True,
        directory=root / "disk",
        now_ms=START_MS + 2 * DAY_MS,
        part_rows=part_rows,
    ).run()
    assert outcome.days == 1
    assert not outcome.rejected


def _run(root: Path) -> tuple[float, float, float]:
    started, processor_s = time.monotonic(), time.process_time()
    attribute_day(root)
    processor_s = time.process_time() - processor_s
    return processor_s, time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
