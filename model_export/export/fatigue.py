"""Strength of fatigue, estimated from clicked responses.

The probability that a click on a response is on candidate j, with score s, sightings n and place k, is

  p(j) ∝ propensity(k) * exp(a x + b x² - c log max(1, n)),   x = log s - mean of log s

a conditional logit (McFadden, 1974) with the propensities of `alsolike.bundle.position_bias`. Serving divides a score
by max(1, n) to the power of the strength. So c is the strength for a model whose scores are proportional to the
probability of a click. The terms of x absorb other scales of the scores. Without them, c would depend on the scale,
because often seen items have the highest scores.
"""

from __future__ import annotations

import math

import numpy as np

from alsolike.bundle.position_bias import MIN_PAIRS
from alsolike.bundle.reranker import Floats, Ints
from alsolike.runtime.struct import struct
from model_export.data.impressions import Impressions
from model_export.export.reranker import MIN_PROPENSITY, Z, estimate_propensities, pairs_with_gain

MIN_CLICKED = 250
"""Minimum number of clicked responses with an item whose sightings, weighted by place and age, exceed 1."""

_RIDGE = 1e-3
_ITERATIONS = 50


@struct
class FatigueEstimate:
    """Strength of fatigue with its 95% confidence interval, `low` to `high`. With too little data, they are None.

    Attributes
    ----------
    responses
        Number of clicked responses with an item whose weighted sightings exceed 1.
    pairs
        Number of pairs in random order with a click.
    """

    responses: int
    pairs: int
    strength: float | None = None
    low: float | None = None
    high: float | None = None

    def sentence(self) -> str:
        if self.responses < MIN_CLICKED:
            return (
                f"unknown: {self.responses:,} clicked responses with an item whose weighted sightings exceed 1, at "
                f"least {MIN_CLICKED} needed"
            )
        if self.strength is None:
            return (
                f"unknown: {self.pairs:,} clicked pairs of neighbours in random order, at least {MIN_PAIRS} needed: "
                "set recommenders.for-you.swaps in the configuration"
            )
        verdict = "" if self.has_signal else ", no fatigue was found"
        return (
            f"strength {self.strength:.2f}, 95% interval {self.low:.2f} to {self.high:.2f}, from {self.responses:,} "
            f"clicked responses{verdict}"
        )

    @property
    def has_signal(self) -> bool:
        return self.low is not None and self.low > 0


def estimate_strength(data: Impressions, sightings: Floats, users: Ints) -> FatigueEstimate:
    """Estimate the strength of fatigue by maximum likelihood. With too little data, the estimate has no strength.

    Parameters
    ----------
    sightings
        Sightings of each candidate before its response, weighted by place and age, `(candidates,)`.
    users
        Integer that identifies the user of each response, `(responses,)`. The standard error is clustered by users.
    """
    tired = np.log(np.maximum(sightings, 1.0))
    responses = int(np.count_nonzero(np.add.reduceat(tired, data.offsets[:-1]) > 0)) if len(data) else 0
    bias = estimate_propensities(data) if len(data) else None
    if bias is None or responses < MIN_CLICKED:
        return FatigueEstimate(responses, pairs_with_gain(data) if len(data) else 0)
    (strength, error), (flatter, _), (steeper, _) = (
        _fit(data, tired, bias.propensities(errors), users) for errors in (0, -1, 1)
    )
    reach = Z * math.hypot(error, (steeper - flatter) / 2)
    return FatigueEstimate(responses, bias.pairs, strength, strength - reach, strength + reach)


def _fit(data: Impressions, tired: Floats, propensities: Floats, users: Ints) -> tuple[float, float]:
    """Return the maximum likelihood strength and its standard error, a sandwich estimate clustered by users."""
    starts, response = data.offsets[:-1], data.response
    log_scores = np.log(np.maximum(data.scores, 1e-9))
    x = log_scores - (np.add.reduceat(log_scores, starts) / np.diff(data.offsets))[response]
    X = np.column_stack([x, x**2, -tired])  # noqa: N806  (candidates, 3)
    offset = np.log(np.maximum(propensities, MIN_PROPENSITY))[data.places]
    total = np.add.reduceat(data.gains, starts)
    w = np.array([1.0, 0.0, 0.0])
    for _ in range(_ITERATIONS):
        u = X @ w + offset
        e = np.exp(u - np.maximum.reduceat(u, starts)[response])
        p = e / np.add.reduceat(e, starts)[response]
        means = np.add.reduceat(p[:, None] * X, starts)
        centred = X - means[response]
        gradient = X.T @ (total[response] * p - data.gains) + _RIDGE * w
        hessian = centred.T @ ((total[response] * p)[:, None] * centred) + _RIDGE * np.eye(3)
        step = np.linalg.solve(hessian, gradient)
        w = w - step
        if np.abs(step).max() < 1e-8:
            break
    scores = np.zeros((int(users.max()) + 1, 3))
    np.add.at(scores, users, np.add.reduceat((data.gains - total[response] * p)[:, None] * X, starts))
    inverse = np.linalg.inv(hessian)
    covariance = inverse @ (scores.T @ scores) @ inverse
    return float(w[2]), math.sqrt(covariance[2, 2])
