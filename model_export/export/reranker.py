"""Reranker: its fit with position bias, its evaluation on the latest responses, and the decision to use it.

The probability that an outcome of a response is at candidate j, with features x and place k, is

  p(j) ∝ propensity(k) * exp(w·x)

a conditional logit (McFadden, 1974). The evaluation weights outcomes by inverse propensities (Joachims et al., WSDM
2017). Lists are ordered by score, so clicks do not separate the effect of a place from the effect of the item.
Therefore the propensities are estimated from adjacent items in random order (`alsolike.bundle.position_bias`).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import scipy.optimize

from alsolike.bundle import position_bias
from alsolike.bundle.position_bias import MIN_PAIRS, PositionBias
from alsolike.bundle.reranker import FEATURES, IN_CONTEXT, Floats, ItemColumns, Reranker, floored_deviations
from alsolike.runtime.struct import struct
from model_export.data.impressions import Impressions

MIN_RESPONSES = 250
"""Minimum number of responses with a gain for the fit of the first evaluated model."""

EVALUATED_SHARE, FOLDS = 0.6, 4
"""Share of the latest responses that are evaluated, and the number of parts. Each part is evaluated with a model that
is fitted on all responses before the part.
"""

Z = 1.96
"""Number of standard errors on each side of a 95% confidence interval."""

MIN_PROPENSITY = 0.05
"""Lower bound of propensities. Lower propensities would give very large weights to a few outcomes."""

_PRECISION, _PRECISION_IN_CONTEXT = 1.0, 4.0
_ITERATIONS = 200


@struct
class RerankerQuality:
    """Propensity-weighted NDCG of the latest responses. Each outcome is evaluated as the only relevant item.

    Attributes
    ----------
    responses
        Number of evaluated responses.
    ndcg, score_ndcg
        NDCG of the order by utility, and of the order by the model's score.
    lead_interval
        95% confidence interval of `ndcg` minus `score_ndcg`, including the uncertainty of the propensities.
    """

    responses: int
    ndcg: float
    score_ndcg: float
    lead_interval: tuple[float, float]

    @property
    def is_better(self) -> bool:
        return self.lead_interval[0] > 0


@struct
class RerankerChoice:
    """Reranker of a model, or None, with the data of this decision.

    Attributes
    ----------
    responses
        Number of responses with an outcome, including the evaluated responses.
    pairs
        Number of randomly ordered pairs with an outcome.
    propensities
        Propensity by place, or empty if there are too few pairs.
    """

    reranker: Reranker | None
    responses: int
    pairs: int = 0
    quality: RerankerQuality | None = None
    propensities: tuple[float, ...] = ()

    def sentence(self) -> str:
        if self.responses and not self.propensities:
            return (
                f"off, {self.pairs:,} pairs of neighbours in random order with an outcome, at least {MIN_PAIRS} "
                "needed: set recommenders.for-you.swaps in the configuration"
            )
        if self.quality is None:
            return (
                f"off, {self.responses:,} responses with an outcome, at least "
                f"{round(MIN_RESPONSES / (1 - EVALUATED_SHARE)):,} needed"
            )
        low, high = self.quality.lead_interval
        return (
            f"{'off' if self.reranker is None else 'on'}, NDCG {self.quality.ndcg:.4f}, by score "
            f"{self.quality.score_ndcg:.4f}, difference {low:+.4f} to {high:+.4f} on "
            f"{self.quality.responses:,} responses"
        )

    def document(self) -> dict[str, Any]:
        weights = {} if self.reranker is None else _named(self.reranker)
        quality = None if self.quality is None else dataclasses.asdict(self.quality)
        if quality is not None:
            quality["lead_interval"] = list(quality["lead_interval"])
        return {
            "on": self.reranker is not None,
            "sentence": self.sentence(),
            "responses": self.responses,
            "quality": quality,
            "propensities": list(self.propensities),
            "weights": weights,
        }


def choose_reranker(data: Impressions, columns: ItemColumns) -> RerankerChoice:
    """Return the choice, with a reranker that is fitted on all responses.

    There is no reranker if there is too little data, or if rerankers that are fitted on earlier responses do not
    improve the lists of later responses.
    """
    begin = round(len(data) * (1 - EVALUATED_SHARE))
    bias = estimate_propensities(data)
    if bias is None:
        return RerankerChoice(None, len(data), pairs_with_gain(data))
    propensities = tuple(bias.propensities().tolist())
    if begin < MIN_RESPONSES:
        return RerankerChoice(None, len(data), bias.pairs, propensities=propensities)
    bounds = np.linspace(begin, len(data), FOLDS + 1).round().astype(int).tolist()
    models = [fit(data.part(0, first), columns, bias.propensities()) for first in bounds[:-1]]
    parts = [data.part(first, last) for first, last in itertools.pairwise(bounds)]
    flatter, usual, steeper = (
        np.concatenate([comparison(m, p, part) for m, part in zip(models, parts, strict=True)], axis=1)
        for p in (bias.propensities(errors) for errors in (-1, 0, 1))
    )
    quality = evaluate(usual, error=(lead(steeper) - lead(flatter)) / 2)
    model = fit(data, columns, bias.propensities()) if quality.is_better else None
    return RerankerChoice(model, len(data), bias.pairs, quality, propensities)


def fit(data: Impressions, columns: ItemColumns, propensities: Floats) -> Reranker:
    """Return the maximum a posteriori reranker.

    All weights have normal priors with mean 0. The loss is -sum(gain log p) + sum(precision * weight²) / 2, with
    gains scaled to a mean of 1 per response.
    """
    is_known = ~np.isnan(data.features).all(axis=0)
    features = np.where(is_known, data.features, 0.0)
    means, deviations = np.nanmean(features, axis=0), floored_deviations(np.nanstd(features, axis=0))
    contexts = len(data.context_names)
    model = Reranker(data.context_names, means, deviations, np.zeros((1 + contexts, len(FEATURES))), columns)
    X = _matrix(model, data)  # noqa: N806  (candidates, features and their products with contexts)
    offset = np.log(np.maximum(propensities, MIN_PROPENSITY))[data.places]
    starts, response = data.offsets[:-1], data.response
    gains = data.gains * len(data) / data.gains.sum()
    total = np.add.reduceat(gains, starts)
    n = X.shape[1]
    precision = np.repeat([_PRECISION, _PRECISION_IN_CONTEXT], [len(FEATURES), n - len(FEATURES)])

    def loss(w: Floats) -> tuple[float, Floats]:
        u = X @ w + offset
        u -= np.maximum.reduceat(u, starts)[response]
        e = np.exp(u)
        sums = np.add.reduceat(e, starts)
        residual = (total / sums)[response] * e - gains
        value = float((total * np.log(sums)).sum() - (gains * u).sum() + (precision * w**2).sum() / 2)
        return value, X.T @ residual + precision * w

    found = scipy.optimize.minimize(loss, np.zeros(n), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x
    weights = np.zeros((1 + contexts, len(FEATURES)))
    weights[0] = found[: len(FEATURES)]
    weights[1:, IN_CONTEXT] = found[len(FEATURES) :].reshape(contexts, len(IN_CONTEXT))
    return Reranker(data.context_names, means, deviations, weights, columns)


def comparison(model: Reranker, propensities: Floats, data: Impressions) -> Floats:
    """Return discounted gains by utility, discounted gains by score, and undiscounted gains, float64 `(3, responses)`.

    Gains are divided by the propensities of the places.
    """
    seen = np.maximum(propensities[data.places], MIN_PROPENSITY)
    weights = data.gains / seen
    values = utilities(model, data), data.scores
    rows = (*(weights * _discounts(value, data) for value in values), weights)
    return np.array([np.add.reduceat(row, data.offsets[:-1]) for row in rows])


def lead(compared: Floats) -> float:
    """Return the NDCG by utility minus the NDCG by score, from the result of `comparison`."""
    by_utility, by_score, gains = compared
    return float((by_utility - by_score).sum() / gains.sum())


def evaluate(compared: Floats, *, error: float = 0.0) -> RerankerQuality:
    """Return the quality on responses that are not part of the fit.

    `error` is the standard error of the lead due to the propensities.
    """
    by_utility, by_score, gains = compared
    total, found = gains.sum(), lead(compared)
    residuals = by_utility - by_score - found * gains
    reach = Z * math.hypot(math.sqrt((residuals**2).sum()) / total, error)
    return RerankerQuality(
        len(gains), float(by_utility.sum() / total), float(by_score.sum() / total), (found - reach, found + reach)
    )


def utilities(model: Reranker, data: Impressions) -> Floats:
    weights = model.weights[0] + data.contexts @ model.weights[1:]  # (responses, features)
    result: Floats = (model.standardised(data.features) * weights[data.response]).sum(axis=1)
    return result


def _discounts(values: Floats, data: Impressions) -> Floats:
    """Return 1 / log2(1 + rank) of each candidate. Rank 1 of a response is its candidate with the highest value."""
    order = np.lexsort((-values, data.response))
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values)) - data.offsets[:-1][data.response[order]]
    discounts: Floats = 1 / np.log2(2 + ranks)
    return discounts


def _matrix(model: Reranker, data: Impressions) -> Floats:
    Z = model.standardised(data.features)  # noqa: N806
    contextual = Z[:, IN_CONTEXT]
    response = data.response
    return np.hstack(
        [Z, *(contextual * data.contexts[response, context, None] for context in range(len(data.context_names)))]
    )


def _named(model: Reranker) -> dict[str, float]:
    named = dict(zip(FEATURES, model.weights[0].tolist(), strict=True))
    for context, row in zip(model.contexts, model.weights[1:], strict=True):
        named |= {f"{FEATURES[feature]}, {context}": float(row[feature]) for feature in IN_CONTEXT}
    return {name: round(weight, 4) for name, weight in named.items()}


def estimate_propensities(data: Impressions) -> PositionBias | None:
    """Return the propensity of each place, estimated from the pairs, or None if too few pairs have a gain."""
    return position_bias.fit(data.places[data.opens_pair], _gains_of_pairs(data))


def pairs_with_gain(data: Impressions) -> int:
    """Return the number of randomly ordered pairs with a gain at either place."""
    return int(np.count_nonzero(_gains_of_pairs(data).any(axis=1)))


def _gains_of_pairs(data: Impressions) -> Floats:
    """Return the gains at the first and the second place of each pair, float64 `(pairs, 2)`."""
    first = np.flatnonzero(data.opens_pair)
    return np.stack([data.gains[first], data.gains[first + 1]], axis=1)
