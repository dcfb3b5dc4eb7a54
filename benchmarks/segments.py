"""Segments of users compared with simple choices, on The Complete Journey: `python -m benchmarks.segments`.

The model is fitted on all purchases before the last 28 days. A hit is a user of a segment who buys one of the segment's
items in these days.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alsolike.configuration.configuration import DEFAULT
from alsolike.declarations.times import DAY_MS
from benchmarks.page import write_section
from functions.recommend.direct.segments import MIN_DAYS
from model_export.algorithms import known
from model_export.api import Model
from model_export.evaluation import splits
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.ranking import histories
from model_export.evaluation.splits import Queries
from operations.demo.complete_journey import prepare
from operations.ingest.interaction_file import read
from operations.ingest.items_file import read_items

PAGE = Path("docs/segments.md")
DAYS, HISTORY = 28.0, 1_000
ITEMS, CATEGORIES = 100, 50
"""Numbers of segments: every tenth of the 1,000 most bought products, and every second of the 100 largest categories.
"""

SIZES = (50, 200)
_USERS_AT_ONCE = 200
_NOW_S = 1_767_225_600

Scores = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Journey:
    """Fitted model, test users, and number of purchases and category by item position. `category[0]` is empty."""

    fit_counts: npt.NDArray[np.int64]
    model: Model
    queries: Queries
    category: npt.NDArray[np.str_]


def journey(algorithm: str) -> Journey:
    with tempfile.TemporaryDirectory() as directory:
        files = prepare(Path(directory), now_s=_NOW_S, held_back_days=0)
        catalogue = read_items(files.items, columns={}).properties
        file = read(files.interactions, items=None, configuration=DEFAULT)
    data = dataclasses.replace(file.interactions, history_length=HISTORY)
    part = splits.temporal(data, holdout_ms=splits.holdout_ms(data, days=DAYS)).test
    ids = [file.item_ids[number - 1] for number in part.order]
    category = np.array(["", *(str(catalogue.get(item_id, {}).get("categoryL2") or "") for item_id in ids)])
    counts = np.bincount(part.fit.item, minlength=part.fit.items + 1)
    return Journey(counts, known()[algorithm].fit(part.fit), part.queries, category)


def choices(data: Journey, groups: Sequence[npt.NDArray[np.int64]]) -> Mapping[str, Scores]:
    """Return the score of each user for each group of items, `(users, groups)`, by the method of choosing users."""
    queries, model = data.queries, data.model
    users = len(queries)
    starts = np.maximum(queries.starts, queries.ends - HISTORY)
    days = (queries.now_ms - queries.source.time_ms[starts]) / DAY_MS
    per_day = (queries.ends - starts) / np.maximum(days, MIN_DAYS)
    scores, bought = np.zeros((users, len(groups))), np.zeros((users, len(groups)))
    for start in range(0, users, _USERS_AT_ONCE):
        rows = slice(start, min(start + _USERS_AT_ONCE, users))
        row_histories = histories(queries, half_life_days=model.settings.half_life_days, rows=rows)
        item_scores = model.score(row_histories)
        for number, group in enumerate(groups):
            scores[rows, number] = item_scores[:, group].sum(axis=1)
    for user in range(users):
        counts = np.bincount(queries.seen(user), minlength=len(data.category))
        bought[user] = [counts[group].sum() for group in groups]
    active = (queries.ends - queries.starts).astype(float)
    return {
        "most active users": np.repeat(active[:, None], len(groups), axis=1),
        "most purchases of the items": bought + active[:, None] / active.max() / 2,
        "`alsolike segments`": scores * per_day[:, None],
        "`alsolike segments` without the frequency": scores,
    }


def hit_rates(scores: Scores, hits: npt.NDArray[np.bool_], *, size: int) -> Scores:
    """Return the share of hits among the `size` users with the highest scores of each group, `(groups,)`."""
    best = np.argsort(-scores, axis=0, kind="stable")[:size]
    rates: Scores = np.take_along_axis(hits, best, axis=0).mean(axis=0)
    return rates


def table(data: Journey) -> str:
    by_frequency = np.argsort(-data.fit_counts[1:], kind="stable") + 1
    items = [by_frequency[place : place + 1] for place in range(0, 1_000, 1_000 // ITEMS)]
    purchases = {name: int(data.fit_counts[data.category == name].sum()) for name in np.unique(data.category) if name}
    largest = sorted(purchases, key=lambda name: (-purchases[name], name))[: 2 * CATEGORIES : 2]
    categories = [np.flatnonzero(data.category == name) for name in largest]
    head = ["users chosen by", *(f"{kind}, {size} users" for kind in ("product", "category") for size in SIZES)]
    rows: dict[str, list[str]] = {}
    for groups in (items, categories):
        hits = np.array(
            [
                [np.isin(data.queries.targets_of(user), group).any() for group in groups]
                for user in range(len(data.queries))
            ]
        )
        found = choices(data, groups)
        for size in SIZES:
            rates = {name: hit_rates(scores, hits, size=size) for name, scores in found.items()}
            first = next(iter(rates.values()))
            for name, values in rates.items():
                low, high = interval(values - first)
                gain = "" if values is first else f" ({low:+.3f} to {high:+.3f})"
                rows.setdefault(name, []).append(f"{values.mean():.3f}{gain}")
    lines = [f"| {' | '.join(head)} |", "|---|" + "---|" * (len(head) - 1)]
    lines += [f"| {' | '.join([name, *cells])} |" for name, cells in rows.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segments", description=__doc__)
    parser.add_argument("--algorithm", default="repurchase", choices=known())
    options = parser.parse_args()
    data = journey(options.algorithm)
    section = f"{len(data.queries):,} users, {options.algorithm}.\n\n{table(data)}"
    sys.stdout.write(f"{section}\n")
    write_section(PAGE, "segments", section)


if __name__ == "__main__":
    main()
