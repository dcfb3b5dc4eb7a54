"""Evaluation of a model: all items are ranked for every query. Items of the history are allowed or masked.

A list contains only items that the model scores above 0. Popular items, which fill short lists in serving, are not
evaluated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from alsolike.bundle.manifest import HistoryParameters
from alsolike.runtime.errors import InvalidInput
from model_export.api import Model
from model_export.data.chunks import chunks
from model_export.data.interactions import Floats, Histories, Interactions, Ints
from model_export.data.top_n import best_items
from model_export.evaluation import metrics
from model_export.evaluation.diversity import Diversity, Kinds, ProductLists
from model_export.evaluation.metrics import PopularityBias, Shares, popularity
from model_export.evaluation.splits import Part, Queries

Gains = npt.NDArray[np.float64]
Seen = Literal["masked", "masked if bought", "allowed"]
BOTH: tuple[Seen, Seen] = ("masked", "allowed")
NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})

_NO_ITEMS = np.zeros(0, np.int32)
BATCH_BYTES = 16 << 20
"""Maximum size of a chunk's scores. For 200,000 items, `sasrec` takes 2.2 times as long with chunks of `CACHED_BYTES`,
because each chunk reads all item vectors.
"""
FEW_PAIRS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Quality:
    """Metrics of a model on a set of queries.

    Attributes
    ----------
    queries
        Number of evaluated users, who have at least one target that may be recommended.
    popularity_ratio
        Popularity bias, see `model_export.evaluation.metrics`.
    gains
        NDCG of each evaluated user, float64 `(queries,)`.
    products
        Metrics of lists with one variant per product, or None if they were not evaluated.
    """

    hr: float
    ndcg: float
    mrr: float
    coverage: float
    popularity_ratio: float
    queries: int
    gains: Gains = dataclasses.field(repr=False, compare=False)
    products: Diversity | None = None


def history_parameters(
    interactions: Interactions,
    half_life_days: float,
    *,
    event_weights: Mapping[str, float] = NO_WEIGHTS,
    features: Sequence[str] = (),
) -> HistoryParameters:
    """Return the history parameters with which a model of this half-life is served.

    `event_weights` and `features` are for the bundle's manifest. Interactions of a dataset already have weights.
    """
    return HistoryParameters(
        length=interactions.history_length,
        half_life_days=half_life_days,
        event_weights=dict(event_weights),
        features={name: interactions.feature(name).values for name in features},
    )


def histories(queries: Queries, *, half_life_days: float, rows: slice = slice(None)) -> Histories:
    """Return the histories of the queries, truncated to the latest interactions as in serving."""
    return queries.source.histories(
        starts=queries.starts[rows],
        ends=queries.ends[rows],
        now_ms=queries.now_ms[rows],
        parameters=history_parameters(queries.source, half_life_days),
    )


def evaluate(
    model: Model, queries: Queries, *, k: int, seen: Collection[Seen] = BOTH, kinds: Kinds | None = None
) -> dict[Seen, Quality]:
    """Rank all items for every query, in chunks with bounded memory.

    Parameters
    ----------
    kinds
        Products and categories of items, to evaluate lists with one variant per product. None to skip this.
    seen
        Treatments of items in the user's history. "allowed": the items may be recommended, and all targets count.
        "masked": the items may not be recommended, and only targets outside of the complete history count, although
        serving knows only the latest interactions. Users without such a target are excluded. "masked if bought": like
        "masked", but only for purchased items.

    Returns
    -------
    dict[Seen, Quality]
        Metrics by treatment.
    """
    shares = popularity(queries.source)
    content = queries.source.content
    tallies = {
        mode: _Tally(k, shares, None if kinds is None or content is None else ProductLists(kinds, content, k=k))
        for mode in seen
    }
    for start, scores in scored(model, queries):
        end(scores)
        for query, item_scores in enumerate(scores, start):
            # in this order, because each treatment masks more scores
            for mode in ("allowed", "masked if bought", "masked"):
                if mode in tallies:
                    wanted = open_targets(item_scores, queries, query, mode)
                    tallies[mode].add_list(item_scores, wanted, past=queries.seen(query))
    return {mode: tally.quality() for mode, tally in tallies.items()}


def gains(model: Model, queries: Queries, *, k: int, seen: Seen) -> Gains:
    """Return the NDCG@k of each evaluated user. This is faster than `evaluate`."""
    hits = Hits(k)
    for start, scores in scored(model, queries):
        for query, item_scores in enumerate(scores, start):
            hits.add(item_scores, open_targets(item_scores, queries, query, seen))
    return hits.gains()


def best_list(model: Model, part: Part, query: int, *, k: int, seen: Seen) -> Ints:
    """Return a model's list for a query, best first, as item numbers of the full dataset."""
    queries = part.queries.select(np.array([query]))
    ((_, scores),) = scored(model, queries)
    end(scores)
    open_targets(scores[0], queries, 0, seen)
    listed = np.sort(best_items(scores[0], k))
    return part.order[listed[np.argsort(-scores[0, listed], kind="stable")] - 1]


def mean(found: Gains) -> float:
    return float(found.mean()) if len(found) else 0.0


def open_targets(scores: Floats, queries: Queries, query: int, seen: Seen) -> Ints:
    """Mask, in place, the items that may not be recommended. Return the remaining targets."""
    targets = queries.targets_of(query)
    if len(past := hidden(queries, query, seen)):
        scores[past] = -np.inf
        targets = targets[~_among(targets, past)]
    return targets


def with_open_targets(queries: Queries, seen: Seen) -> Queries:
    """Return the queries with at least one target that may be recommended."""
    if seen == "allowed":
        return queries
    is_open = [
        not _among(queries.targets_of(query), hidden(queries, query, seen)).all() for query in range(len(queries))
    ]
    return queries.select(np.flatnonzero(is_open))


def hidden(queries: Queries, query: int, seen: Seen) -> npt.NDArray[np.int32]:
    """Return the items of a query's history that may not be recommended."""
    if seen == "allowed":
        return _NO_ITEMS
    return queries.seen(query) if seen == "masked" else queries.bought(query)


def _among(items: Ints, past: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return a mask of the items that are in a history. For short histories, `np.isin` takes longer."""
    if items.size * past.size > FEW_PAIRS:
        return np.isin(items, past)
    among: npt.NDArray[np.bool_] = (items[:, None] == past).any(axis=1)
    return among


def end(scores: Floats) -> None:
    """Mask padding and items with score 0 in place. They are in no list."""
    np.putmask(scores, scores <= 0, np.float32(-np.inf))


def scored(model: Model, queries: Queries) -> Iterator[tuple[int, Floats]]:
    """Yield the index of the first query of each chunk, and the scores of the chunk."""
    length = queries.source.history_length
    for rows in chunks(len(queries), items=model.items, length=length, pairs=False, max_bytes=BATCH_BYTES):
        scores = model.score(histories(queries, half_life_days=model.settings.half_life_days, rows=rows))
        if scores.shape != (expected := (rows.stop - rows.start, model.items + 1)):
            raise InvalidInput(f"{model.settings.name} returned scores of shape {scores.shape}, expected {expected}")
        yield rows.start, scores


class Hits:
    """Collector of the targets' ranks."""

    def __init__(self, k: int) -> None:
        self.k = k
        self._rows: list[metrics.Hits] = []
        self._target_counts: list[int] = []

    def add(self, scores: Floats, targets: Ints) -> None:
        """Add the ranks of a user's targets.

        Users without targets are ignored. Targets with scores up to 0 have no rank.
        """
        if len(targets):
            self._rows.append(metrics.rank_targets(scores, targets[scores[targets] > 0], self.k))
            self._target_counts.append(len(targets))

    def rows(self) -> metrics.Hits:
        """Return a mask of the ranks that are targets, bool `(users, k)`."""
        return np.array(self._rows, np.bool_).reshape(-1, self.k)

    def gains(self, k: int | None = None) -> Gains:
        """Return the NDCG@k per user, float64 `(users,)`, for a k up to the length of the lists."""
        return metrics.gains(self.rows()[:, :k], np.array(self._target_counts, np.int64))


class _Tally(Hits):
    def __init__(self, k: int, shares: Shares, products: ProductLists | None) -> None:
        super().__init__(k)
        self._products = products
        self._recommended = np.zeros(len(shares), np.bool_)
        self._bias = PopularityBias(shares)

    def add_list(self, scores: Floats, targets: Ints, *, past: npt.NDArray[np.int32]) -> None:
        self.add(scores, targets)
        if len(targets):
            listed = best_items(scores, self.k)
            self._recommended[listed] = True
            self._bias.add(listed=listed, past=past)
            if self._products is not None:
                self._products.add(scores, targets)

    def quality(self) -> Quality:
        hits, found = self.rows(), self.gains()
        return Quality(
            hr=metrics.hit_rate(hits),
            ndcg=mean(found),
            mrr=metrics.mrr(hits),
            coverage=metrics.coverage(self._recommended[1:]),
            popularity_ratio=self._bias.ratio,
            queries=len(hits),
            gains=found,
            products=None if self._products is None else self._products.diversity(),
        )
