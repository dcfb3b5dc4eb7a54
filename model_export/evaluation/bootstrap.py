"""Confidence intervals of differences between models or groups of users."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
BEYOND = 25
"""Number of resamples outside each end of an interval. With very few, single resamples would determine the ends.
"""

SEED = 0


def interval(differences: npt.NDArray[np.float64], *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the confidence interval of the mean of paired differences per user, by a percentile bootstrap.

    The seed is fixed. If all differences are equal, both ends have their value. For fewer than two users, the interval
    is infinite.

    References
    ----------
    B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> interval(np.array([0.5, 0.5, 0.5]))
    (0.5, 0.5)
    """
    if len(differences) < 2:
        return -np.inf, np.inf
    if (differences == differences[0]).all():
        return float(differences[0]), float(differences[0])
    found = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=math.ceil(BEYOND / ((1 - confidence) / 2)),
        batch=50,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def apart(
    some: npt.NDArray[np.float64], others: npt.NDArray[np.float64], *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the confidence interval of the mean of `some` minus the mean of `others`, for two groups of users.

    The normal approximation assumes disjoint groups, so the interval is too wide if many users are in both groups. If a
    group has fewer than two users, the interval is infinite.

    Examples
    --------
    >>> apart(np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    (0.25, 0.25)
    """
    if min(len(some), len(others)) < 2:
        return -np.inf, np.inf
    variances = (each.var(ddof=1) / len(each) for each in (some, others))
    around = stats.norm.ppf((1 + confidence) / 2) * math.sqrt(sum(variances))
    difference = some.mean() - others.mean()
    return float(difference - around), float(difference + around)
