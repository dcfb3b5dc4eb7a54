"""Fit and evaluation of the action model, and selection between the model and rates per action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import scipy.optimize

from alsolike.bundle.action_model import BIAS, PRIOR_SD, ActionModel, Floats, Key
from alsolike.runtime.struct import struct
from model_export.data.action_samples import ActionSamples, Bools, Matrix

MIN_OUTCOMES = 50
"""Minimum number of taken exposures, and of other exposures, in the training part of the evaluation."""

HOLDOUT_SHARE = 0.2
BINS = 10
_PRIOR_EXPOSURES = 20.0
_ITERATIONS = 300


@struct
class ActionQuality:
    """Quality of predicted probabilities on the latest exposures.

    Attributes
    ----------
    log_loss, constant_log_loss, action_log_loss
        Mean negative log likelihood of the model, of the overall rate, and of the rates per action, in nats.
    lead_error
        Standard error of the difference in log loss between the rates per action and the model.
    calibration_error
        Mean absolute difference between the predicted and the actual rate over `BINS` bins of equal size.
    """

    exposures: int
    log_loss: float
    constant_log_loss: float
    action_log_loss: float
    lead_error: float
    calibration_error: float

    @property
    def is_better(self) -> bool:
        """True if the model's log loss is lower than that of the rates per action by more than `lead_error`."""
        return self.log_loss + self.lead_error < self.action_log_loss

    def sentence(self) -> str:
        return (
            f"actions: log loss {self.log_loss:.4f} of {self.exposures:,} exposures, rates of actions "
            f"{self.action_log_loss:.4f}, overall rate {self.constant_log_loss:.4f}; calibration error "
            f"{self.calibration_error:.4f}"
        )


def fit_actions(samples: ActionSamples | None) -> tuple[ActionModel, ActionQuality | None]:
    """Return the action model, fitted on all exposures, and the quality of a fit on the earlier exposures.

    The latest share `HOLDOUT_SHARE` is evaluated. Rates per action replace the model if it is not better, or if an
    outcome has fewer than `MIN_OUTCOMES` earlier exposures. In the second case, the quality is None. Without samples,
    the model is empty and the quality is None.
    """
    if samples is None:
        return ActionModel.none(), None
    begin = round(len(samples) * (1 - HOLDOUT_SHARE))
    past, latest = samples.part(0, begin), samples.part(begin, len(samples))
    taken = int(past.taken.sum())
    if min(taken, len(past) - taken) < MIN_OUTCOMES or not len(latest):
        return rates(samples), None
    quality = evaluate(fit(past), past, latest)
    return fit(samples) if quality.is_better else rates(samples), quality


def evaluate(model: ActionModel, past: ActionSamples, latest: ActionSamples) -> ActionQuality:
    """Return the quality on the later exposures `latest` of a model that was fitted on `past`."""
    predicted, by_rates = predict(model, latest), predict(rates(past), latest)
    leads = losses(by_rates, latest.taken) - losses(predicted, latest.taken)
    return ActionQuality(
        exposures=len(latest),
        log_loss=log_loss(predicted, latest.taken),
        constant_log_loss=log_loss(np.full(len(latest), _smoothed(past.taken)), latest.taken),
        action_log_loss=log_loss(by_rates, latest.taken),
        lead_error=float(leads.std() / np.sqrt(len(latest))),
        calibration_error=calibration_error(predicted, latest.taken),
    )


def fit(samples: ActionSamples) -> ActionModel:
    """Fit a logistic regression by maximum a posteriori, with standard deviations by Laplace's approximation.

    The prior of each weight is normal with mean 0 and precision λ. The loss is
    sum(log(1 + exp(-s x·w))) + sum(λ w²) / 2, with s = 1 for taken exposures and -1 for others.
    """
    features = samples.features()
    X, signs = samples.matrix(features), np.where(samples.taken, 1.0, -1.0)  # noqa: N806  (exposures, features)
    precision = np.array([_precision(key) for key in features])

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = signs * (X @ w)
        gradient = X.T @ (-signs / (1 + np.exp(margin))) + precision * w
        return float(np.logaddexp(0, -margin).sum() + (precision * w**2).sum() / 2), gradient

    start = np.zeros(len(features))
    start[features[BIAS]] = _logit(_smoothed(samples.taken))
    with np.errstate(over="ignore"):
        found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    return ActionModel(samples.rate, True, features, found.x, _deviations(X, found.x, precision))


def rates(samples: ActionSamples) -> ActionModel:
    """Return a model of rates per action, shrunken towards the overall rate."""
    rate = _smoothed(samples.taken)
    shown = Counter(samples.action_ids)
    taken = Counter(action for action, was_taken in zip(samples.action_ids, samples.taken, strict=True) if was_taken)
    actions = sorted(shown)
    own = np.array([(taken[one] + _PRIOR_EXPOSURES * rate) / (shown[one] + _PRIOR_EXPOSURES) for one in actions])
    counts = np.array([shown[one] for one in actions], np.float64)
    index: dict[Key, int] = {BIAS: 0, **{("action", one): place for place, one in enumerate(actions, start=1)}}
    weights = np.concatenate([[_logit(rate)], np.log(own / (1 - own)) - _logit(rate)])
    deviations = np.concatenate([[0.0], 1 / np.sqrt(1 / PRIOR_SD**2 + counts * own * (1 - own))])
    return ActionModel(rate, False, index, weights, deviations)


def predict(model: ActionModel, samples: ActionSamples) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(samples.matrix(model.index) @ model.weights))))


def log_loss(predicted: Floats, taken: Bools) -> float:
    """Return the mean negative log likelihood in nats.

    Examples
    --------
    >>> round(log_loss(np.array([0.5, 0.5]), np.array([True, False])), 4)
    0.6931
    """
    return float(losses(predicted, taken).mean())


def losses(predicted: Floats, taken: Bools) -> Floats:
    return np.asarray(-np.log(np.where(taken, predicted, 1 - predicted)))


def calibration_error(predicted: Floats, taken: Bools, *, bins: int = BINS) -> float:
    """Return the expected calibration error with bins of equal size (Naeini et al., 2015).

    Examples
    --------
    >>> calibration_error(np.array([0.25, 0.25, 0.25, 0.25]), np.array([True, False, False, False]), bins=1)
    0.0
    """
    order = np.argsort(predicted, kind="stable")
    parts: Sequence[Floats] = np.array_split(order, bins)
    gaps = [abs(predicted[part].mean() - taken[part].mean()) * len(part) for part in parts if len(part)]
    return float(sum(gaps) / len(predicted))


def _precision(key: Key) -> float:
    """Return the prior precision of a weight.

    It is low for the bias and the history, and high for pairs of a user's property and an action.
    """
    return {"bias": 1e-3, "action": 1 / PRIOR_SD**2, "of action": 1.0, "of user": 1.0, "both": 3.0}.get(key[0], 0.1)


def _deviations(X: Matrix, w: Floats, precision: Floats) -> Floats:  # noqa: N803
    p = 1 / (1 + np.exp(-(X @ w)))
    return np.asarray(1 / np.sqrt(precision + (X**2).T @ (p * (1 - p))))


def _smoothed(taken: Bools) -> float:
    return float((taken.sum() + 1) / (len(taken) + 2))


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))
