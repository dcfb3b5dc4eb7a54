"""Hit rate of related items for a user's next item and for items of the same basket.

Both tables are computed from the data before a time window and evaluated on the window. Each hit rate is compared with
the hit rate of the most frequent items. A table with a lower hit rate predicts worse than the most frequent items.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.bundle.related import SIMILAR, TOGETHER
from model_export.algorithms.building_blocks.item_to_item import source_blocks
from model_export.data.baskets import basket_numbers, purchases
from model_export.data.interactions import Interactions, Ints, distinct
from model_export.export.related import BATCH_PAIRS, Scores, Similar, Together, best_rows

MAX_QUERIES = 5_000
"""Maximum number of queries per table."""


@dataclasses.dataclass(frozen=True, slots=True)
class RelatedFigures:
    """Quality of a table.

    Attributes
    ----------
    asked
        Number of queries, each with one item.
    hr
        Share of queries with a target among the first k related items.
    popular_hr
        Share of queries with a target among the k most frequent items other than the query's item.
    """

    asked: int
    hr: float
    popular_hr: float


@dataclasses.dataclass(frozen=True, slots=True)
class Questions:
    """Queries with one item each. The targets of `items[q]` are `targets[offsets[q]:offsets[q + 1]]`."""

    items: Ints
    targets: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.items)

    def right(self, answers: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Return a mask of queries with a target among the related items `answers`, `(queries, k)`."""
        bounds = zip(self.offsets[:-1], self.offsets[1:], strict=True)
        targets = (self.targets[begin:end] for begin, end in bounds)
        return np.array([np.isin(*each).any() for each in zip(answers, targets, strict=True)], np.bool_)


def measure(
    interactions: Interactions,
    *,
    event_weights: Mapping[str, float],
    after_ms: int,
    until_ms: int,
    k: int,
    seed: int,
) -> dict[str, RelatedFigures]:
    """Return the quality of each table in the window `after_ms < time <= until_ms`."""
    past = interactions.select(interactions.time_ms <= after_ms)
    window = interactions.select((interactions.time_ms > after_ms) & (interactions.time_ms <= until_ms))
    together = Together(purchases(past, event_weights), seed=seed)
    evaluations: Sequence[tuple[str, Scores, Questions]] = (
        (SIMILAR, Similar(past), next_items(window)),
        (TOGETHER, together, rest_of_baskets(purchases(window, event_weights))),
    )
    return {
        kind: RelatedFigures(
            asked=len(questions),
            hr=share(questions.right(related(scores, questions.items, k=k))),
            popular_hr=share(questions.right(frequent(past, questions.items, k=k))),
        )
        for kind, scores, questions in evaluations
    }


def next_items(window: Interactions) -> Questions:
    """Create queries from successive interactions.

    The target of an item is the user's next item, if it is another item.
    """
    follows = (window.user[1:] == window.user[:-1]) & (window.item[1:] != window.item[:-1])
    rows = _sample(np.flatnonzero(follows))
    return Questions(
        items=window.item[rows].astype(np.int64),
        targets=window.item[rows + 1].astype(np.int64),
        offsets=np.arange(len(rows) + 1),
    )


def rest_of_baskets(bought: Interactions) -> Questions:
    """Create queries from items of baskets. The targets of an item are the other items of its basket."""
    columns = bought.items + 1
    basket, item = np.divmod(distinct(basket_numbers(bought) * columns + bought.item), columns)
    starts, ends = np.searchsorted(basket, basket), np.searchsorted(basket, basket, side="right")
    rows = _sample(np.flatnonzero(ends - starts > 1))
    others = [np.delete(item[starts[row] : ends[row]], row - starts[row]) for row in rows.tolist()]
    return Questions(
        items=item[rows],
        targets=np.concatenate([np.zeros(0, np.int64), *others]),
        offsets=np.cumsum([0, *map(len, others)]),
    )


def related(scores: Scores, items: Ints, *, k: int) -> npt.NDArray[np.int32]:
    """Return the k best related items of each item, padded with 0, `(len(items), k)`."""
    sources = distinct(items)
    best = np.zeros((len(sources), k), np.int32)
    for block in source_blocks(np.append(0, scores.pairs[sources]), maximum=BATCH_PAIRS):
        rows = best_rows(scores, sources[block.start - 1 : block.stop - 1], n=k)
        for row, (targets, _) in enumerate(rows, start=block.start - 1):
            best[row, : len(targets)] = targets
    return best[np.searchsorted(sources, items)]


def frequent(past: Interactions, items: Ints, *, k: int) -> npt.NDArray[np.int32]:
    """Return the k most frequent items other than each item, `(len(items), k)`.

    If there are at most k items, there are fewer columns.
    """
    popular = past.frequency_order()[: k + 1]
    rows = [popular[popular != item][:k] for item in items.tolist()]
    return np.array(rows, np.int32)


def share(right: npt.NDArray[np.bool_]) -> float:
    return float(right.mean()) if len(right) else 0.0


def _sample(rows: Ints) -> Ints:
    if len(rows) <= MAX_QUERIES:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MAX_QUERIES).astype(np.int64)]
