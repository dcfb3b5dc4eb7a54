"""Propensities of places, estimated from responses with neighbours in random order.

Serving randomly swaps neighbouring items in some responses (`swaps` of a recommender, FairPairs). Each item of such a
pair is as often at the first as at the second place. Therefore, the ratio of the gains at both places equals the ratio
of the propensities, whatever the items (Radlinski and Joachims, AAAI 2006; Joachims et al., WSDM 2017, section 5.3).
The model of the propensities is log p(k) = -η log(1 + k) + δ(k), with normal priors of mean 0.
"""

from __future__ import annotations

import numpy as np
import scipy.optimize

from alsolike.bundle.reranker import Floats
from alsolike.runtime.struct import struct
from alsolike.training.dataset import MAX_PLACES
from model_export.data.impressions import Impressions

MIN_PAIRS = 50
"""Minimum number of pairs with a gain for an estimate."""

_PRECISION_OF_DECAY, _PRECISION_OF_PLACE = 0.1, 100.0
_DECAY = -np.log1p(np.arange(MAX_PLACES))
_ITERATIONS = 200


@struct
class PositionBias:
    """Propensities of places and the uncertainty of their decay.

    Attributes
    ----------
    pairs
        Number of pairs with a gain.
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


def estimate(data: Impressions) -> PositionBias | None:
    """Return the maximum a posteriori propensities, or None if there are too few pairs with a gain.

    The loss is -sum(gain log(p(place) / (p(first) + p(second)))) + sum(precision * parameter²) / 2 over pairs, with
    gains scaled to a mean of 1 per pair. The standard error is a sandwich estimate.
    """
    if pairs_with_gain(data) < MIN_PAIRS:
        return None
    first = np.flatnonzero(data.opens_pair)
    gains = _gains_of_pairs(data)
    has_gain = gains.any(axis=1)
    places, gains = data.places[first][has_gain], gains[has_gain]
    gains = gains / gains.sum() * len(gains)
    design = np.zeros((len(places), 1 + MAX_PLACES))  # derivative of log p(second) - log p(first)
    rows = np.arange(len(places))
    design[:, 0] = _DECAY[places + 1] - _DECAY[places]
    design[rows, 1 + places], design[rows, 2 + places] = -1.0, 1.0
    precision = np.array([_PRECISION_OF_DECAY, *[_PRECISION_OF_PLACE] * MAX_PLACES])
    total = gains.sum(axis=1)

    def loss(w: Floats) -> tuple[float, Floats]:
        u = design @ w
        residual = total / (1 + np.exp(-u)) - gains[:, 1]
        value = (total * np.logaddexp(0, u) - gains[:, 1] * u).sum() + (precision * w**2).sum() / 2
        return float(value), design.T @ residual + precision * w

    start = np.zeros(1 + MAX_PLACES)
    w = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x
    p = 1 / (1 + np.exp(-(design @ w)))
    hessian = design.T @ ((total * p * (1 - p))[:, None] * design) + np.diag(precision)
    scores = design * (total * p - gains[:, 1])[:, None]
    inverse = np.linalg.inv(hessian)
    covariance = inverse @ (scores.T @ scores + np.diag(precision)) @ inverse
    log_propensities = w[0] * _DECAY + w[1:]
    return PositionBias(len(places), log_propensities - log_propensities.max(), float(np.sqrt(covariance[0, 0])))


def pairs_with_gain(data: Impressions) -> int:
    """Return the number of randomly ordered pairs with a gain at either place."""
    return int(np.count_nonzero(_gains_of_pairs(data).any(axis=1)))


def _gains_of_pairs(data: Impressions) -> Floats:
    """Return the gains at the first and the second place of each pair, float64 `(pairs, 2)`."""
    first = np.flatnonzero(data.opens_pair)
    return np.stack([data.gains[first], data.gains[first + 1]], axis=1)
