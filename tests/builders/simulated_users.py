"""Simulated users of two arms: their sums and the always valid comparison at every look."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from alsolike.experiments.comparison import ArmSample
from alsolike.experiments.metrics import BEFORE_DAYS

Metric = Literal["click-through", "buyers", "revenue"]
Sums = npt.NDArray[np.float64]

SHOWN = 5
"""Items per answer."""

_BELOW = ("impressions", "answers")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """A shop with an experiment.

    Users come on some day, return at a rate of their own, and click or buy with a chance of their own. The value of an
    order is log-normal, and so is the factor of each user's orders.

    Attributes
    ----------
    share, lift
        Share of the arm's users, and how much more often they click or buy; the others are the control.
    looks
        Days, with a look at the end of each.
    activity
        Mean answers per user and day after the first.
    click_rate, buy_rate
        Mean chance of a click per shown item, and of an order per answer.
    spread
        Standard deviation of the logarithm of a user's factor and of an order's value.
    known
        Share of the users who also came in the days before the start.
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
        """Expected answers of all days."""
        return self.users * (1 + self.activity * (self.looks - 1) / 2)


@dataclasses.dataclass(frozen=True)
class Look:
    """Both arms' users and answers up to a day."""

    arm: ArmSample
    control: ArmSample
    observed: float


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A drawn experiment: sums by look and user, and by user before the start.

    Attributes
    ----------
    y, x
        Numerator and denominator of the metric up to each look, `(looks, users)`.
    y_before, x_before
        The same in the days before the start, `(users,)`.
    observed
        Answers of all users up to each look.
    """

    in_arm: npt.NDArray[np.bool_]
    y: Sums
    x: Sums
    y_before: Sums
    x_before: Sums
    observed: list[float]


def looks_of(shop: Shop, draws: np.random.Generator) -> list[Look]:
    """Return the looks of a drawn experiment."""
    drawn = drawn_of(shop, draws)
    arms = (samples_of(drawn.y[:, users], drawn.x[:, users]) for users in (drawn.in_arm, ~drawn.in_arm))
    return [Look(*look) for look in zip(*arms, drawn.observed, strict=True)]


def drawn_of(shop: Shop, draws: np.random.Generator) -> Drawn:
    """Draw an experiment."""
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
    """Some of the drawn users up to a look; see `alsolike.experiments.metrics.Users`."""

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
    """Users with chances of their own."""

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
        """Return numerator and denominator of the metric by day and user, summed up to the day."""
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
    """Return `sample` of the users in each row whose `x` is above 0, of all rows at once."""
    n = np.maximum((x > 0).sum(axis=1), 2)  # the first day may have no users
    y_, x_ = y.sum(axis=1) / n, x.sum(axis=1) / n
    squares = [
        ((a * b).sum(axis=1) - n * a_ * b_) / (n - 1)
        for a, b, a_, b_ in ((y, y, y_, y_), (x, x, x_, x_), (y, x, y_, x_))
    ]
    rows = zip(n, (y > 0).sum(axis=1), y_, x_, *squares, strict=True)
    return [ArmSample(*(column.item() for column in row)) for row in rows]
