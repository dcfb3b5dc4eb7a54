"""Logistic regression whose coefficients stay close to given coefficients if there is little data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from model_export.data.interactions import Floats

STEPS, NEAR = 20, 1e-3
"""Maximum number of Newton steps, and the step size below which the search ends."""

Doubles = npt.NDArray[np.float64]


def logistic_regression(
    designs: Sequence[Floats], answers: Sequence[npt.NDArray[np.bool_]], *, near: Sequence[float]
) -> Doubles:
    """Return the coefficients by Newton's method, with a ridge of 1 on their difference from `near`.

    If no answer is true, the coefficients equal `near`.

    Parameters
    ----------
    designs
        Features, float32 `(n, len(near) + controls)`. The last columns are controls: they are centred for the fit, and
        their coefficients are not part of the result.
    answers
        Outcome of each row of a design, bool `(n,)`.
    """
    start = np.array(near)
    if not any(answer.any() for answer in answers):
        return start
    x, y, learned = np.concatenate(designs), np.concatenate(answers), len(start)
    x[:, learned:] -= x[:, learned:].mean(axis=0)
    start = np.append(start, np.zeros(x.shape[1] - learned))

    def loss(c: Doubles) -> float:
        logit = x @ c.astype(np.float32)
        return float(
            np.logaddexp(0, logit).sum(dtype=np.float64) - logit[y].sum(dtype=np.float64) + ((c - start) ** 2).sum() / 2
        )

    c = start
    for _ in range(STEPS):
        p = expit(x @ c.astype(np.float32))
        gradient = x.T @ (y - p) - (c - start)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.eye(len(c)), gradient)
        while loss(c + step) > loss(c) and np.abs(step).max() > NEAR:
            step /= 2
        c = c + step
        if np.abs(step).max() <= NEAR:
            break
    return c[:learned]
