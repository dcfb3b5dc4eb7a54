"""Ranking metrics over all items, with pessimistic ties.

Lists are ordered by score. Among equal scores, targets are last, so that a model does not benefit from constant scores.
Masked items (-inf) are in no list.

Every metric except `coverage` and `PopularityBias` takes `hits`, bool `(users, k)`, which is true if the item at a rank
is a target. The best rank is first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Floats, Interactions, Ints

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


Shares = npt.NDArray[np.float64]


def popularity(interactions: Interactions) -> Shares:
    """Return each item's share of the interactions, float64 `(items + 1,)`."""
    counts = interactions.frequencies()
    return counts / max(1, int(counts.sum()))


class PopularityBias:
    """Average popularity of recommended items divided by the average popularity of users' histories.

    The average recommendation popularity (ARP) is the mean, over users, of the mean popularity of the items in a list.
    The ratio of the ARP of lists to the ARP of histories is above 1 if a model recommends more popular items than those
    in the users' histories.

    References
    ----------
    H. Yin, B. Cui, J. Li, J. Yao, C. Chen, "Challenging the long tail recommendation", PVLDB 2012: ARP.
    H. Abdollahpouri, M. Mansoury, R. Burke, B. Mobasher, "The connection between popularity bias, calibration, and
    fairness in recommendation", RecSys 2020, section 4: lists against profiles (their lift is this ratio minus 1).

    Examples
    --------
    Items 1, 2 and 3 have 6, 3 and 1 of ten interactions. A user's history has items 2 and 3, and the list items 1 and
    2.

    >>> bias = PopularityBias(np.array([0, 0.6, 0.3, 0.1]))
    >>> bias.add(listed=np.array([1, 2]), past=np.array([2, 3]))
    >>> round(bias.ratio, 4)  # (0.6 + 0.3) / 2 against (0.3 + 0.1) / 2
    2.25
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._listed: list[float] = []
        self._past: list[float] = []

    def add(self, *, listed: npt.NDArray[np.integer], past: npt.NDArray[np.integer]) -> None:
        """Add a user's list and history. Users with an empty list or history are ignored."""
        if len(listed) and len(past):
            self._listed.append(float(self._shares[listed].mean()))
            self._past.append(float(self._shares[past].mean()))

    @property
    def list_popularity(self) -> float:
        return float(np.mean(self._listed)) if self._listed else 0.0

    @property
    def history_popularity(self) -> float:
        return float(np.mean(self._past)) if self._past else 0.0

    @property
    def ratio(self) -> float:
        """Average popularity of the lists divided by that of the histories, or 0 if the latter is 0."""
        return self.list_popularity / self.history_popularity if self.history_popularity else 0.0
