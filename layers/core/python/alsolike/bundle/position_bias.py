"""Propensities of places, estimated from responses with neighbours in random order.

Serving randomly swaps neighbouring items in some responses (`swaps` of a recommender, FairPairs). Each item of such a
pair is as often at the first as at the second place. Therefore, the ratio of the gains at both places equals the ratio
of the propensities, whatever the items (Radlinski and Joachims, AAAI 2006; Joachims et al., WSDM 2017, section 5.3).
The model of the propensity of place k, from 0, is log p(k) = -η log(1 + k) + δ(k), with normal priors of mean 0.
"""

from __future__ import annotations

import numpy as np

from alsolike.bundle.reranker import Floats, Ints
from alsolike.runtime.struct import struct
from alsolike.training.dataset import MAX_PLACES

MIN_PAIRS = 50

_PRECISION_OF_DECAY, _PRECISION_OF_PLACE = 0.1, 100.0
_DECAY = -np.log1p(np.arange(MAX_PLACES))
_ITERATIONS, _TOLERANCE = 50, 1e-9


@struct
class PositionBias:
    """Propensities of places and the uncertainty of their decay.

    Attributes
    ----------
    log_propensities
        Logarithms of the propensities, float64 `(MAX_PLACES,)`. The maximum is 0.
    error
        Standard error of η.
    """

    pairs: int
    log_propensities: Floats
    error: float

    def propensities(self, errors: float = 0.0) -> Floats:
        """Return the propensities for an η that is higher by a number of standard errors, scaled to a maximum of 1."""
        values = self.log_propensities + errors * self.error * _DECAY
        result: Floats = np.exp(values - values.max())
        return result


def fit(places: Ints, gains: Floats) -> PositionBias | None:
    """Return the maximum a posteriori propensities, or None if there are too few pairs with a gain.

    The loss is -sum(gain log(p(place) / (p(first) + p(second)))) over the places of all pairs, plus
    sum(precision * parameter²) / 2 over the parameters. Gains are scaled to a mean sum of 1 per pair with a gain. The
    standard error is a sandwich estimate.

    Parameters
    ----------
    places
        First place of each pair, from 0 to `MAX_PLACES` - 2, int64 `(pairs,)`.
    gains
        Gains at the first and the second place, at least 0, float64 `(pairs, 2)`.
    """
    has_gain = gains.any(axis=1)
    if np.count_nonzero(has_gain) < MIN_PAIRS:
        return None
    places, gains = places[has_gain], gains[has_gain]
    gains = gains / gains.sum() * len(gains)
    design = np.zeros((MAX_PLACES - 1, 1 + MAX_PLACES))  # Row k: derivatives of log p(k + 1) - log p(k) by parameter.
    firsts = np.arange(MAX_PLACES - 1)
    design[:, 0] = _DECAY[1:] - _DECAY[:-1]
    design[firsts, 1 + firsts], design[firsts, 2 + firsts] = -1.0, 1.0
    precision = np.array([_PRECISION_OF_DECAY, *[_PRECISION_OF_PLACE] * MAX_PLACES])
    first, second = (np.bincount(places, gains[:, side], len(design)) for side in (0, 1))
    total = first + second

    def loss(w: Floats) -> float:
        u = design @ w
        return float((total * np.logaddexp(0, u) - second * u).sum() + (precision * w**2).sum() / 2)

    w = np.zeros(1 + MAX_PLACES)
    for _ in range(_ITERATIONS):  # Newton's method for a convex loss. A step that raises the loss is halved.
        p = 1 / (1 + np.exp(-(design @ w)))
        hessian = design.T @ ((total * p * (1 - p))[:, None] * design) + np.diag(precision)
        step = np.linalg.solve(hessian, design.T @ (total * p - second) + precision * w)
        while loss(w - step) > loss(w) and np.abs(step).max() > _TOLERANCE:
            step /= 2
        w -= step
        if np.abs(step).max() <= _TOLERANCE:
            break
    squares = np.bincount(places, (gains.sum(axis=1) * p[places] - gains[:, 1]) ** 2, len(design))
    inverse = np.linalg.inv(hessian)
    covariance = inverse @ (design.T @ (squares[:, None] * design) + np.diag(precision)) @ inverse
    log_propensities = w[0] * _DECAY + w[1:]
    return PositionBias(len(places), log_propensities - log_propensities.max(), float(np.sqrt(covariance[0, 0])))
