"""`alsolike import interactions` compared with pyarrow, and its memory: `python -m benchmarks.importing memory`.

The import reads and checks the rows, creates event ids, partitions by day, writes the lake's Parquet objects to the
local disk and collects the latest interactions for live profiles. S3 and DynamoDB are excluded, because their speed
depends on the account. The floor reads the same file and writes one Parquet file with pyarrow's defaults.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import multiprocessing
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from alsolike.declarations.parameters import Names
from benchmarks import transport
from benchmarks.measure import Result
from cli import terminal
from operations.client.deployment import Deployment
from operations.ingest.inputs import DEFAULTS, open_inputs
from operations.ingest.lake_rows import LakeWriter
from operations.ingest.load_interactions import InteractionsImport
from operations.keys import KeyPair

ROWS = 5_000_000
ROUNDS = 5
MEMORY_ROWS = (1_000_000, 5_000_000, 50_000_000)
_NOW_MS = 1_790_000_000_000
_FIRST_S = 1_600_000_000
_YEAR_S = 365 * 86_400
_PIECE_ROWS = 1_000_000


def importing() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        directory = Path(name)
        for label, suffix, shuffled in (
            ("CSV", ".csv", False),
            ("CSV.gz", ".csv.gz", False),
            ("Parquet", ".parquet", False),
            ("Parquet, shuffled", ".parquet", True),
        ):
            path = directory / f"interactions{suffix}"
            write_file(path, ROWS, shuffled=shuffled)
            yield _compared(label, path)


def _compared(label: str, path: Path) -> Result:
    clock: dict[str, list[float]] = {"import": [], "floor": []}
    processor: dict[str, list[float]] = {"import": [], "floor": []}
    works: dict[str, Callable[[Path], object]] = {"import": run_import, "floor": _floor}
    for _ in range(ROUNDS):  # alternating, so that other load slows both equally
        for name, work in works.items():
            clock_s, processor_s = time.perf_counter(), time.process_time()
            work(path)
            clock[name].append(time.perf_counter() - clock_s)
            processor[name].append(time.process_time() - processor_s)
    speeds = {name: ROWS / statistics.median(times) for name, times in clock.items()}
    return Result(
        "importing",
        f"{label} of {ROWS / 1e6:g}M rows",
        statistics.median(processor["import"]) * 1000,
        "bare pyarrow: read, write as Parquet",
        statistics.median(processor["floor"]) * 1000,
        units_per_call=ROWS,
        note=f"by the clock {speeds['import'] / 1e6:.2f} of {speeds['floor'] / 1e6:.2f}M rows/s: "
        f"{speeds['import'] / speeds['floor']:.2f} of the speed",
    )


def run_import(path: Path, *, profiles: bool = False) -> int:
    """Import a file as the command does, but without S3 and DynamoDB.

    If `profiles` is true, group the latest interactions by user and return the number of groups. Otherwise, return 0.
    """
    target = path.parent / "lake"
    session = transport.session()
    names = Names(**{field.name: "bench" for field in dataclasses.fields(Names)})
    deployment = Deployment("bench", names, session.client, lambda: KeyPair("", ""), is_local=True)
    try:
        inputs = open_inputs([path], deployment, DEFAULTS)
        target.mkdir()
        with (
            patch.object(LakeWriter, "put", lambda _, key, data: (target / key.replace("/", "_")).write_bytes(data)),
            InteractionsImport(inputs, deployment, default_event_type="view", now_ms=_NOW_MS) as run,
        ):
            run.take(inputs[0])
            return sum(1 for _ in run.profile_files.profiles()) if profiles else 0
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _floor(path: Path) -> None:
    table = pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    pq.write_table(table, path.parent / "floor.parquet")


def write_file(path: Path, rows: int, *, shuffled: bool = False) -> None:
    """Write events of one year. The suffix selects the format.

    50,000 items are equally frequent. The frequencies of up to 200,000 users follow a power law.
    """
    pieces = (_piece(first, min(_PIECE_ROWS, rows - first), rows, shuffled) for first in range(0, rows, _PIECE_ROWS))
    schema = pa.schema(
        {"USER_ID": pa.string(), "ITEM_ID": pa.string(), "TIMESTAMP": pa.int64(), "EVENT_TYPE": pa.string()}
    )
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, schema) as parquet:
            for piece in pieces:
                parquet.write_table(piece)
        return
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        options = pyarrow.csv.WriteOptions(quoting_style="none")
        with pyarrow.csv.CSVWriter(file, schema, write_options=options) as csv:
            for piece in pieces:
                csv.write_table(piece)


def _piece(first: int, rows: int, total: int, shuffled: bool) -> pa.Table:
    random = np.random.default_rng(first)
    start, end = (0, 1) if shuffled else (first / total, (first + rows) / total)
    times = _FIRST_S + (random.uniform(start, end, rows) * _YEAR_S).astype(np.int64)
    users, items = random.zipf(1.3, rows) % 200_000, random.integers(0, 50_000, rows)
    types = pa.array(["view", "click", "purchase"]).take(pa.array(random.integers(0, 3, rows)))
    return pa.table(
        {
            "USER_ID": pc.binary_join_element_wise("u", pa.array(users).cast(pa.string()), ""),
            "ITEM_ID": pc.binary_join_element_wise("i", pa.array(items).cast(pa.string()), ""),
            "TIMESTAMP": times if shuffled else np.sort(times),
            "EVENT_TYPE": types,
        }
    )


def memory(sizes: Sequence[int]) -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        for size in sizes:
            path = Path(name) / "interactions.parquet"
            write_file(path, size, shuffled=True)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, peak_mb = pool.apply(_peak_mb, (path,))
            rows.append([size, round(seconds, 1), round(size / seconds), round(peak_mb)])
    terminal.print_table(["rows", "seconds", "rows/s", "peak MB"], rows)


def _peak_mb(path: Path) -> tuple[float, float]:
    started = time.monotonic()
    run_import(path, profiles=True)
    return time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("what", choices=["memory"])
    parser.add_argument("rows", nargs="*", type=int, default=MEMORY_ROWS)
    options = parser.parse_args(sys.argv[1:])
    memory(options.rows)
