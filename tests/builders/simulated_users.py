"""Simulated users of two arms, with their sums and the always valid comparison at every check."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from alsolike.experiments.metrics import BEFORE_DAYS
from alsolike.experiments.sequential_tests import ArmSample

Metric = Literal["click-through", "buyers", "revenue"]
Sums = npt.NDArray[np.float64]

SHOWN = 5
"""Number of items per response."""

_BELOW = ("impressions", "answers")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """Shop with an experiment.

    Each user has a random first day, return rate, and probability of a click or purchase. The value of an order and
    each user's factor of order values are log-normal.

    Attributes
    ----------
    share, lift
        Share of users in the arm, and relative increase of their clicks or purchases. The other users are in the
        control.
    looks
        Number of days, with a check at the end of each day.
    activity
        Mean number of responses per user and day after the first day.
    click_rate, buy_rate
        Mean probability of a click per shown item, and of an order per response.
    spread
        Standard deviation of the logarithms of user factors and order values.
    known
        Share of users who were also active before the start.
    """

    metric: Metric
    users: int
    share: float = 0.5
    lift: float = 0.0
    looks: int = 60
    activity: float = 0.15
    click_rate: float = 0.05
    buy_rate: float = 0.02
    spread: float = 1.0
    known: float = 0.7

    @property
    def planned(self) -> float:
        """Expected number of responses on all days."""
        return self.users * (1 + self.activity * (self.looks - 1) / 2)


@dataclasses.dataclass(frozen=True)
class Look:
    """Users and responses of both arms up to a day."""

    arm: ArmSample
    control: ArmSample
    observed: float


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Drawn experiment, with sums by check and user, and by user before the start.

    Attributes
    ----------
    y, x
        Numerator and denominator of the metric up to each check, `(looks, users)`.
    y_before, x_before
        Numerator and denominator in the days before the start, `(users,)`.
    observed
        Number of responses to all users up to each check.
    """

    in_arm: npt.NDArray[np.bool_]
    y: Sums
    x: Sums
    y_before: Sums
    x_before: Sums
    observed: list[float]


def looks_of(shop: Shop, draws: np.random.Generator) -> list[Look]:
    """Draw an experiment, and return its checks."""
    drawn = drawn_of(shop, draws)
    arms = (samples_of(drawn.y[:, users], drawn.x[:, users]) for users in (drawn.in_arm, ~drawn.in_arm))
    return [Look(*look) for look in zip(*arms, drawn.observed, strict=True)]


def drawn_of(shop: Shop, draws: np.random.Generator) -> Drawn:
    in_arm = draws.random(shop.users) < shop.share
    days = np.arange(shop.looks)[:, None]
    first_day = draws.integers(0, shop.looks, shop.users)
    activity = draws.gamma(2.0, shop.activity / 2, shop.users)
    visits = draws.poisson(activity, (shop.looks, shop.users))
    answers = np.where(first_day < days, visits, 0) + (first_day == days)
    people = _People(shop, draws)
    y, x = people.sums(answers, np.where(in_arm, 1 + shop.lift, 1.0))
    is_known = draws.random(shop.users) < shop.known
    earlier = np.where(is_known, draws.poisson(activity, (BEFORE_DAYS, shop.users)), 0)
    y_before, x_before = people.sums(earlier, np.ones(shop.users))
    return Drawn(in_arm, y, x, y_before[-1], x_before[-1], answers.sum(axis=1).cumsum().tolist())


class DrawnUsers:
    """Subset of the drawn users up to a check; see `alsolike.experiments.metrics.Users`."""

    def __init__(self, drawn: Drawn, users: npt.NDArray[np.bool_], look: int) -> None:
        some = users & (drawn.x[look] > 0)
        self._y: list[float] = drawn.y[look, some].tolist()
        self._x: list[float] = drawn.x[look, some].tolist()
        self._y_before: list[float] = drawn.y_before[some].tolist()
        self._x_before: list[float] = drawn.x_before[some].tolist()

    def __len__(self) -> int:
        return len(self._y)

    def column(self, name: str) -> list[float]:
        return self._x if name in _BELOW else self._y

    def before(self, name: str) -> list[float]:
        return self._x_before if name in _BELOW else self._y_before


class _People:
    def __init__(self, shop: Shop, draws: np.random.Generator) -> None:
        self._shop, self._draws = shop, draws
        self._spending: Sums | None = None
        clicks = shop.metric == "click-through"
        self._chance = (
            draws.beta(2, 2 / shop.click_rate - 2, shop.users)
            if clicks
            else draws.exponential(shop.buy_rate, shop.users)
        )

    def sums(self, answers: npt.NDArray[np.int64], factor: Sums) -> tuple[Sums, Sums]:
        """Return numerator and denominator of the metric by day and user, accumulated over the days."""
        shop, draws, chance = self._shop, self._draws, np.minimum(self._chance * factor, 1)
        if shop.metric == "click-through":
            shown = SHOWN * answers
            return draws.binomial(shown, chance).cumsum(axis=0).astype(float), shown.cumsum(axis=0).astype(float)
        orders = draws.binomial(answers, chance)
        if shop.metric == "buyers":
            return (orders.cumsum(axis=0) > 0).astype(float), (answers.cumsum(axis=0) > 0).astype(float)
        spent = np.zeros(orders.shape)
        bought = np.nonzero(orders)
        spent[bought] = orders[bought] * draws.lognormal(3, shop.spread, len(bought[0]))
        if self._spending is None:
            self._spending = draws.lognormal(0, shop.spread, shop.users)
        return (spent * self._spending).cumsum(axis=0), answers.cumsum(axis=0).astype(float)


def samples_of(y: Sums, x: Sums) -> list[ArmSample]:
    """Return for each row the result of `sample` on the users with `x` above 0, vectorised over the rows."""
    n = np.maximum((x > 0).sum(axis=1), 2)  # The first day may have no users.
    y_, x_ = y.sum(axis=1) / n, x.sum(axis=1) / n
    squares = [
        ((a * b).sum(axis=1) - n * a_ * b_) / (n - 1)
        for a, b, a_, b_ in ((y, y, y_, y_), (x, x, x_, x_), (y, x, y_, x_))
    ]
    rows = zip(n, (y > 0).sum(axis=1), y_, x_, *squares, strict=True)
    return [ArmSample(*(column.item() for column in row)) for row in rows]
