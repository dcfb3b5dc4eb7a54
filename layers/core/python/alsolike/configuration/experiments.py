"""Experiments, which assign users to arms with different recommenders, rules or models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from alsolike.runtime.struct import struct

PLANNED_ANSWERS = 10_000
"""Default number of expected responses in an experiment."""

DEFAULT_METRIC = "click-through"
METRIC_NAMES = (DEFAULT_METRIC, "clicks", "conversion", "buyers", "revenue", "revenue-per-user")
"""Metrics that can decide an experiment; `alsolike.experiments.metrics` defines them."""

_POINTS = 2**64


@struct
class Arm:
    """Share of an experiment's users, and their treatment.

    Attributes
    ----------
    share
        Share of the users, between 0 and 1. The shares of an experiment sum to 1.
    """

    name: str
    share: float
    recommender: str | None = None
    rules: str | None = None
    model: str | None = None


@struct
class Experiment:
    """Comparison of arms in a period.

    Attributes
    ----------
    layer
        Name of the layer. Only one experiment of a layer runs at a time, so a response belongs to at most one of them.
    start_ms, end_ms
        Start (inclusive) and end (exclusive) of the period. The end is None if it is not planned.
    on
        Recommenders whose requests take part in the experiment.
    planned_answers
        Expected number of responses at the end. This number must not change after the start.
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
        return self.start_ms <= now_ms and (self.end_ms is None or now_ms < self.end_ms)

    def status(self, now_ms: int) -> str:
        if self.runs(now_ms):
            return "running"
        return "planned" if now_ms < self.start_ms else "ended"

    def arm_of(self, unit: str) -> Arm:
        """Return the arm of a user, or of a session without a user.

        A hash with the experiment's name as key gives a position between 0 and 1, so positions in two experiments are
        independent. The arms divide this range by their shares. Therefore a user's arm depends only on the experiment's
        name, and on the order and shares of the arms.
        """
        digest = hashlib.blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, key=self.name.encode()).digest()
        place = int.from_bytes(digest, "big") / _POINTS
        covered = 0.0
        for arm in self.arms:
            covered += arm.share
            if place < covered:
                return arm
        return self.arms[-1]  # Rounding: the shares may sum to slightly less than 1.

    def label(self, arm: Arm) -> str:
        return f"{self.name}/{arm.name}"


@struct
class Assignment:
    """Arms to which one request is assigned.

    Attributes
    ----------
    recommender, rules, model
        Settings of the arms, or None if no arm has the setting. The last arm with a setting wins.
    """

    arms: tuple[str, ...] = ()
    recommender: str | None = None
    rules: str | None = None
    model: str | None = None


NO_ARMS = Assignment()


def assign(experiments: Iterable[Experiment], *, recommender: str, unit: str | None, now_ms: int) -> Assignment:
    """Return the arms of a request. `unit` is the user ID, or the session ID of an anonymous visitor. If `unit` is
    None, the request takes part in no experiment.
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


def assignment_of(experiments: Iterable[Experiment], arms: Sequence[str]) -> Assignment:
    """Return the assignment of logged arms.

    The assignment has the recommender and the rules of those arms that are in `experiments`, but no model.
    """
    named = {experiment.label(arm): arm for experiment in experiments for arm in experiment.arms}
    chosen = [named[label] for label in arms if label in named]
    recommenders = [arm.recommender for arm in chosen if arm.recommender]
    rules = [arm.rules for arm in chosen if arm.rules]
    return Assignment(tuple(arms), recommenders[-1] if recommenders else None, rules[-1] if rules else None)


def models_named(experiments: Iterable[Experiment], *, now_ms: int) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            arm.model
            for experiment in experiments
            if experiment.runs(now_ms)
            for arm in experiment.arms
            if arm.model is not None
        )
    )
