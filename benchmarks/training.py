"""`python -m benchmarks.training`: time and memory of fits by number of interactions; docs/performance.md.

Each algorithm that is no combination is fitted with default settings on synthetic interactions, in a separate process.
SASRec is fitted for one epoch. A fit ends early if the size is unsupported or if it reaches the limit of time or
memory. Memory includes the interactions.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.page import write_section
from benchmarks.synthetic_interactions import INTERACTIONS_PER_USER, synthetic_interactions, with_columns
from model_export.algorithms import known, missing
from model_export.algorithms.sasrec import Sasrec
from model_export.api import Combination, FitCost
from model_export.data.interactions import Interactions
from model_export.processes.resources import measured

PAGE = Path("docs/performance.md")
SIZES = {"1M": (1_000_000, 10_000), "10M": (10_000_000, 100_000), "100M": (100_000_000, 1_000_000)}
"""Number of interactions and of items by name."""

COLUMNS = ("user", "item", "time_ms", "weight")
SINGLES = {name: algorithm for name, algorithm in known().items() if not isinstance(algorithm, Combination)}
LIMIT_BYTES = 16_000_000_000
"""Maximum address space of a fitting process, in bytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fitted:
    """Result of a fit.

    Attributes
    ----------
    seconds, processor_s
        Wall-clock time, which other load on the machine lengthens, and processor time.
    estimated
        Cost estimated by the algorithm, or None.
    outcome
        Reason why the result is missing, or empty.
    """

    seconds: float = 0.0
    processor_s: float = 0.0
    peak_mb: float = 0.0
    estimated: FitCost | None = None
    outcome: str = ""


def main(arguments: Sequence[str]) -> None:
    """Write the page's sections only if no algorithms are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="size", help=f"any of {', '.join(SIZES)}; all by default")
    parser.add_argument("--algorithms", metavar="A,B", help="algorithms to measure; the page is then not written")
    parser.add_argument("--minutes", type=float, default=20.0, help="after which a fit is ended")
    options = parser.parse_args(arguments)
    names = options.algorithms.split(",") if options.algorithms else list(SINGLES)
    if unknown := {*options.sizes} - SIZES.keys() | {*names} - SINGLES.keys():
        parser.error(f"unknown {', '.join(sorted(unknown))}, expected of {', '.join([*SIZES, *SINGLES])}")
    for size in options.sizes or SIZES:
        with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as directory:
            path = _write_interactions(size, Path(directory))
            section = _section(size, {name: measure(name, size, path, minutes=options.minutes) for name in names})
        sys.stdout.write(section + "\n")
        if not options.algorithms:
            write_section(PAGE, f"training {size}", section)


def measure(name: str, size: str, path: Path, *, minutes: float) -> Fitted:
    """Fit an algorithm in a separate process, which is killed `minutes` after it has read the file of interactions."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_fit, args=(sender, name, size, path))
    process.start()
    sender.close()
    try:
        receiver.recv()  # Wait until the process has read the interactions.
        in_time = receiver.poll(60 * minutes)
        found: Fitted = receiver.recv() if in_time else Fitted(outcome=f"over {minutes:g} min")
    except EOFError:
        found = Fitted(outcome="ended by the system")
    process.kill()
    process.join()
    sys.stderr.write(f"{size} {name}: {_cells(found)}\n")
    return found


def _write_interactions(size: str, directory: Path) -> Path:
    rows, items = SIZES[size]
    interactions = synthetic_interactions(rows=rows, items=items)
    path = directory / "interactions.npz"
    np.savez(path, **{name: getattr(interactions, name) for name in COLUMNS})
    return path


def _fit(sender: Connection, name: str, size: str, path: Path) -> None:
    rows, items = SIZES[size]
    with np.load(path) as columns:
        interactions = Interactions(**columns, users=rows // INTERACTIONS_PER_USER, items=items)
    if name == "content":
        interactions = with_columns(interactions)
    sender.send(None)
    algorithm = SINGLES[name]
    settings = algorithm
    # Only one epoch of SASRec is measured, because a training takes too long.
    if isinstance(algorithm, Sasrec):
        settings = dataclasses.replace(algorithm, epochs=1, max_epochs=2)
    estimated = settings.fit_cost(interactions)
    if reason := missing(algorithm):
        sender.send(Fitted(outcome=f"refused: {reason}"))
        return
    if algorithm.unsupported_reason(interactions):
        sender.send(Fitted(outcome="over its [limit](algorithms.md#size-limits)"))
        return
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    try:
        started = time.process_time()
        with measured() as cost:
            settings.fit(interactions)
        processor_s = time.process_time() - started
    except MemoryError:
        sender.send(Fitted(outcome=f"over {LIMIT_BYTES / 1e9:.0f} GB"))
        return
    sender.send(Fitted(seconds=cost.seconds, processor_s=processor_s, peak_mb=cost.peak_mb, estimated=estimated))


def _section(size: str, fitted: Mapping[str, Fitted]) -> str:
    rows, items = SIZES[size]
    users = rows // INTERACTIONS_PER_USER
    lines = [
        f"{rows:,} interactions of {users:,} users with {items:,} items; {os.cpu_count()} processors.",
        "",
        "| algorithm | seconds | processor s | peak GB |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| `{name}` | {_cells(each)} |" for name, each in fitted.items())])


def _cells(fitted: Fitted) -> str:
    if fitted.outcome:
        return f"{fitted.outcome} | | "
    processor_s, peak_gb = f"{fitted.processor_s:,.2f}", f"{fitted.peak_mb / 1000:.2f}"
    if fitted.estimated is not None:
        processor_s += f" (estimated {fitted.estimated.seconds:,.2f})"
        peak_gb += f" ({fitted.estimated.megabytes / 1000:.2f})"
    return f"{fitted.seconds:,.2f} | {processor_s} | {peak_gb}"


if __name__ == "__main__":
    main(sys.argv[1:])
