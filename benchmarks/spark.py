"""`python -m benchmarks.spark`: datasets and statistics by one process and by Spark; docs/scale.md.

A synthetic lake of each size is cleaned and written as a dataset, and its statistics are counted. One process runs the
code of the function `build_dataset` and the training job. Spark runs in local-cluster mode with two workers of one core
each. Measurements are sums over a process and its children. They include the start of Spark.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.configuration.configuration import DEFAULT
from alsolike.lake import partitions
from alsolike.training.dataset import INTERACTION_COLUMNS, INTERACTIONS_FILE
from alsolike.training.statistics import Counting, StatisticsManifest
from benchmarks.page import write_section
from benchmarks.synthetic_interactions import synthetic_interactions
from functions.build_dataset.cleaning import clean
from functions.build_dataset.dataset_rules import LAKE_COLUMNS, ORDER
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.transitions import Transitions
from model_export.data.training_data import encode

PAGE = Path("docs/scale.md")
SIZES = {"100k": (100_000, 2_000), "1M": (1_000_000, 10_000), "5M": (5_000_000, 50_000)}
"""Number of events and of items by name."""

BY_DEFAULT = ("100k", "1M")

_END_MS = 4_102_444_800_000
EVERYTHING = StatisticsManifest(counting=Counting(), last_event_ms=_END_MS, tested_ms=_END_MS, holdout_ms=0)
"""Statistics with a single cutoff, after all events. A training with a champion has up to `measured.MAX_CUTOFFS`."""

ROWS_PER_OBJECT = 500_000
EXECUTOR_MB = 3_072
SAMPLE_INTERVAL_S = 0.2


def main(arguments: Sequence[str]) -> None:
    """Write the page's section only if no sizes are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument(
        "sizes", nargs="*", metavar="size", help=f"any of {', '.join(SIZES)}; by default {', '.join(BY_DEFAULT)}"
    )
    options = parser.parse_args(arguments)
    if unknown := {*options.sizes} - SIZES.keys():
        parser.error(f"unknown {', '.join(sorted(unknown))}, expected of {', '.join(SIZES)}")
    lines = ["| events | work | engine | seconds | processor s | peak memory, MB |", "|---|---|---|---|---|---|"]
    bytes_an_event = 0.0
    for size in options.sizes or BY_DEFAULT:
        with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
            rows, items = SIZES[size]
            bytes_an_event = write_lake(Path(name) / "lake", rows=rows, items=items) / rows
            for (work, engine), run in WORKS.items():
                seconds, processor_s, peak_mb = measure(run, Path(name))
                lines.append(f"| {rows:,} | {work} | {engine} | {seconds:,.1f} | {processor_s:,.1f} | {peak_mb:,.0f} |")
                sys.stderr.write(lines[-1] + "\n")
        if not options.sizes:
            # Other load lengthens the duration, and also the processor time a little.
            load = os.getloadavg()[1] / (os.cpu_count() or 1)
            others = (
                f"{os.cpu_count()} processors; at the end {load:.1f} processes wanted each. The largest lake has "
                f"{bytes_an_event:.0f} bytes an event."
            )
            write_section(PAGE, "spark", "\n".join([*lines, "", others]))


def measure(run: Callable[[Path], None], directory: Path) -> tuple[float, float, float]:
    """Return seconds, processor seconds and peak resident MB of `run` in a new process, including its children."""
    process = multiprocessing.get_context("spawn").Process(target=run, args=(directory,))
    found = {"peak_mb": 0.0}
    cpu: dict[int, float] = {}
    started = time.monotonic()
    process.start()

    def sample() -> None:
        while process.is_alive():
            resident = 0
            for each in _tree(process.pid or 0):
                try:
                    times = each.cpu_times()
                    cpu[each.pid] = times.user + times.system
                    resident += each.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            found["peak_mb"] = max(found["peak_mb"], resident / 1e6)
            time.sleep(SAMPLE_INTERVAL_S)

    sampler = threading.Thread(target=sample)
    sampler.start()
    process.join()
    sampler.join()
    if process.exitcode:
        raise SystemExit(f"{run.__name__} ended with status {process.exitcode}")
    return time.monotonic() - started, sum(cpu.values()), found["peak_mb"]


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def write_lake(directory: Path, *, rows: int, items: int) -> int:
    """Write synthetic events in random order and return their size in bytes; see `synthetic_interactions`."""
    rng, written = np.random.default_rng(0), 0
    synthetic = synthetic_interactions(rows=rows, items=items)
    order = rng.permutation(rows)
    users = pa.array([f"user{number:08}" for number in range(synthetic.users)])
    names = pa.array([f"item{number:07}" for number in range(items + 1)])
    for number, first in enumerate(range(0, rows, ROWS_PER_OBJECT)):
        indices = order[first : first + ROWS_PER_OBJECT]
        times = pa.array(1_700_000_000_000 + synthetic.time_ms[indices])
        size = len(indices)
        ids = rng.bytes(16 * size).hex()  # random IDs, which do not compress, as in shops
        table = pa.table(
            {
                "event_id": [ids[place : place + 32] for place in range(0, 32 * size, 32)],
                "user_id": users.take(pa.array(synthetic.user[indices])),
                "session_id": pa.nulls(size, pa.string()),
                "item_id": names.take(pa.array(synthetic.item[indices])),
                "event_type": pa.array(["view"] * size),
                "event_time_ms": times,
                "received_time_ms": times,
            }
        ).select(list(LAKE_COLUMNS))
        path = directory / partitions.partition_prefix("2026-09-20") / f"{number:04}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression=partitions.COMPRESSION)
        written += path.stat().st_size
    return written


def dataset_in_a_process(directory: Path) -> None:
    tables = [pq.read_table(path, partitioning=None) for path in sorted((directory / "lake").rglob("*.parquet"))]
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    clean(frame, DEFAULT).frame.to_parquet(directory / "one.parquet", compression="snappy")


def statistics_in_a_process(directory: Path) -> None:
    """Fit `transitions` and `item_knn` in one process."""
    table = pq.read_table(directory / "one.parquet")
    interactions, *_ = encode(
        user_ids=table["profile_id"],
        item_ids=table["item_id"],
        time_ms=table["event_time_ms"].to_numpy(),
        weight=table["weight"].to_numpy(),
    )
    for algorithm in (Transitions(), ItemKnn()):
        algorithm.fit(interactions)


def dataset_on_spark(directory: Path) -> None:
    from functions.build_dataset.spark_cleaning import clean as clean_on_spark
    from functions.build_dataset.spark_dataset import read_lake

    spark = _spark()
    frame = clean_on_spark(read_lake(spark, f"file://{directory / 'lake'}"), DEFAULT).frame
    # The statistics need the event ID, which the product's dataset omits.
    columns = ["event_id", *INTERACTION_COLUMNS]
    frame.orderBy(*ORDER).select(*columns).write.parquet(f"file://{directory / INTERACTIONS_FILE}")
    spark.stop()


def statistics_on_spark(directory: Path) -> None:
    """Write the statistics that Spark computes from the interactions of `dataset_on_spark`."""
    from functions.build_dataset.spark_statistics import write_statistics

    spark = _spark()
    frame = spark.read.parquet(f"file://{directory / INTERACTIONS_FILE}")
    write_statistics(frame, f"file://{directory}/", EVERYTHING)
    spark.stop()


def fits_from_statistics(directory: Path) -> None:
    """Fit the algorithms of `statistics_in_a_process` from Spark's statistics."""
    from alsolike.training import statistics
    from model_export.data.statistics import load

    found = directory / statistics.STATISTICS / statistics.directory(EVERYTHING.last_event_ms)
    counted = load(found, EVERYTHING.counting)
    for algorithm in (Transitions(), ItemKnn()):
        algorithm.fit_from_statistics(counted)


def _spark() -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local-cluster[2,1,{EXECUTOR_MB}]")
        .config("spark.executor.memory", f"{EXECUTOR_MB}m")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "8")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


WORKS: Mapping[tuple[str, str], Callable[[Path], None]] = {
    ("dataset", "one process"): dataset_in_a_process,
    ("dataset", "Spark"): dataset_on_spark,
    ("transitions and item_knn from interactions", "one process"): statistics_in_a_process,
    ("statistics", "Spark"): statistics_on_spark,
    ("transitions and item_knn from statistics", "one process"): fits_from_statistics,
}

if __name__ == "__main__":
    main(sys.argv[1:])
