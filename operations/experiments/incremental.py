"""Incremental orders and revenue: users with recommendations, compared with held-out users.

A holdout is an experiment in the layer `holdout` with two arms. The control gets recommendations, the other arm gets
popular items. All purchases of its users count, also those without a `recommendationId`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping

import pyarrow as pa

from alsolike.configuration.configuration import Configuration
from alsolike.configuration.experiments import Experiment
from alsolike.experiments.comparison import ArmSample, critical_z, variances
from alsolike.experiments.metrics import BEFORE_DAYS, USERS, RatioMetric
from alsolike.experiments.report import ALPHA, control_of
from alsolike.runtime.errors import InvalidInput, NotFound
from operations.client.deployment import Deployment
from operations.configuration.store import live_configuration
from operations.experiments.outcomes import outcomes_between
from operations.experiments.purchases import ORDERS, SPEND, purchases_between
from operations.experiments.tally import ArmTally, UserTable

LAYER = "holdout"
METRICS = (
    RatioMetric("orders", ORDERS, USERS, "all orders by user"),
    RatioMetric("revenue", SPEND, USERS, "revenue of all orders by user"),
)
_DAY_MS = 86_400_000


@dataclasses.dataclass(frozen=True, slots=True)
class Increment:
    """Additional orders or revenue due to recommendations, with an always valid 95% interval.

    Attributes
    ----------
    metric
        `orders` or `revenue`.
    with_recommendations, held_out
        Means per user of both arms, without adjustment.
    per_user, low, high
        Difference of the means, adjusted for purchases before the start, and its interval. None with too little data.
    total, total_low, total_high
        The same for all users with recommendations.
    """

    metric: str
    with_recommendations: float
    held_out: float
    per_user: float | None
    low: float | None
    high: float | None
    users: int

    @property
    def total(self) -> float | None:
        return None if self.per_user is None else self.per_user * self.users

    @property
    def total_low(self) -> float | None:
        return None if self.low is None else self.low * self.users

    @property
    def total_high(self) -> float | None:
        return None if self.high is None else self.high * self.users

    def days_until(self, precision: float, *, days: float) -> float | None:
        """Return the days after the start until the interval is about ± `precision` of the mean of held-out users.

        The width falls with the square root of the time. None without an interval or without purchases.
        """
        if self.low is None or self.high is None or not self.held_out:
            return None
        return days * ((self.high - self.low) / 2 / (precision * self.held_out)) ** 2


@dataclasses.dataclass(frozen=True, slots=True)
class IncrementReport:
    """The increments of a holdout since its start.

    Attributes
    ----------
    users, held_out_users
        Numbers of users in both arms with a response.
    attributed_revenue
        Revenue attributed to responses of the users with recommendations.
    """

    experiment: str
    days: float
    users: int
    held_out_users: int
    attributed_revenue: float
    increments: tuple[Increment, ...]


def holdout_of(configuration: Configuration, *, now_ms: int) -> Experiment:
    """Return the latest experiment in the layer `holdout` that has started.

    Raises
    ------
    NotFound
        If there is none.
    InvalidInput
        If it has more than two arms.
    """
    started = [
        experiment
        for experiment in configuration.experiments.values()
        if experiment.layer == LAYER and experiment.start_ms <= now_ms
    ]
    if not started:
        raise NotFound(
            f"no experiment in the layer {LAYER!r} has started, so the effect of recommendations is not measured; "
            f"start one with `alsolike experiments start {LAYER} --layer {LAYER} --arm recommended=0.98 "
            "--arm popular=0.02:recommender=popular`"
        )
    holdout = max(started, key=lambda experiment: experiment.start_ms)
    if len(holdout.arms) != 2:
        raise InvalidInput(f"{holdout.name} has {len(holdout.arms)} arms, expected 2 in the layer {LAYER!r}")
    return holdout


def increments_of(deployment: Deployment, *, now_ms: int) -> IncrementReport:
    """Return the increments of the live configuration's holdout; errors as of `holdout_of`."""
    holdout = holdout_of(live_configuration(deployment), now_ms=now_ms)
    start_ms, end_ms = holdout.start_ms, min(now_ms, holdout.end_ms or now_ms)
    tally = ArmTally(holdout)
    for piece in outcomes_between(deployment, first_ms=start_ms, last_ms=end_ms - 1):
        tally.add(piece)
    earlier_ms = start_ms - BEFORE_DAYS * _DAY_MS
    purchases = _summed(purchases_between(deployment, first_ms=start_ms, last_ms=end_ms))
    earlier = _summed(purchases_between(deployment, first_ms=earlier_ms, last_ms=start_ms))
    arms = {name: Shoppers(users, purchases, earlier) for name, users in tally.users().items()}
    control = control_of(holdout).name
    (held_out,) = (arm.name for arm in holdout.arms if arm.name != control)
    return IncrementReport(
        experiment=holdout.name,
        days=(end_ms - start_ms) / _DAY_MS,
        users=len(arms[control]),
        held_out_users=len(arms[held_out]),
        attributed_revenue=math.fsum(arms[control].responses("revenue")),
        increments=tuple(
            increment(metric, arms, control=control, held_out=held_out, planned=holdout.planned_answers)
            for metric in METRICS
        ),
    )


class Shoppers:
    """The users of an arm with all their purchases; see `alsolike.experiments.metrics.Users`."""

    def __init__(self, users: UserTable, purchases: pa.Table, earlier: pa.Table) -> None:
        self._users, self._purchases, self._earlier = users, purchases, earlier

    def __len__(self) -> int:
        return len(self._users)

    def column(self, name: str) -> list[float]:
        """Return `ORDERS` or `SPEND` since the start, one element per user."""
        return self._users.joined(self._purchases, name)

    def before(self, name: str) -> list[float]:
        """Return `ORDERS` or `SPEND` in the days before the start, one element per user."""
        return self._users.joined(self._earlier, name)

    def responses(self, name: str) -> list[float]:
        """Return a sum over the responses of each user."""
        return self._users.column(name)


def increment(
    metric: RatioMetric, arms: Mapping[str, Shoppers], *, control: str, held_out: str, planned: float
) -> Increment:
    """Return the increment of a metric of the control over the held-out arm."""
    adjusted = metric.adjusted(arms)
    own, other = (metric.sample(arms[name]) for name in (control, held_out))
    observed = sum(math.fsum(arms[name].responses("answers")) for name in (control, held_out))
    difference = difference_of(adjusted[control], adjusted[held_out], observed=observed, planned=planned)
    per_user, low, high = difference or (None, None, None)
    return Increment(metric.name, own.mean_y, other.mean_y, per_user, low, high, users=len(arms[control]))


def difference_of(
    own: ArmSample, other: ArmSample, *, observed: float, planned: float
) -> tuple[float, float, float] | None:
    """Return the difference of two means per user with its always valid interval, or None with too little data.

    Parameters
    ----------
    observed, planned
        Current and planned number of responses of both arms.
    """
    if not (own.suffices and other.suffices) or observed <= 0:
        return None
    z = critical_z(alpha=ALPHA, observed=observed, planned=planned)
    half = z * math.sqrt(sum(variances(own, other)))
    difference = own.mean_y - other.mean_y
    return difference, difference - half, difference + half


def _summed(pieces: Iterable[pa.Table]) -> pa.Table:
    tables = list(pieces)
    if not tables:
        empty = {"shopper": pa.string(), ORDERS: pa.int64(), SPEND: pa.float64()}
        return pa.table({name: pa.array([], kind) for name, kind in empty.items()})
    summed = pa.concat_tables(tables).group_by("shopper").aggregate([(ORDERS, "sum"), (SPEND, "sum")])
    return pa.table({"shopper": summed["shopper"], ORDERS: summed[f"{ORDERS}_sum"], SPEND: summed[f"{SPEND}_sum"]})
