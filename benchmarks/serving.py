"""`python -m benchmarks.serving [name...]`: cost of serving against target values, written to docs/performance.md.

Ratios compare medians of processor time, measured in alternating rounds of one run. `gateway` measures latency by the
clock, and `starting` also memory. implicit is included if it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.filtering import filtering
from benchmarks.load import gateway
from benchmarks.page import write_section
from benchmarks.recommending import recommend
from benchmarks.rows import COLUMNS, Row, markdown
from benchmarks.searching import item_to_item
from benchmarks.starting import starting

PAGE = Path("docs/performance.md")
MAX_SHARE_OF_SCAN = 0.2


def filters() -> Iterator[Row]:
    return (Row.of(result, max_ratio=MAX_SHARE_OF_SCAN) for result in filtering())


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    table.__name__: table for table in (recommend, item_to_item, filters, starting, gateway)
}


def main(arguments: Sequence[str]) -> int:
    """Write each complete table to the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(TABLES)}; all by default")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - TABLES.keys():
        parser.error(f"unknown table {', '.join(sorted(unknown))}, expected any of {', '.join(TABLES)}")
    progress = Console(stderr=True)
    try:
        for name in options.names or TABLES:
            rows: list[Row] = []
            # `gateway` prints its own progress.
            with contextlib.nullcontext() if name == gateway.__name__ else progress.status(f"measuring {name}"):
                for row in TABLES[name]():
                    rows.append(row)
                    progress.print(f"{name}: {row.work}", highlight=False)
            _print(name, rows)
            write_section(PAGE, f"serving {name}", markdown(rows))
    except KeyboardInterrupt:
        progress.print("stopped; what was measured until here is in the page")
        return 130
    return 0


def _print(name: str, rows: Sequence[Row]) -> None:
    table = Table(*COLUMNS, title=name)
    for row in rows:
        table.add_row(*(cell.replace("**", "") for cell in row.cells))
    Console(width=None if sys.stdout.isatty() else 180).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
