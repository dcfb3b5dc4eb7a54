"""Ranking metrics over all items, with pessimistic ties.

Lists are ordered by score. Among equal scores, targets are last, so that a model does not benefit from constant scores.
Masked items (-inf) are in no list.

Every metric except `coverage` takes `hits`, bool `(users, k)`, which is true if the item at a rank is a target. The
best rank is first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Floats, Ints

Hits = npt.NDArray[np.bool_]


def rank_targets(scores: Floats, targets: Ints, k: int) -> Hits:
    """Return a mask of the first k ranks that are targets, bool `(k,)`.

    Parameters
    ----------
    scores
        Scores of all items, `(columns,)`. Masked items have -inf.
    targets
        Distinct columns of the user's targets.
    k
        Length of the list.

    Examples
    --------
    Columns 1 and 2 have equal scores. The target, column 1, gets the second rank.

    >>> rank_targets(np.array([0.1, 0.9, 0.9, 0.5], np.float32), np.array([1, 3]), 3).tolist()
    [False, True, True]
    """
    hits = np.zeros(k, np.bool_)
    found = scores[targets]
    found = np.sort(found[found > -np.inf])[::-1]
    for earlier, score in enumerate(found):  # counting is faster than sorting for few targets
        rivals = np.count_nonzero(scores >= score) - np.count_nonzero(found >= score)
        if rivals + earlier >= k:
            break
        hits[rivals + earlier] = True
    return hits


def hit_rate(hits: Hits) -> float:
    """Return the share of users with at least one target in the list.

    Examples
    --------
    >>> hit_rate(np.array([[False, True], [False, False]]))
    0.5
    """
    return float(hits.any(axis=1).mean()) if len(hits) else 0.0


def ndcg(hits: Hits, target_counts: Ints) -> float:
    """Return the normalised discounted cumulative gain with binary relevance.

    A user's NDCG is sum(hit / log2(rank + 1)) divided by the sum over r = 1..min(k, targets) of 1 / log2(r + 1). Ranks
    start at 1. The result is the mean over users.

    Parameters
    ----------
    hits
        Mask of targets, bool `(users, k)`.
    target_counts
        Number of targets of each user, above 0, int64 `(users,)`.

    References
    ----------
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.

    Examples
    --------
    One of two targets is at rank 2: (1 / log2(3)) / (1 / log2(2) + 1 / log2(3)).

    >>> round(ndcg(np.array([[False, True, False]]), np.array([2])), 4)
    0.3869
    """
    return float(gains(hits, target_counts).mean()) if len(hits) else 0.0


def gains(hits: Hits, target_counts: Ints) -> npt.NDArray[np.float64]:
    """Return the normalised discounted cumulative gain per user, float64 `(users,)`. The mean is `ndcg`."""
    k = hits.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(target_counts, k) - 1]
    found: npt.NDArray[np.float64] = (hits @ discounts) / ideal
    return found


def mrr(hits: Hits) -> float:
    """Return the mean reciprocal rank of the first target in the list. Users without a hit count as 0.

    Examples
    --------
    One user has the first hit at rank 2, the other has no hit: (1/2 + 0) / 2.

    >>> mrr(np.array([[False, True], [False, False]]))
    0.25
    """
    if not len(hits):
        return 0.0
    return float((hits.any(axis=1) / (hits.argmax(axis=1) + 1)).mean())


def coverage(recommended: npt.NDArray[np.bool_]) -> float:
    """Return the share of items that are in the list of at least one user.

    Parameters
    ----------
    recommended
        True for items in a list, bool `(items,)`.

    Examples
    --------
    >>> coverage(np.array([True, False, False, True]))
    0.5
    """
    return float(recommended.mean()) if len(recommended) else 0.0
