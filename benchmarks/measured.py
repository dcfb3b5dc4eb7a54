"""Measurements read from tables that other benchmarks wrote to pages."""

from __future__ import annotations

from pathlib import Path

from benchmarks.spark import SIZES

SCALE = Path("docs/scale.md")
PERFORMANCE = Path("docs/performance.md")
MAX_CUTOFFS = 4
"""Maximum number of cutoffs per training with a champion. Statistics are counted for each cutoff."""


def measured(page: Path, row: str, *, column: int) -> float:
    """Return a number from the table row whose first cells are `row`. Columns are numbered from 0."""
    for line in page.read_text().splitlines():
        if line.startswith(f"| {row} |"):
            cell = line.strip("| ").split(" | ")[column]
            return float(cell.split()[0].replace(",", ""))
    raise SystemExit(f"{page} has no row {row!r}; the command that writes it has not run")


def fits_s(size: str) -> dict[str, float]:
    """Return the processor seconds of a fit on `size` interactions, by algorithm.

    Fits without a result are excluded. SASRec is excluded, because its row has the time of one epoch only.
    """
    section = PERFORMANCE.read_text().partition(f"<!-- training {size}: begin -->")[2].partition("<!--")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): float(row[2].replace(",", "")) for row in rows if len(row) == 4 and row[0] != "`sasrec`"}


def slopes() -> tuple[float, float] | None:
    """Return Spark's processor seconds per million events, and the fits' processor seconds per thousand items.

    Spark's time is that of the dataset, plus `MAX_CUTOFFS` times that of the statistics. The fits are transitions and
    item_knn. The slope between the smallest and the largest size excludes the start of Spark. Return None if the page
    has fewer than two sizes.
    """
    section = SCALE.read_text().partition("<!-- spark: begin -->")[2].partition("<!-- spark: end -->")[0]
    sizes = [(events, items) for events, items in SIZES.values() if f"| {events:,} |" in section]
    if len(sizes) < 2:
        return None

    def seconds(events: int, work: str, engine: str) -> float:
        return measured(SCALE, f"{events:,} | {work} | {engine}", column=4)

    (few, few_items), (many, many_items) = sizes[0], sizes[-1]
    spark_s = [
        seconds(size, "dataset", "Spark") + MAX_CUTOFFS * seconds(size, "statistics", "Spark") for size in (few, many)
    ]
    fits_s = [seconds(size, "transitions and item_knn from statistics", "one process") for size in (few, many)]
    return (
        (spark_s[1] - spark_s[0]) / (many - few) * 1e6,
        (fits_s[1] - fits_s[0]) / (many_items - few_items) * 1e3,
    )
