"""Incremental orders and revenue: users with recommendations, compared with held-out users.

Purchases of the users of a holdout (`alsolike.experiments.holdout`) count also without a `recommendationId`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import BEFORE_DAYS, READ, USERS, RatioMetric
from alsolike.experiments.report import control_of
from alsolike.experiments.sequential_tests import ALPHA, MIN_EVENTS, MIN_USERS, ArmSample, critical_z, variances
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.lake_objects import LakeObject
from alsolike.lake.partitions import event_date
from alsolike.records.interaction import COPY_ORDER
from alsolike.runtime.client_protocols import S3Client
from operations.experiments.lake_tables import read_outcomes
from operations.experiments.outcomes_by_user import ArmTally, UserTable
from operations.recovery.lake_reader import LakeReader

PRECISIONS = (0.1, 0.05)
"""Half widths of an interval, as shares of the mean of held-out users, for which the report forecasts
the required days.
"""

PURCHASE = "purchase"
ORDERS, SPEND = "orders", "spend"
"""Columns with the number and the total value of a shopper's purchases."""

_PURCHASE_COLUMNS = ("event_id", *COPY_ORDER[: COPY_ORDER.index("event_value") + 1])

METRICS = (
    RatioMetric("orders", ORDERS, USERS, "all orders by user"),
    RatioMetric("revenue", SPEND, USERS, "revenue of all orders by user"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Increment:
    """Additional orders or revenue due to recommendations, with an always valid 95% interval.

    `with_recommendations` and `held_out` are means per user. `per_user`, `low` and `high` are adjusted for purchases
    before the start, and None with too little data. `required_ratio` is the data that an interval requires, divided by
    the collected data, at least 1; None if an arm has no order yet.
    """

    metric: str
    with_recommendations: float
    held_out: float
    per_user: float | None
    low: float | None
    high: float | None
    users: int
    required_ratio: float | None = 1.0

    @property
    def total(self) -> float | None:
        return None if self.per_user is None else self.per_user * self.users

    @property
    def total_low(self) -> float | None:
        return None if self.low is None else self.low * self.users

    @property
    def total_high(self) -> float | None:
        return None if self.high is None else self.high * self.users

    def days_until_interval(self, *, days: float) -> float | None:
        """Return the days from the start until the data suffice for an interval, if they grow evenly with time."""
        return None if self.required_ratio is None else days * self.required_ratio

    def days_until(self, precision: float, *, days: float) -> float | None:
        """Return the days after the start until the interval is about ± `precision` of the mean of held-out users.

        The width falls with the square root of the time. None without an interval, or without purchases of held-out
        users.
        """
        if self.low is None or self.high is None or not self.held_out:
            return None
        return days * ((self.high - self.low) / 2 / (precision * self.held_out)) ** 2


@dataclasses.dataclass(frozen=True, slots=True)
class IncrementReport:
    """Increments of a holdout since its start.

    `users` and `held_out_users` are numbers of users with a response. `attributed_revenue` is from responses to the
    users with recommendations.
    """

    experiment: str
    days: float
    users: int
    held_out_users: int
    attributed_revenue: float
    increments: tuple[Increment, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the report in `GET /operator/increments`."""
        return {
            "days": self.days,
            "users": self.users,
            "heldOutUsers": self.held_out_users,
            "attributedRevenue": self.attributed_revenue,
            "increments": [
                {
                    "metric": each.metric,
                    "withRecommendations": each.with_recommendations,
                    "heldOut": each.held_out,
                    "perUser": each.per_user,
                    "low": each.low,
                    "high": each.high,
                    "total": each.total,
                    "totalLow": each.total_low,
                    "totalHigh": each.total_high,
                    "daysUntilInterval": each.days_until_interval(days=self.days),
                    "waits": [{"precision": p, "days": each.days_until(p, days=self.days)} for p in PRECISIONS],
                }
                for each in self.increments
            ],
        }


def increments_of(
    client: S3Client, bucket: str, holdout: Experiment, *, shopper: Callable[[str], str], now_ms: int
) -> IncrementReport:
    """Return the increments of a holdout. `shopper` returns the keyed hash of a stored user or session ID."""
    start_ms, end_ms = holdout.start_ms, min(now_ms, holdout.end_ms or now_ms)
    tally = ArmTally(holdout)
    days = {"first": event_date(start_ms), "last": event_date(end_ms - 1)}
    for piece in read_outcomes(client, bucket, **days, columns=READ):
        tally.add(piece)

    def purchases(first_ms: int, last_ms: int) -> pa.Table:
        return _summed(_purchases_between(client, bucket, shopper=shopper, first_ms=first_ms, last_ms=last_ms))

    since, earlier = purchases(start_ms, end_ms), purchases(start_ms - BEFORE_DAYS * DAY_MS, start_ms)
    arms = {name: _with_purchases(users, since, earlier) for name, users in tally.users().items()}
    control = control_of(holdout).name
    (held_out,) = (arm.name for arm in holdout.arms if arm.name != control)
    return IncrementReport(
        experiment=holdout.name,
        days=(end_ms - start_ms) / DAY_MS,
        users=len(arms[control]),
        held_out_users=len(arms[held_out]),
        attributed_revenue=math.fsum(arms[control].column("revenue")),
        increments=tuple(
            increment(metric, arms, control=control, held_out=held_out, planned=holdout.planned_answers)
            for metric in METRICS
        ),
    )


def _with_purchases(users: UserTable, purchases: pa.Table, earlier: pa.Table) -> UserTable:
    """Add the columns `ORDERS` and `SPEND` of the purchases since the holdout's start.

    `earlier` has the same columns for the days before the start.
    """
    table = users.table
    for name in (ORDERS, SPEND):
        table = table.append_column(name, pa.array(users.joined(purchases, name)))
    return UserTable(table, earlier)


def increment(
    metric: RatioMetric, arms: Mapping[str, UserTable], *, control: str, held_out: str, planned: float
) -> Increment:
    """Return the increment of a metric in the arm `control`, which gets recommendations, over the arm `held_out`."""
    adjusted = metric.adjusted(arms)
    own, other = (metric.sample(arms[name]) for name in (control, held_out))
    observed = sum(math.fsum(arms[name].column("answers")) for name in (control, held_out))
    difference = difference_of(adjusted[control], adjusted[held_out], observed=observed, planned=planned)
    per_user, low, high = difference or (None, None, None)
    return Increment(
        metric.name,
        own.mean_y,
        other.mean_y,
        per_user,
        low,
        high,
        users=len(arms[control]),
        required_ratio=_required_ratio(own, other),
    )


def _required_ratio(*arms: ArmSample) -> float | None:
    if not all(arm.users and arm.eventful for arm in arms):
        return None
    return max(1.0, *(max(MIN_USERS / arm.users, MIN_EVENTS / arm.eventful) for arm in arms))


def difference_of(
    own: ArmSample, other: ArmSample, *, observed: float, planned: float
) -> tuple[float, float, float] | None:
    """Return the difference of two means per user with its always valid interval, or None with too little data."""
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


def _purchases_between(
    client: S3Client, bucket: str, *, shopper: Callable[[str], str], first_ms: int, last_ms: int
) -> Iterator[pa.Table]:
    """Yield the sums of purchases by shopper for each day, with the columns `shopper`, `ORDERS` and `SPEND`.

    A shopper is the keyed hash of the user, otherwise of the session, as in the table `outcomes`. Duplicates count once
    per day. Purchases by declared agents do not count.
    """
    reader = LakeReader(client, bucket, received_by_ms=None)
    for objects in _by_day(reader, event_date(first_ms), event_date(last_ms)):
        pieces = [
            _purchases(piece).to_pandas()
            for listed in objects
            for piece in reader.read(listed, (*_PURCHASE_COLUMNS, "agent"))
        ]
        if not pieces:
            continue
        rows = pd.concat(pieces, ignore_index=True)
        rows = deduplicate(rows)
        rows = rows[rows["event_time_ms"].between(first_ms, last_ms - 1)]
        owners = rows["user_id"].fillna(rows["session_id"])
        sums = rows["event_value"].fillna(0.0).groupby(owners).agg(["count", "sum"])
        yield pa.table(
            {
                "shopper": pa.array([shopper(owner) for owner in sums.index], pa.string()),
                ORDERS: pa.array(sums["count"], pa.int64()),
                SPEND: pa.array(sums["sum"], pa.float64()),
            }
        )


def _purchases(interactions: pa.Table) -> pa.Table:
    # Arrow removes the rows of other event types faster than pandas.
    bought = pc.fill_null(pc.equal(pc.utf8_lower(interactions["event_type"]), PURCHASE), False)
    return interactions.filter(pc.and_(bought, pc.is_null(interactions["agent"]))).select(_PURCHASE_COLUMNS)


def _by_day(reader: LakeReader, first: str, last: str) -> Iterator[list[LakeObject]]:
    days: dict[str, list[LakeObject]] = {}
    for listed in reader.objects():
        if listed.key.startswith(INTERACTIONS_PREFIX) and first <= listed.date <= last:
            days.setdefault(listed.date, []).append(listed)
    yield from days.values()
