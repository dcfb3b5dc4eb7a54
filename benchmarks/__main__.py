"""Command `python -m benchmarks [name...] [--json]`, which runs benchmarks and prints their tables."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.answering import answer
from benchmarks.batches import recommend_batch
from benchmarks.cold_items import cold_items
from benchmarks.cold_start import cold_start
from benchmarks.collecting import collect
from benchmarks.importing import importing
from benchmarks.ingestion import archive_events, update_profiles
from benchmarks.measure import Result
from benchmarks.opening import open_models
from benchmarks.optimisations import optimisations
from benchmarks.reading import read_profile
from benchmarks.rebuilding import rebuild_profiles
from benchmarks.rules import rules
from benchmarks.signing import signatures
from benchmarks.snapshot import snapshot
from benchmarks.trends import count_trends

BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    benchmark.__name__: benchmark
    for benchmark in (
        collect,
        update_profiles,
        archive_events,
        count_trends,
        importing,
        rebuild_profiles,
        read_profile,
        recommend_batch,
        cold_items,
        open_models,
        answer,
        signatures,
        snapshot,
        rules,
        cold_start,
        optimisations,
    )
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}, expected any of {', '.join(BENCHMARKS)}")
    progress = Console(stderr=True)
    results: list[Result] = []
    for name in options.names or BENCHMARKS:
        with progress.status(f"measuring {name}"):
            results.extend(BENCHMARKS[name]())
    if options.json:
        documents = [{**dataclasses.asdict(result), "ratio": result.ratio} for result in results]
        sys.stdout.buffer.write(orjson.dumps({"results": documents}, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print_table(results)


def _print_table(results: Sequence[Result]) -> None:
    table = Table(title="Processor time on one core, medians; the floor is measured in the same run")
    for column, justify in (
        ("benchmark", "left"), ("work", "left"), ("ms", "right"), ("per second", "right"),
        ("floor", "left"), ("floor ms", "right"), ("ratio", "right"), ("note", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for result in results:
        table.add_row(
            result.benchmark,
            result.work,
            f"{result.cost_ms:.3g}",
            f"{result.per_second:,.0f}",
            result.floor,
            f"{result.floor_ms:.3g}",
            f"{result.ratio:.2f}",
            result.note,
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
