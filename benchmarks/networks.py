"""Benchmark of the time and memory of a SASRec epoch by number of items, for docs/performance.md.

`python -m benchmarks.networks` trains one network per number of items, each in a separate process, with default
settings for two epochs on synthetic interactions. With `--threads`, it trains one network with two threads and with one
thread in alternate epochs instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np

from alsolike.bundle.files import GRAPH_FILE
from benchmarks.page import write_section
from benchmarks.synthetic_interactions import INTERACTIONS_PER_USER, synthetic_interactions
from model_export.algorithms.sasrec import Sasrec, SasrecModel
from model_export.algorithms.sasrec import training as sasrec_training
from model_export.algorithms.sasrec.training import train
from model_export.api import FitCost
from model_export.data.interactions import Interactions
from model_export.export.bundle import latest_histories
from model_export.export.writer import open_session, recommend, write_graphs
from model_export.processes.resources import measured

PAGE = Path("docs/performance.md")
ITEMS = (10_000, 100_000, 1_000_000)
ROWS, REQUESTS = 1_000_000, 20
EPOCHS = 5
"""Number of epochs per number of threads that `--threads` measures."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trained:
    """Processor time and memory of a network.

    `first_s` is the time before the first epoch, mainly for the initial item vectors. `estimated` covers this time and
    one epoch.
    """

    items: int
    first_s: float
    epoch_s: float
    peak_mb: float
    estimated: FitCost
    graph_mb: float
    answer_ms: float


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--interactions", type=int, default=ROWS, help="number of interactions; default: 1,000,000")
    parser.add_argument(
        "--items", type=int, nargs="+", default=ITEMS, help="numbers of items; default: those of the page"
    )
    parser.add_argument("--threads", action="store_true", help="compare two threads with one, for the first of --items")
    options = parser.parse_args(arguments)
    if options.threads:
        sys.stdout.write(compare_threads(options.interactions, options.items[0]) + "\n")
        return
    context = multiprocessing.get_context("spawn")
    rows = []
    for items in options.items:
        with context.Pool(1) as pool:
            rows.append(pool.apply(measure, (options.interactions, items)))
        sys.stderr.write(f"{rows[-1]}\n")
    section = _section(rows, options.interactions)
    if (options.interactions, options.items) == (ROWS, ITEMS):
        write_section(PAGE, "networks", section)
    sys.stdout.write(section + "\n")


def measure(number: int, items: int) -> Trained:
    interactions = synthetic_interactions(rows=number, items=items)
    settings = dataclasses.replace(Sasrec(), epochs=2, judge_every=1)
    with measured() as cost:
        started = time.process_time()
        training = train(interactions, settings, epochs=settings.epochs)
        next(training)
        first = time.process_time()
        trained = next(training)
        epoch_s = time.process_time() - first
    model = SasrecModel(settings=settings, items=items, arrays=trained.arrays)
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as directory:
        write_graphs(model, Path(directory))
        graph_mb = sum(path.stat().st_size for path in Path(directory).iterdir()) / 1e6
        answer_ms = _answer_ms(Path(directory), interactions, model)
    return Trained(
        items=items,
        first_s=first - started - epoch_s,
        epoch_s=epoch_s,
        peak_mb=cost.peak_mb,
        estimated=dataclasses.replace(settings, max_epochs=2).fit_cost(interactions),
        graph_mb=graph_mb,
        answer_ms=answer_ms,
    )


def compare_threads(number: int, items: int) -> str:
    settings = dataclasses.replace(Sasrec(), judge_every=1)
    training = train(synthetic_interactions(rows=number, items=items), settings, epochs=1 + 2 * EPOCHS)
    next(training)
    times: dict[int, list[tuple[float, float]]] = {2: [], 1: []}
    for _ in range(EPOCHS):
        for threads, measured_s in times.items():
            started, processor_started = time.perf_counter(), time.process_time()
            with mock.patch.object(sasrec_training, "ThreadPoolExecutor", lambda _, n=threads: ThreadPoolExecutor(n)):
                next(training)
            measured_s.append((time.perf_counter() - started, time.process_time() - processor_started))
    medians = {
        threads: [statistics.median(column) for column in zip(*each, strict=True)] for threads, each in times.items()
    }
    (two_s, two_processor_s), (one_s, one_processor_s) = medians[2], medians[1]
    return (
        f"an epoch takes {two_s:.1f} s with two threads and {one_s:.1f} s with one ({one_s / two_s:.2f} times), "
        f"{two_processor_s:.1f} and {one_processor_s:.1f} processor seconds"
    )


def _answer_ms(directory: Path, interactions: Interactions, model: SasrecModel) -> float:
    session, histories = open_session(directory / GRAPH_FILE), latest_histories(interactions, model)
    times = []
    for number in range(REQUESTS):
        started = time.process_time()
        recommend(session, histories.rows(slice(number, number + 1)), exclude=np.zeros((1, 0), np.int64), k=25)
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


def _section(rows: Sequence[Trained], number: int) -> str:
    users = number // INTERACTIONS_PER_USER
    lines = [
        f"{number:,} interactions of {users:,} users; processor seconds; estimates are the budget's.",
        "",
        "| items | first vectors, s | epoch, s | both (estimated) | peak GB (estimated) | graph MB | response, ms |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.items:,} | {row.first_s:,.1f} | {row.epoch_s:,.1f} | {row.first_s + row.epoch_s:,.1f} "
        f"({row.estimated.seconds:,.1f}) | {row.peak_mb / 1000:.2f} ({row.estimated.megabytes / 1000:.2f}) "
        f"| {row.graph_mb:,.0f} | {row.answer_ms:,.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
