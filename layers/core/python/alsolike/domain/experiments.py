"""Experiments: users are divided among arms with different recommenders, rules or models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from alsolike.runtime.struct import struct

PLANNED_ANSWERS = 10_000
"""Default number of an experiment's expected answers; see `alsolike.experiments.comparison`."""

DEFAULT_METRIC = "click-through"
METRIC_NAMES = (DEFAULT_METRIC, "clicks", "conversion", "buyers", "revenue", "revenue-per-user")
"""Metrics that an experiment can be decided by; `alsolike.experiments.metrics` defines them."""

_POINTS = 2**64


@struct
class Arm:
    """A share of an experiment's users, and their treatment; an arm without one is the control.

    Attributes
    ----------
    share
        Between 0 and 1; those of an experiment add up to 1.
    recommender, rules, model
        Recommender, rule set or model version that answers them.
    """

    name: str
    share: float
    recommender: str | None = None
    rules: str | None = None
    model: str | None = None


@struct
class Experiment:
    """A comparison of arms over some time.

    Attributes
    ----------
    layer
        Of the experiments in one layer only one runs at a time, so that no two of them touch the same answer.
    start_ms, end_ms
        First moment, and the moment after the last; None for an experiment without a planned end.
    arms
        In the order of the document.
    on
        Recommenders whose requests are in the experiment.
    planned_answers
        Expected number of answers at its end; fixed before the start.
    metric
        The metric that it is decided by.
    """

    name: str
    layer: str
    start_ms: int
    end_ms: int | None
    arms: tuple[Arm, ...]
    on: tuple[str, ...] = ("for-you",)
    planned_answers: int = PLANNED_ANSWERS
    metric: str = DEFAULT_METRIC

    def runs(self, now_ms: int) -> bool:
        """Return true if it runs at a time."""
        return self.start_ms <= now_ms and (self.end_ms is None or now_ms < self.end_ms)

    def status(self, now_ms: int) -> str:
        """Return `planned`, `running` or `ended`."""
        if self.runs(now_ms):
            return "running"
        return "planned" if now_ms < self.start_ms else "ended"

    def arm_of(self, unit: str) -> Arm:
        """Return the arm of a user, or of a session without a user; it is constant while the shares are.

        A hash, keyed by the experiment's name, gives the unit's position between 0 and 1, so that positions in two
        experiments are independent. The arms cover this range one after the other, each by its share.
        """
        digest = hashlib.blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, key=self.name.encode()).digest()
        place = int.from_bytes(digest, "big") / _POINTS
        covered = 0.0
        for arm in self.arms:
            covered += arm.share
            if place < covered:
                return arm
        return self.arms[-1]  # rounding: shares may sum to slightly less than 1

    def label(self, arm: Arm) -> str:
        """Return an arm's full name in ids, logs and tables."""
        return f"{self.name}/{arm.name}"


@struct
class Assignment:
    """The arms of one request.

    Attributes
    ----------
    arms
        `experiment/arm` of each experiment that it is part of, in the order of the document.
    recommender, rules, model
        The settings of those arms; None if no arm has one.
    """

    arms: tuple[str, ...] = ()
    recommender: str | None = None
    rules: str | None = None
    model: str | None = None


NO_ARMS = Assignment()


def assign(experiments: Iterable[Experiment], *, recommender: str, unit: str | None, now_ms: int) -> Assignment:
    """Return the arms of a request.

    Parameters
    ----------
    recommender
        The requested recommender.
    unit
        The user id that the request names, else its session id; None is in no experiment.
    """
    assignment = NO_ARMS
    if unit is None:
        return assignment
    for experiment in experiments:
        if recommender in experiment.on and experiment.runs(now_ms):
            arm = experiment.arm_of(unit)
            assignment = Assignment(
                (*assignment.arms, experiment.label(arm)),
                arm.recommender or assignment.recommender,
                arm.rules or assignment.rules,
                arm.model or assignment.model,
            )
    return assignment


def models_named(experiments: Iterable[Experiment], *, now_ms: int) -> tuple[str, ...]:
    """Return the model versions that arms of the running experiments name, each once."""
    return tuple(
        dict.fromkeys(
            arm.model
            for experiment in experiments
            if experiment.runs(now_ms)
            for arm in experiment.arms
            if arm.model is not None
        )
    )
