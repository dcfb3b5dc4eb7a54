"""Forecast before an experiment starts: smallest detectable lift and required duration with the shop's traffic."""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from alsolike.configuration.experiments import Experiment
from alsolike.experiments.metrics import RatioMetric, Users
from alsolike.experiments.report import control_of
from alsolike.experiments.sequential_tests import ALPHA, MIN_USERS, POWER, ArmSample, detectable_lift
from operations.progress import counted

if TYPE_CHECKING:
    import pyarrow as pa

BASELINE_DAYS = 28
DEFAULT_DAYS = 14
"""Number of days that the forecast assumes for an experiment without an end."""
MAX_DAYS = 730
LIFTS = (0.05, 0.1, 0.2)
"""Lifts whose duration is forecast by default."""


@dataclasses.dataclass(frozen=True, slots=True)
class NeededDays:
    """Number of days until a lift is detectable; None for more than `MAX_DAYS`."""

    lift: float
    days: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Forecast for an experiment if traffic does not change.

    `baseline_days` are complete days of traffic. If there are none, the forecast values are None. `users` and `answers`
    are expected in the planned `days`. The always-valid test detects `detectable_lift` with the probability `POWER`,
    and a single test at the end detects `detectable_lift_at_end`.
    """

    metric: str
    baseline_days: int
    days: int
    users: int | None = None
    answers: int | None = None
    value: float | None = None
    detectable_lift: float | None = None
    detectable_lift_at_end: float | None = None
    needed_days: tuple[NeededDays, ...] = ()
    answers_today: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Traffic:
    sample: ArmSample
    users: float
    answers: float


def plan(
    experiment: Experiment,
    metric: RatioMetric,
    answers: Iterable[pa.Table],
    *,
    days: int,
    requested_lift: float | None,
    now_ms: int,
) -> Plan:
    """Return the forecast for an experiment, from the rows of `outcomes` in the last `BASELINE_DAYS`.

    For n days, the forecast uses the last n complete days, and counts each user once. Beyond the measured days, it
    assumes that each day adds the same number of new users with the same behaviour.
    """
    from operations.experiments.outcomes_by_user import DayTally

    tally = DayTally(experiment.on)
    for piece in answers:
        tally.add(piece)
    known_days, users_of_last = tally.windows(before_ms=now_ms)
    if not known_days:
        return Plan(metric.name, 0, days, answers_today=tally.answers_since(now_ms))
    traffic = _traffic(metric, known_days, users_of_last)
    expected = traffic(days)
    return Plan(
        metric.name,
        known_days,
        days,
        users=round(expected.users),
        answers=max(round(expected.answers), 1),
        value=expected.sample.ratio,
        detectable_lift=_detectable(experiment, expected, looks=True),
        detectable_lift_at_end=_detectable(experiment, expected, looks=False),
        needed_days=tuple(
            NeededDays(lift, _days_for(lift, experiment, traffic))
            for lift in (LIFTS if requested_lift is None else (requested_lift,))
        ),
    )


def _traffic(metric: RatioMetric, known_days: int, users_of_last: Callable[[int], Users]) -> Callable[[int], _Traffic]:
    windows: dict[int, _Traffic] = {}

    def of(days: int) -> _Traffic:
        window = min(days, known_days)
        if window not in windows:
            users = users_of_last(window)
            windows[window] = _Traffic(
                metric.sample(users), users=len(users), answers=math.fsum(users.column("answers"))
            )
        traffic, times = windows[window], days / window
        return _Traffic(traffic.sample, traffic.users * times, traffic.answers * times)

    return of


def _detectable(experiment: Experiment, traffic: _Traffic, *, looks: bool) -> float | None:
    """Return the smallest lift that is detectable in every arm, or None if some arm can detect no lift."""
    control = control_of(experiment)
    lifts = [
        detectable_lift(
            traffic.sample,
            share=arm.share,
            control_share=control.share,
            users=traffic.users,
            alpha=ALPHA,
            comparisons=len(experiment.arms) - 1,
            looks=looks,
        )
        for arm in experiment.arms
        if arm is not control
    ]
    detectable = [lift for lift in lifts if lift is not None]
    return max(detectable) if len(detectable) == len(lifts) else None


def _days_for(requested_lift: float, experiment: Experiment, traffic: Callable[[int], _Traffic]) -> int | None:
    def is_found(days: int) -> bool:
        lift = _detectable(experiment, traffic(days), looks=True)
        return lift is not None and lift <= requested_lift

    before = bisect.bisect_left(range(1, MAX_DAYS + 1), True, key=is_found)
    return before + 1 if before < MAX_DAYS else None


def needed_users(experiment: Experiment) -> int:
    """Return the number of users that the report requires to name a winner."""
    return math.ceil(MIN_USERS / min(arm.share for arm in experiment.arms))


def shortage(experiment: Experiment, users: int) -> str | None:
    needed = needed_users(experiment)
    if users >= needed:
        return None
    return (
        f"{users:,} users are too few for a verdict: {MIN_USERS} are needed in each arm, which are {needed:,} with "
        "these shares"
    )


def _lack(plan: Plan) -> str:
    if plan.baseline_days:
        return f"{plan.metric} counted nothing in the last {counted(plan.baseline_days, 'whole day')}"
    if plan.answers_today:
        return (
            f"it needs one whole day (UTC) of responses to named users, and there are {plan.answers_today:,} of today "
            "only. Repeat the command tomorrow"
        )
    return (
        f"no response to a named user was attributed in the last {BASELINE_DAYS} days. Attribution runs every hour, or "
        "now with `alsolike engagement --refresh`"
    )


def lines(plan: Plan) -> list[str]:
    if plan.detectable_lift is None or plan.users is None or plan.answers is None or plan.value is None:
        return [f"the detectable lift is unknown: {_lack(plan)}"]
    sentences = [
        f"in {plan.days} days, going by the last {plan.baseline_days}: {plan.users:,} users, {plan.answers:,} "
        f"answers, {plan.metric} {plan.value:.4g}",
        f"finds a lift of {plan.detectable_lift:.1%} or more with a chance of {POWER:.0%} "
        f"({plan.detectable_lift_at_end:.1%} if it were looked at only once, at the end)",
    ]
    times = [
        f"{needed.lift:.1%} takes "
        + (f"more than {MAX_DAYS} days" if needed.days is None else f"{needed.days} day{'s' * (needed.days != 1)}")
        for needed in plan.needed_days
    ]
    return [*sentences, f"a lift of {', '.join(times)}"]
