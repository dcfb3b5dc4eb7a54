"""NDCG of weighted sums of the scores of several models, computed from the few items that can be in a user's list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model_export.api import Scorers
from model_export.data import top_n
from model_export.data.chunks import chunks
from model_export.data.interactions import Floats, Ints
from model_export.evaluation import metrics
from model_export.evaluation.ranking import Gains, Seen, histories, open_targets
from model_export.evaluation.splits import Queries

CANDIDATES = 64
"""Candidates of a model for a user have scores above a lower bound of the `CANDIDATES`-th largest score, see
`_min_candidate`.
"""

_ROUNDING = np.float32(1.0001)
"""Bound of the rounding error of float32 sums in another order, as a factor."""

ByModel = Mapping[str, Floats]


class WeightedScores:
    """Scores of several models for the same users, which can be evaluated with different weights.

    The candidates of a user are the targets and, for each model, the items with scores above a minimum. The weighted
    sum of every other item is at most the weighted sum of these minima. If the score of a hit does not exceed this
    bound, all items of the user are scored again and ranked, so that the result is exact.

    Parameters
    ----------
    scorers
        Functions that return scores of at least 0.
    k
        Length of the list.
    """

    def __init__(self, scorers: Scorers, queries: Queries, *, half_life_days: float, k: int, seen: Seen) -> None:
        self._scorers, self._queries, self._half_life_days = scorers, queries, half_life_days
        self._k, self._seen = k, seen
        items, length = queries.source.items, queries.source.history_length
        slices = chunks(len(queries), items=items, length=length, pairs=False)
        found = [self._candidates(rows) for rows in slices] or [self._candidates(slice(0, 0))]
        self._counts = np.concatenate([each.counts for each in found])
        self._minima, self._rival_scores, self._target_scores = (
            {name: _joined([by_model[name] for by_model in parts]) for name in parts[0]}
            for parts in zip(*((each.minima, each.rivals, each.targets) for each in found), strict=True)
        )

    def gains(self, weights: Mapping[str, float]) -> Gains:
        """Return the NDCG@k of each user with targets, float64 `(users,)`. `weights` are by model name."""
        weighted = {name: np.float32(weights[name]) for name in self._minima if weights.get(name)}
        targets = _largest(_weighted_sum(weighted, self._target_scores), self._k)
        rivals = _largest(_weighted_sum(weighted, self._rival_scores), self._k)
        rank = (rivals[:, None, :] >= targets[:, :, None]).sum(axis=2) + np.arange(targets.shape[1])
        is_hit = (targets > 0) & (rank < self._k)
        user, place = np.nonzero(is_hit)
        hits = np.zeros((len(targets), self._k), np.bool_)
        hits[user, rank[user, place]] = True
        bound = _weighted_sum(weighted, self._minima) * _ROUNDING
        for unsure in np.flatnonzero((is_hit & (targets <= bound)).any(axis=1)).tolist():
            hits[unsure] = self._ranked_over_all(unsure, weighted)
        with_targets = self._counts > 0
        return metrics.gains(hits[with_targets], self._counts[with_targets])

    def _scored(self, rows: slice, names: Collection[str]) -> tuple[dict[str, Floats], list[Ints]]:
        """Return the scores of all items by model name, and the targets that may be recommended to each user.

        Items that may not be recommended have the score -inf.
        """
        past = histories(self._queries, half_life_days=self._half_life_days, rows=rows)
        scores = {name: self._scorers[name](past) for name in sorted(names)}
        targets = []
        for row, query in enumerate(range(len(self._queries))[rows]):
            for model_scores in scores.values():
                open_ = open_targets(model_scores[row], self._queries, query, self._seen)
            targets.append(open_)
        return scores, targets

    def _candidates(self, rows: slice) -> _Candidates:
        scores, targets = self._scored(rows, self._scorers)
        counts = np.array([len(each) for each in targets], np.int64)
        minima = {name: _min_candidate(model_scores) for name, model_scores in scores.items()}
        is_rival = np.logical_or.reduce([model_scores > minima[name] for name, model_scores in scores.items()])
        is_target = np.zeros_like(is_rival)
        is_target[np.repeat(np.arange(len(targets)), counts), np.concatenate([np.zeros(0, np.int64), *targets])] = True
        is_rival &= ~is_target
        return _Candidates(counts, minima, _gathered(scores, is_rival), _gathered(scores, is_target))

    def _ranked_over_all(self, user: int, weights: Mapping[str, np.float32]) -> metrics.Hits:
        by_model, (targets,) = self._scored(slice(user, user + 1), weights)
        scores = _weighted_sum(weights, by_model)[0]
        scores[scores <= 0] = -np.inf
        return metrics.rank_targets(scores, targets, self._k)


class _Candidates(NamedTuple):
    """Candidates of a chunk of users.

    Attributes
    ----------
    counts
        Number of targets, int64 `(users,)`.
    minima
        Scores by model name, float32 `(users, 1)`. An item with a higher score of any model is a candidate.
    rivals, targets
        Scores by model name of candidates that are no targets, and of targets, float32 `(users, columns)`, padded
        with 0.
    """

    counts: Ints
    minima: ByModel
    rivals: ByModel
    targets: ByModel


def _gathered(scores: ByModel, mask: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    """Return the scores by model name where the mask is true. Rows are padded with 0 to equal length."""
    row, column = np.nonzero(mask)
    counts = np.bincount(row, minlength=len(mask))
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.zeros((len(counts), int(counts.max(initial=1))), np.int64)  # scores of column 0 are 0
    index[row, place] = column
    return {name: np.take_along_axis(model_scores, index, axis=1) for name, model_scores in scores.items()}


def _joined(parts: Sequence[Floats]) -> Floats:
    """Return the rows of all parts, padded with 0 to equal length."""
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])


def _min_candidate(scores: Floats) -> Floats:
    """Return a lower bound of the `CANDIDATES`-th largest score of each row, but at least 0, `(rows, 1)`.

    It is 0 for rows of up to `CANDIDATES` scores. With many columns, it is computed from the maxima of groups of
    columns, as in `model_export.data.top_n.kth_best`.
    """
    rows, columns = scores.shape
    groups = columns // top_n.GROUP
    if groups > CANDIDATES:
        scores = scores[:, : groups * top_n.GROUP].reshape(rows, top_n.GROUP, groups).max(axis=1)
    if scores.shape[1] <= CANDIDATES:
        return np.zeros((rows, 1), np.float32)
    return np.maximum(np.partition(scores, -CANDIDATES, axis=1)[:, [-CANDIDATES]], np.float32(0.0))


def _weighted_sum(weights: Mapping[str, np.float32], scores: ByModel) -> Floats:
    """Return the weighted sum of the scores, added in the order of `weights`."""
    total = np.zeros_like(next(iter(scores.values())))
    for name, weight in weights.items():
        total += weight * scores[name]
    return total


def _largest(values: Floats, k: int) -> Floats:
    return np.sort(values, axis=1)[:, : -k - 1 : -1]
