"""The metrics of experiments: each is a ratio of two sums over users."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Protocol

from alsolike.domain.experiments import DEFAULT_METRIC
from alsolike.experiments.comparison import ArmSample, sample
from alsolike.runtime.errors import InvalidInput

SUMS = ("answers", "impressions", "shown_clicks", "clicks", "purchases", "bought_answers", "revenue", "degraded")
"""The values summed over a user's answers."""

READ = (
    "served_ms", "recommender", "arms", "shopper", "degraded", "impressions", "shown_clicks", "clicks", "purchases",
    "revenue",
)  # fmt: skip
"""The columns that are read from `outcomes`."""

USERS, BUYERS = "users", "buyers"


class Users(Protocol):
    """Users with the sums of their answers' outcomes."""

    def __len__(self) -> int:
        """Return how many."""

    def column(self, name: str) -> list[float]:
        """Return one of `SUMS`, an element a user."""


@dataclasses.dataclass(frozen=True, slots=True)
class RatioMetric:
    """A metric.

    Attributes
    ----------
    above, below
        Numerator and denominator: some of `SUMS`, `USERS` (1 per user) or `BUYERS` (1 per buyer).
    about
        Its description.
    """

    name: str
    above: str
    below: str
    about: str

    def sample(self, users: Users) -> ArmSample:
        """Return the sample of these users."""
        return sample(_column(users, self.above), _column(users, self.below))


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            RatioMetric(DEFAULT_METRIC, "shown_clicks", "impressions", "shown items that were clicked, of all shown"),
            RatioMetric("clicks", "clicks", "answers", "clicked items by answer"),
            RatioMetric("conversion", "bought_answers", "answers", "answers of which something was bought, of all"),
            RatioMetric("buyers", BUYERS, USERS, "users who bought something that was recommended, of all"),
            RatioMetric("revenue", "revenue", "answers", "revenue by answer"),
            RatioMetric("revenue-per-user", "revenue", USERS, "revenue by user"),
        )
    }
)


def metric_of(name: str) -> RatioMetric:
    """Return the metric of a name."""
    if name not in METRICS:
        raise InvalidInput(f"--metric is {name!r}, expected one of {', '.join(METRICS)}")
    return METRICS[name]


def _column(users: Users, name: str) -> list[float]:
    if name == USERS:
        return [1.0] * len(users)
    if name == BUYERS:
        return [float(bought > 0) for bought in users.column("purchases")]
    return users.column(name)
