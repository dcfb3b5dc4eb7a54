"""Report of an experiment: metrics of the arms, lifts over the control, and the sample ratio test."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import math
from collections.abc import Mapping
from typing import Protocol

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.experiments.metrics import RatioMetric, Users
from alsolike.experiments.sequential_tests import (
    ALPHA,
    MIN_EVENTS,
    MIN_USERS,
    ArmSample,
    Lift,
    compare,
    sample_ratio_p_value,
)

MISMATCH_BELOW = 0.01
"""p-value below which a sample ratio mismatch is reported. A correct experiment is reported with at most this
probability.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class ArmReport:
    """Results of an arm.

    Attributes
    ----------
    value
        Value of the metric without adjustment.
    lift
        Lift of the adjusted metric over the control. None for the control, and if the data do not suffice.
    """

    name: str
    share: float
    users: int
    answers: int
    degraded_share: float | None
    value: float | None
    lift: Lift | None


@dataclasses.dataclass(frozen=True, slots=True)
class Excluded:
    """Numbers of responses and users that are excluded from the results of the arms.

    Attributes
    ----------
    unassigned
        Responses of the experiment's recommenders during the experiment that have no arm, for example because they had
        neither user nor session, or the function had not yet read the experiment.
    unknown_arms
        Number of responses by arm, for arms that the experiment does not contain.
    nameless
        Responses with an arm but without a known user, mostly because the key of the hashes was unavailable.
    users_in_two_arms
        Users with responses in several arms, mostly because the shares, the order or the names of the arms changed.
    """

    unassigned: int
    unknown_arms: Mapping[str, int]
    nameless: int
    users_in_two_arms: int


@dataclasses.dataclass(frozen=True, slots=True)
class ExperimentReport:
    """Current results of an experiment.

    Attributes
    ----------
    sample_ratio_p_value
        Always-valid p-value of the numbers of users per arm, given the shares.
    days, of_days
        Number of days with responses, and number of days from the start until now or the end.
    verdict
        `mismatch`, `too little`, `no difference`, `better` or `worse`.
    winner
        Best of the arms that are significantly better than the control; None if there is no such arm, or the verdict is
        `mismatch`.
    """

    experiment: str
    metric: str
    control: str
    arms: tuple[ArmReport, ...]
    sample_ratio_p_value: float
    excluded: Excluded
    days: int
    of_days: int
    verdict: str
    winner: str | None


def control_of(experiment: Experiment) -> Arm:
    """Return the first arm without recommender, rules and model, or the first arm if every arm has one of these
    settings.
    """
    plain = (arm for arm in experiment.arms if arm.recommender is arm.rules is arm.model is None)
    return next(plain, experiment.arms[0])


class Tally(Protocol):
    """Responses of one experiment, deduplicated and grouped by user.

    Attributes
    ----------
    in_two_arms
        Number of users with responses in more than one arm. Known only after a call of `users`.
    """

    unassigned: int
    nameless: int
    in_two_arms: int
    unknown: collections.Counter[str]

    @property
    def days(self) -> list[str]:
        """Return the days (ISO 8601) with responses in an arm."""

    def users(self) -> Mapping[str, Users]:
        """Return the users by arm. Users in more than one arm are excluded and counted in `in_two_arms`."""


def report(experiment: Experiment, metric: RatioMetric, tally: Tally, *, now_ms: int) -> ExperimentReport:
    users = tally.users()
    control = control_of(experiment)
    adjusted = metric.adjusted(users)
    totals = {name: _total(rows, "answers") for name, rows in users.items()}
    arms = tuple(
        ArmReport(
            arm.name,
            arm.share,
            users=len(users[arm.name]),
            answers=totals[arm.name],
            degraded_share=_total(users[arm.name], "degraded") / totals[arm.name] if totals[arm.name] else None,
            value=metric.sample(users[arm.name]).ratio,
            lift=None if arm is control else _lift(experiment, arm, control, adjusted, totals),
        )
        for arm in experiment.arms
    )
    p_value = sample_ratio_p_value([arm.users for arm in arms], [arm.share for arm in arms])
    verdict, winner = _verdict(arms, p_value, control=control.name)
    ran_until_ms = min(now_ms, experiment.end_ms or now_ms)
    return ExperimentReport(
        experiment.name,
        metric.name,
        control.name,
        arms,
        p_value,
        Excluded(tally.unassigned, dict(tally.unknown), tally.nameless, tally.in_two_arms),
        days=len(tally.days),
        of_days=_days_touched(experiment.start_ms, ran_until_ms),
        verdict=verdict,
        winner=winner,
    )


def _lift(
    experiment: Experiment, arm: Arm, control: Arm, samples: Mapping[str, ArmSample], totals: Mapping[str, int]
) -> Lift | None:
    return compare(
        samples[arm.name],
        samples[control.name],
        observed=totals[arm.name] + totals[control.name],
        planned=experiment.planned_answers * (arm.share + control.share),
        alpha=ALPHA,
        comparisons=len(experiment.arms) - 1,
    )


def _verdict(arms: tuple[ArmReport, ...], p_value: float, *, control: str) -> tuple[str, str | None]:
    others = [arm for arm in arms if arm.name != control]
    if p_value < MISMATCH_BELOW:
        return "mismatch", None
    differing = [(arm.lift.lift, arm.name) for arm in others if arm.lift and arm.lift.p_value <= ALPHA]
    if differing:
        lift, name = max(differing)
        return ("better", name) if lift > 0 else ("worse", None)
    return ("too little" if any(arm.lift is None for arm in others) else "no difference"), None


def sentence(report: ExperimentReport) -> str:
    if report.verdict == "mismatch":
        return (
            f"sample ratio mismatch (p = {report.sample_ratio_p_value:.2g}): users were not assigned to the arms by "
            "their shares, so no conclusion is possible; find the cause that loses or adds users of one arm"
        )
    if report.verdict == "too little":
        return (
            f"too little data: each arm needs {MIN_USERS} users, {MIN_EVENTS} of them with events that "
            f"count for {report.metric}"
        )
    lifts = {arm.name: arm.lift for arm in report.arms if arm.lift}
    if report.winner is not None:
        lift = lifts[report.winner]
        gain = f"{lift.lift:+.1%} {report.metric} (p = {lift.p_value:.2g})"
        return f"{report.winner} is better than {report.control}: {gain}"
    if report.verdict == "worse":
        worse = [f"{name} ({lift.lift:+.1%})" for name, lift in lifts.items() if lift.p_value <= ALPHA]
        return f"worse than {report.control}: {', '.join(worse)}"
    return f"no difference was found so far between {report.control} and the others"


def _total(users: Users, name: str) -> int:
    return math.floor(math.fsum(users.column(name)))


def _days_touched(start_ms: int, end_ms: int) -> int:
    if end_ms <= start_ms:
        return 0
    first, last = (dt.datetime.fromtimestamp(ms / 1000, dt.UTC).date() for ms in (start_ms, end_ms - 1))
    return (last - first).days + 1
