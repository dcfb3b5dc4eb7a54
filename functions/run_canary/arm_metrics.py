"""Metrics of both arms' responses. Outcomes are summed by group of users, so that memory is constant."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.declarations.degraded_reasons import ARM_MODEL_UNAVAILABLE, MODEL_FAILED, MODEL_SLOW
from alsolike.experiments.sequential_tests import ArmSample, sample

GROUPS = 4_096
"""Maximum number of groups.

Users are independent, so groups by user hash are independent too. With few users, nearly each user has a separate
group.
"""

ERRORS = (ARM_MODEL_UNAVAILABLE, MODEL_FAILED, MODEL_SLOW)
"""Reasons of degraded responses that count as errors of the model: not loaded, failed, or too slow."""

CAP_MS = 1_000
"""Upper limit of a response's duration in milliseconds. Without a limit, the seconds of loading a model in a new
process, which do not depend on its graphs, would dominate the mean.
"""

Sums = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Arm:
    """Responses of one arm to identified users.

    Attributes
    ----------
    attributed
        Number of responses with known outcomes.
    errors
        Share of responses that were degraded for one of `ERRORS`.
    latency
        Duration per response in milliseconds, at most `CAP_MS`.
    clicks
        Clicked items per shown item, or per response if no impressions are reported.
    """

    answers: int
    users: int
    attributed: int
    errors: ArmSample
    latency: ArmSample
    clicks: ArmSample

    def document(self) -> dict[str, Any]:
        """Return the numbers for the report; None for a ratio without a denominator."""
        return {
            "answers": self.answers,
            "users": self.users,
            "attributed": self.attributed,
            "error_rate": self.errors.ratio,
            "latency_ms": self.latency.ratio,
            "click_through": self.clicks.ratio,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """Responses of one arm.

    Each array has one element per response: hash of the user, failure, and duration (NaN if unknown).
    """

    users: npt.NDArray[np.uint64]
    failed: npt.NDArray[np.bool_]
    took_ms: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of one arm's responses, summed by group of users (see `group_of`)."""

    answers: Sums
    impressions: Sums
    shown_clicks: Sums
    clicks: Sums


def no_outcomes() -> Outcomes:
    return Outcomes(*(np.zeros(GROUPS) for _ in range(4)))


def group_of(users: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    return (users % np.uint64(GROUPS)).astype(np.int64)


def arm_of(answers: Answers, outcomes: Outcomes, *, by_impressions: bool) -> Arm:
    """Return the metrics of an arm. With `by_impressions`, clicks are counted per shown item."""
    groups = group_of(answers.users)
    timed = ~np.isnan(answers.took_ms)
    counted = np.bincount(groups, minlength=GROUPS)
    took_ms = np.minimum(answers.took_ms[timed], CAP_MS)
    return Arm(
        answers=len(answers.users),
        users=len(np.unique(answers.users)),
        attributed=round(float(outcomes.answers.sum())),
        errors=_sample(np.bincount(groups[answers.failed], minlength=GROUPS), counted),
        latency=_sample(
            np.bincount(groups[timed], weights=took_ms, minlength=GROUPS), np.bincount(groups[timed], minlength=GROUPS)
        ),
        clicks=clicks_of(outcomes, by_impressions=by_impressions),
    )


def clicks_of(outcomes: Outcomes, *, by_impressions: bool) -> ArmSample:
    if by_impressions:
        return _sample(outcomes.shown_clicks, outcomes.impressions)
    return _sample(outcomes.clicks, outcomes.answers)


def _sample(y: npt.NDArray[Any], x: npt.NDArray[Any]) -> ArmSample:
    """Return the ratio sample of `y` per `x` over the user groups with a positive `x`."""
    positive = x > 0
    return sample(y[positive].tolist(), x[positive].tolist())
