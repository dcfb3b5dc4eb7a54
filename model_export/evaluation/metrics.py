"""Ranking metrics over all items, with ties never in the model's favour.

The ranked list of a user is ordered by score; among equal scores, items that the user did not choose come first. So a
target has the worst rank of its tie, and a model that scores everything alike finds nothing. Masked items (-inf) are
in no list.

Every metric takes `hits`, bool `(users, k)`: whether the item at each rank is a target, best rank first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Floats, Ints

Hits = npt.NDArray[np.bool_]


def rank_targets(scores: Floats, targets: Ints, k: int) -> Hits:
    """Return which of the first k ranks hold a target, bool `(k,)`.

    Parameters
    ----------
    scores
        `(columns,)`, scores of every item, -inf where masked.
    targets
        Columns of the items that the user chose, each once.
    k
        Length of the list.

    Examples
    --------
    Columns 1 and 2 tie for the first rank; the target among them takes the second.

    >>> rank_targets(np.array([0.1, 0.9, 0.9, 0.5], np.float32), np.array([1, 3]), 3).tolist()
    [False, True, True]
    """
    hits = np.zeros(k, np.bool_)
    found = scores[targets]
    found = np.sort(found[found > -np.inf])[::-1]
    for earlier, score in enumerate(found):  # counting costs less than sorting, and few targets stand in the list
        rivals = np.count_nonzero(scores >= score) - np.count_nonzero(found >= score)
        if rivals + earlier >= k:
            break
        hits[rivals + earlier] = True
    return hits


def hit_rate(hits: Hits) -> float:
    """Share of users with at least one target in the list.

    Examples
    --------
    >>> hit_rate(np.array([[False, True], [False, False]]))
    0.5
    """
    return float(hits.any(axis=1).mean()) if len(hits) else 0.0


def ndcg(hits: Hits, target_counts: Ints) -> float:
    """Normalised discounted cumulative gain with binary relevance.

    The mean over users of sum(hit / log2(rank + 1)) / sum over r = 1..min(k, targets) of 1 / log2(r + 1), with ranks
    from 1.

    Parameters
    ----------
    hits
        bool `(users, k)`.
    target_counts
        int64 `(users,)`, targets of each user, above 0.

    References
    ----------
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.

    Examples
    --------
    One of two targets at rank 2: (1 / log2(3)) / (1 / log2(2) + 1 / log2(3)).

    >>> round(ndcg(np.array([[False, True, False]]), np.array([2])), 4)
    0.3869
    """
    return float(gains(hits, target_counts).mean()) if len(hits) else 0.0


def gains(hits: Hits, target_counts: Ints) -> npt.NDArray[np.float64]:
    """Return each user's normalised discounted cumulative gain, whose mean is `ndcg`, `(users,)`."""
    k = hits.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(target_counts, k) - 1]
    found: npt.NDArray[np.float64] = (hits @ discounts) / ideal
    return found


def mrr(hits: Hits) -> float:
    """Mean reciprocal rank of the first target in the list, 0 for a user without one.

    Examples
    --------
    Ranks 2 and none: (1/2 + 0) / 2.

    >>> mrr(np.array([[False, True], [False, False]]))
    0.25
    """
    if not len(hits):
        return 0.0
    return float((hits.any(axis=1) / (hits.argmax(axis=1) + 1)).mean())


def coverage(recommended: npt.NDArray[np.bool_]) -> float:
    """Share of the items that stand in at least one user's list.

    Parameters
    ----------
    recommended
        bool `(items,)`.

    Examples
    --------
    >>> coverage(np.array([True, False, False, True]))
    0.5
    """
    return float(recommended.mean()) if len(recommended) else 0.0
