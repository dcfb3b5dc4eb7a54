"""Selection of the n highest scores."""

from __future__ import annotations

import numpy as np

from model_export.data.interactions import Floats, Ints

GROUP = 64
"""Number of scores per group in the search for the k-th best score. A group consists of every (n / 64)-th score, so
that numpy computes all maxima along one axis.
"""


def best_items(scores: Floats, k: int) -> Ints:
    """Return the columns of the k best finite scores, unordered. Among ties, lower columns are returned.

    Examples
    --------
    >>> best_items(np.array([-np.inf, 0.5, 0.9, 0.5], np.float32), 2).tolist()
    [2, 1]
    """
    lowest = kth_best(scores, k)
    above = np.flatnonzero(scores > lowest)
    if lowest == -np.inf:
        return above
    equal = np.flatnonzero(scores == lowest)[: k - len(above)]
    return np.concatenate([above, equal])


def kth_best(scores: Floats, k: int) -> np.float32:
    """Return the k-th largest score, or -inf if there are at most k scores.

    The k-th largest of the groups' maxima is a lower bound of the result, so lower scores are ignored.
    """
    if len(scores) <= k:
        return np.float32(-np.inf)
    groups = len(scores) // GROUP
    if groups > k:
        maxima = scores[: groups * GROUP].reshape(GROUP, groups).max(axis=0)
        scores = scores[scores >= _kth_largest(maxima, k)]
    return _kth_largest(scores, k)


def _kth_largest(values: Floats, k: int) -> np.float32:
    kth: np.float32 = np.partition(values, len(values) - k)[len(values) - k]
    return kth
