"""NDCG of weighted sums of the scores of several models, computed from the few items that can be in a user's list."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model_export.data import top_n
from model_export.data.interactions import Floats, Ints
from model_export.evaluation import metrics
from model_export.evaluation.ranking import Gains, Seen, open_targets
from model_export.evaluation.splits import Queries

CANDIDATES = 64
"""Candidates of a model for a user have scores above a lower bound of the `CANDIDATES`-th largest score, see
`_min_candidate`.
"""

BATCH_USERS = 128

_ROUNDING = np.float32(1.0001)
"""Bound of the rounding error of float32 sums in another order, as a factor."""


class WeightedScores:
    """Scores of several models for the same users, which can be evaluated with different weights.

    The candidates of a user are the targets and, for each model, the items with scores above a minimum. The weighted
    sum of every other item is at most the weighted sum of these minima. If the score of a hit does not exceed this
    bound, all items of the user are ranked, so that the result is exact.

    Parameters
    ----------
    scores
        Scores by model name, at least 0, float32 `(len(queries), items + 1)`. Masked items are overwritten.
    k
        Length of the list.
    """

    def __init__(self, scores: Mapping[str, Floats], queries: Queries, *, k: int, seen: Seen) -> None:
        self._scores = {name: scores[name] for name in sorted(scores)}
        self._k = k
        self._targets = [self._open_targets(queries, query, seen) for query in range(len(queries))]
        self._counts = np.array([len(targets) for targets in self._targets], np.int64)
        columns = next(iter(scores.values())).shape[1]
        row = np.repeat(np.arange(len(queries)), self._counts)
        targets = row * columns + np.concatenate([np.zeros(0, np.int64), *self._targets])
        self._minima, keys = {}, [np.zeros(0, np.int64)]
        for name, model_scores in self._scores.items():
            self._minima[name] = np.zeros(len(queries), np.float32)
            for start in range(0, len(queries), BATCH_USERS):
                batch = model_scores[start : start + BATCH_USERS]
                minimum = self._minima[name][start : start + BATCH_USERS] = _min_candidate(batch)
                best_row, best_column = np.nonzero(batch > minimum[:, None])
                keys.append((best_row + start) * np.int64(columns) + best_column)
        rivals = np.setdiff1d(np.concatenate(keys), targets)
        self._rival_scores = self._gathered(rivals, columns)
        self._target_scores = self._gathered(targets, columns)

    def gains(self, weights: Mapping[str, float]) -> Gains:
        """Return the NDCG@k of each user with targets, float64 `(users,)`. `weights` are by model name."""
        weighted = {name: np.float32(weights[name]) for name in self._scores if weights.get(name)}
        targets = _largest(_weighted_sum(weighted, self._target_scores), self._k)
        rivals = _largest(_weighted_sum(weighted, self._rival_scores), self._k)
        rank = (rivals[:, None, :] >= targets[:, :, None]).sum(axis=2) + np.arange(targets.shape[1])
        is_hit = (targets > 0) & (rank < self._k)
        user, place = np.nonzero(is_hit)
        hits = np.zeros((len(targets), self._k), np.bool_)
        hits[user, rank[user, place]] = True
        bound = _weighted_sum(weighted, self._minima) * _ROUNDING
        for unsure in np.flatnonzero((is_hit & (targets <= bound[:, None])).any(axis=1)).tolist():
            hits[unsure] = self._ranked_over_all(unsure, weighted)
        with_targets = self._counts > 0
        return metrics.gains(hits[with_targets], self._counts[with_targets])

    def _open_targets(self, queries: Queries, query: int, seen: Seen) -> Ints:
        for scores in self._scores.values():
            targets = open_targets(scores[query], queries, query, seen)
        return targets

    def _gathered(self, keys: Ints, columns: int) -> dict[str, Floats]:
        """Return the scores of each model at the keys `row * columns + column`.

        Rows are padded with 0 to equal length.
        """
        row, column = np.divmod(keys, columns)
        counts = np.bincount(row, minlength=len(self._targets))
        place = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.zeros((len(counts), int(counts.max(initial=1))), np.int64)  # scores of column 0 are 0
        index[row, place] = column
        return {name: np.take_along_axis(scores, index, axis=1) for name, scores in self._scores.items()}

    def _ranked_over_all(self, user: int, weights: Mapping[str, np.float32]) -> metrics.Hits:
        scores = _weighted_sum(weights, {name: self._scores[name][user] for name in weights})
        scores[scores <= 0] = -np.inf
        return metrics.rank_targets(scores, self._targets[user], self._k)


def _min_candidate(scores: Floats) -> Floats:
    """Return a lower bound of the `CANDIDATES`-th largest score of each row, or 0 for short rows, `(rows,)`.

    The bound is computed from maxima of groups of columns, without sorting, see `model_export.data.top_n.kth_best`.
    """
    rows, columns = scores.shape
    groups = columns // top_n.GROUP
    if groups > CANDIDATES:
        scores = scores[:, : groups * top_n.GROUP].reshape(rows, top_n.GROUP, groups).max(axis=1)
    if scores.shape[1] <= CANDIDATES:
        return np.zeros(rows, np.float32)
    return np.maximum(np.partition(scores, -CANDIDATES, axis=1)[:, -CANDIDATES], np.float32(0.0))


def _weighted_sum(weights: Mapping[str, np.float32], scores: Mapping[str, Floats]) -> Floats:
    """Return the weighted sum of the scores, added in the order of `weights`."""
    total = np.zeros_like(next(iter(scores.values())))
    for name, weight in weights.items():
        total += weight * scores[name]
    return total


def _largest(values: Floats, k: int) -> Floats:
    if values.shape[1] > k:
        values = np.partition(values, -k, axis=1)[:, -k:]
    return np.sort(values, axis=1)[:, ::-1]
