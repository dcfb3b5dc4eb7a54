"""`python -m benchmarks.related SET|SIZE...`: quality and cost of related items, written to docs/related-items.md.

A set is a shop of `benchmarks.quality`. Tables are computed from the interactions before a window of 28 days, and
evaluated on the window. The product's constants were selected on the validation window, which precedes the test window.
A size of `benchmarks.training` selects the number of synthetic interactions. Their times are rounded for `together`, so
that they form baskets.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from alsolike.bundle.related import SIMILAR, RelatedItems, RelatedTable
from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.times import DAY_MS
from benchmarks.page import write_section
from benchmarks.quality import SHOPS, read_set
from benchmarks.synthetic_interactions import YEAR_MS, synthetic_interactions, with_columns
from benchmarks.training import SIZES as TRAINING_SIZES
from model_export.data.baskets import basket_numbers, purchases
from model_export.data.interactions import Interactions, distinct
from model_export.export.related import Scores, Similar, Together, table
from model_export.export.related_quality import (
    MAX_QUERIES,
    Questions,
    frequent,
    next_items,
    related,
    rest_of_baskets,
    share,
)
from model_export.processes.resources import measured

K = 10
PAGE = Path("docs/related-items.md")
SIZES = {"10M": TRAINING_SIZES["10M"]}
RARE = 10
"""An item with fewer interactions before the window is rare."""

HOLDOUT_MS = 28 * DAY_MS
TIMES_A_YEAR = 4
ROWS_READ = 100_000


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.related", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="name", help=f"any of {', '.join([*SHOPS, *SIZES])}")
    parser.add_argument("--interactions", type=Path, help="interactions, for a set that does not come with the package")
    parser.add_argument("--items", type=Path, help="catalogue of the set")
    options = parser.parse_args(arguments)
    for name in options.names:
        lines = _cost(*SIZES[name]) if name in SIZES else _quality(name, options.interactions, options.items)
        section = "\n".join(lines)
        sys.stdout.write(section + "\n")
        write_section(PAGE, name, section)


def _quality(name: str, interactions: Path | None, items: Path | None) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        data = read_set(name, interactions, items, Path(directory))
    counts = np.bincount(data.item, minlength=data.items + 1)
    data = data.select(counts[data.item] >= DEFAULT.limits.minimum_item_interactions)
    last_ms = int(data.time_ms.max())
    windows = [
        _hit_rates(data, after_ms=last_ms - n * HOLDOUT_MS, until_ms=last_ms - (n - 1) * HOLDOUT_MS) for n in (2, 1)
    ]
    yield f"{len(data):,} interactions, {data.users:,} users, {len(np.unique(data.item)):,} items."
    yield ""
    yield f"| HR@{K} | validation | rare items | test | rare items |"
    yield "|---|---|---|---|---|"
    for rows in zip(*windows, strict=True):
        yield f"| {rows[0][0]} | {' | '.join(figures for _, figures in rows)} |"
    carts = [_carts(data, after_ms=last_ms - n * HOLDOUT_MS, until_ms=last_ms - (n - 1) * HOLDOUT_MS) for n in (2, 1)]
    yield ""
    yield f"| HR@{K} for an item left out of a basket | validation | test |"
    yield "|---|---|---|"
    for label in carts[0]:
        yield f"| {label} | {carts[0][label]:.4f} | {carts[1][label]:.4f} |"


def _hit_rates(data: Interactions, *, after_ms: int, until_ms: int) -> Iterator[tuple[str, str]]:
    """Yield the label of each row and two cells: the hit rate of all queries with the number of different answers, and
    the hit rate of queries about rare items.
    """
    past = data.select(data.time_ms <= after_ms)
    window = data.select((data.time_ms > after_ms) & (data.time_ms <= until_ms))
    counts = np.bincount(past.item, minlength=data.items + 1)
    bought, weights = purchases(past, DEFAULT.event_weights), DEFAULT.event_weights
    following, baskets = next_items(window), rest_of_baskets(purchases(window, weights))
    tables: Sequence[tuple[str, Questions, Callable[[], Scores] | None]] = (
        ("next item: `similar`", following, lambda: Similar(past)),
        ("next item: without columns, c = 0", following, lambda: Similar(past, content_share=0.0)),
        ("next item: the most frequent", following, None),
        ("rest of the basket: `together`", baskets, lambda: Together(bought, seed=0)),
        ("rest of the basket: `similar`", baskets, lambda: Similar(past)),
        ("rest of the basket: the most frequent", baskets, None),
    )
    for label, queries, scores in tables:
        answers = related(scores(), queries.items, k=K) if scores else frequent(past, queries.items, k=K)
        right, rare = queries.right(answers), counts[queries.items] < RARE
        shown = len(np.unique(answers[answers > 0]))
        yield f"{label}", f"{share(right):.4f} ({shown:,} items) | {share(right[rare]):.4f}"


def _carts(data: Interactions, *, after_ms: int, until_ms: int) -> dict[str, float]:
    """Return hit rates by method: the share of baskets of three or more items whose held-out item is recommended."""
    past = data.select(data.time_ms <= after_ms)
    window = data.select((data.time_ms > after_ms) & (data.time_ms <= until_ms))
    links = table(Together(purchases(past, DEFAULT.event_weights), seed=0))
    frequent_first = past.frequency_order()
    bought = purchases(window, DEFAULT.event_weights)
    basket, item = np.divmod(distinct(basket_numbers(bought) * (bought.items + 1) + bought.item), bought.items + 1)
    baskets = [items for items in np.split(item, np.flatnonzero(np.diff(basket)) + 1) if len(items) > 2]
    selected = np.linspace(0, len(baskets) - 1, min(MAX_QUERIES, len(baskets))).astype(np.int64).tolist()
    random = np.random.default_rng(0)
    found: dict[str, list[bool]] = {}
    for number in selected:
        left_out, *cart = random.permutation(baskets[number]).tolist()
        strongest: dict[int, float] = {}
        total: dict[int, float] = {}
        for source in cart:
            for target, score in zip(*(values.tolist() for values in links.row(source)), strict=True):
                strongest[target] = max(score, strongest.get(target, 0.0))
                total[target] = score + total.get(target, 0.0)
        for label, ranked in (
            ("strongest link to an item of the cart", sorted(strongest, key=lambda each: -strongest[each])),
            ("sum of the links", sorted(total, key=lambda each: -total[each])),
            ("the most frequent", frequent_first[: K + len(cart)].tolist()),
        ):
            found.setdefault(label, []).append(left_out in [each for each in ranked if each not in cart][:K])
    return {label: float(np.mean(hits)) for label, hits in found.items()}


def _cost(rows: int, items: int) -> Iterator[str]:
    data = with_columns(synthetic_interactions(rows=rows, items=items))
    apart_ms = YEAR_MS // TIMES_A_YEAR + 1
    baskets = dataclasses.replace(data, time_ms=data.time_ms // apart_ms * apart_ms)
    yield f"{rows:,} interactions of {data.users:,} users with {items:,} items that have columns."
    yield ""
    yield "| table | seconds | processor s | peak GB | entries |"
    yield "|---|---|---|---|---|"
    tables: Sequence[tuple[str, Callable[[], RelatedTable]]] = (
        ("similar", lambda: table(Similar(data))),
        ("together", lambda: table(Together(purchases(baskets, {"purchase": 1.0}), seed=0))),
    )
    found = {}
    for kind, make in tables:
        started = time.process_time()
        with measured() as cost:
            found[kind] = make()
        figures = f"{cost.seconds:.1f} | {time.process_time() - started:.1f} | {cost.peak_mb / 1000:.2f}"
        yield f"| `{kind}` | {figures} | {len(found[kind].scores):,} |"
    yield ""
    yield _read_back(RelatedItems(found), items)


def _read_back(tables: RelatedItems, items: int) -> str:
    positions = np.random.default_rng(0).integers(1, items + 1, ROWS_READ).tolist()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "related.tensors"
        tables.write(path)
        started = time.process_time()
        mapped = RelatedItems.map(path, items=items)
        opened = time.process_time()
        for position in positions:
            mapped.row(SIMILAR, position)
        read = time.process_time()
        size_mb = path.stat().st_size / 1e6
    return (
        f"The file has {size_mb:.0f} MB, uncut. Mapping it takes {(opened - started) * 1e3:.1f} ms, reading a row "
        f"{(read - opened) / ROWS_READ * 1e6:.1f} µs of processor time."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
