"""Metrics of experiments, each of which is a ratio of two sums over users."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from alsolike.configuration.experiments import DEFAULT_METRIC
from alsolike.experiments.sequential_tests import ArmSample, sample
from alsolike.runtime.errors import InvalidInput

SUMS = ("answers", "impressions", "shown_clicks", "clicks", "purchases", "bought_answers", "revenue", "degraded")
"""Names of the values that are summed over a user's responses."""

READ = (
    "served_ms", "recommender", "arms", "shopper", "degraded", "impressions", "shown_clicks", "clicks", "purchases",
    "revenue",
)  # fmt: skip
"""Columns of the lake's table `outcomes` that experiments read."""

USERS, BUYERS = "users", "buyers"


BEFORE_DAYS = 28
"""Length in days of the period before an experiment. `RatioMetric.adjusted` uses outcomes of this period."""


class Users(Protocol):
    """Group of users, with sums over each user's responses."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> list[float]:
        """Return one of `SUMS` with one element per user."""

    def before(self, name: str) -> list[float]:
        """Return one of `SUMS` for the period before the start, with one element per user. 0 for users without
        responses.
        """


@dataclasses.dataclass(frozen=True, slots=True)
class RatioMetric:
    """Metric that is the ratio of two sums over users.

    Attributes
    ----------
    above, below
        Numerator and denominator: one of `SUMS`, `USERS` (1 per user) or `BUYERS` (1 per buyer).
    """

    name: str
    above: str
    below: str
    about: str

    def sample(self, users: Users) -> ArmSample:
        return sample(_column(users.column, self.above, len(users)), _column(users.column, self.below, len(users)))

    def adjusted(self, arms: Mapping[str, Users]) -> dict[str, ArmSample]:
        """Return the statistics of each arm, adjusted for the users' outcomes before the start (CUPED).

        The adjusted numerator of user i is ``y_i - theta c_i``. The covariate c is the deviation before the start,
        ``y0_i - (sum y0 / sum x0) x0_i``. Its sum over all users is 0. theta is the coefficient of c in the
        regression of the deviation ``y_i - (sum y / sum x) x_i`` within the arms. Treatments do not change c, so the
        adjustment keeps expected values and reduces variances.

        References
        ----------
        A. Deng, Y. Xu, R. Kohavi, T. Walker, "Improving the sensitivity of online controlled experiments by utilizing
        pre-experiment data", WSDM 2013.
        """
        names = list(arms)
        y, x = (
            [_column(users.column, name, len(users)) for users in arms.values()] for name in (self.above, self.below)
        )
        y0, x0 = (
            [_column(users.before, name, len(users)) for users in arms.values()] for name in (self.above, self.below)
        )
        deviations, covariates = _deviations(y, x), _deviations(y0, x0)
        theta = _coefficient(deviations, covariates)
        return {
            name: dataclasses.replace(
                sample([value - theta * c for value, c in zip(values, before, strict=True)], below),
                eventful=sum(value != 0 for value in values),
            )
            for name, values, before, below in zip(names, y, covariates, x, strict=True)
        }


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            RatioMetric(DEFAULT_METRIC, "shown_clicks", "impressions", "share of displayed items that were clicked"),
            RatioMetric("clicks", "clicks", "answers", "clicked items per response"),
            RatioMetric("conversion", "bought_answers", "answers", "share of responses with a purchase"),
            RatioMetric("buyers", BUYERS, USERS, "share of users who bought a recommended item"),
            RatioMetric("revenue", "revenue", "answers", "revenue by answer"),
            RatioMetric("revenue-per-user", "revenue", USERS, "revenue by user"),
        )
    }
)


def metric_of(name: str) -> RatioMetric:
    if name not in METRICS:
        raise InvalidInput(f"--metric is {name!r}, expected one of {', '.join(METRICS)}")
    return METRICS[name]


def _column(read: Callable[[str], list[float]], name: str, users: int) -> list[float]:
    if name == USERS:
        return [1.0] * users
    if name == BUYERS:
        return [float(bought > 0) for bought in read("purchases")]
    return read(name)


def _deviations(y: Sequence[list[float]], x: Sequence[list[float]]) -> list[list[float]]:
    """Return each user's numerator minus the value expected from the ratio over all arms."""
    below = math.fsum(map(math.fsum, x))
    ratio = math.fsum(map(math.fsum, y)) / below if below else 0.0
    return [
        [value - ratio * base for value, base in zip(values, bases, strict=True)]
        for values, bases in zip(y, x, strict=True)
    ]


def _coefficient(deviations: Sequence[list[float]], covariates: Sequence[list[float]]) -> float:
    """Return the coefficient of the least-squares regression within the arms, or 0 for a constant covariate."""
    products = squares = 0.0
    for values, before in zip(deviations, covariates, strict=True):
        if before:
            mean = math.fsum(before) / len(before)
            products += math.fsum(value * (c - mean) for value, c in zip(values, before, strict=True))
            squares += math.fsum((c - mean) ** 2 for c in before)
    return products / squares if squares else 0.0
