"""Simulated users of two arms: their sums and the always valid comparison at every look."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from alsolike.experiments.comparison import ArmSample

Metric = Literal["click-through", "buyers", "revenue"]
Sums = npt.NDArray[np.float64]

SHOWN = 5
"""Items per answer."""


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


def looks_of(shop: Shop, draws: np.random.Generator) -> list[Look]:
    """Return the looks of a drawn experiment."""
    in_arm = draws.random(shop.users) < shop.share
    days = np.arange(shop.looks)[:, None]
    first_day = draws.integers(0, shop.looks, shop.users)
    visits = draws.poisson(draws.gamma(2.0, shop.activity / 2, shop.users), (shop.looks, shop.users))
    answers = np.where(first_day < days, visits, 0) + (first_day == days)
    y, x = _sums(shop, answers, np.where(in_arm, 1 + shop.lift, 1.0), draws)
    observed = answers.sum(axis=1).cumsum().tolist()
    arms = (samples_of(y[:, users], x[:, users]) for users in (in_arm, ~in_arm))
    return [Look(*look) for look in zip(*arms, observed, strict=True)]


def _sums(shop: Shop, answers: npt.NDArray[np.int64], factor: Sums, draws: np.random.Generator) -> tuple[Sums, Sums]:
    """Return numerator and denominator of the metric by day and user, summed up to the day."""
    users = len(factor)
    if shop.metric == "click-through":
        chance = np.minimum(draws.beta(2, 2 / shop.click_rate - 2, users) * factor, 1)
        shown = SHOWN * answers
        return draws.binomial(shown, chance).cumsum(axis=0).astype(float), shown.cumsum(axis=0).astype(float)
    orders = draws.binomial(answers, np.minimum(draws.exponential(shop.buy_rate, users) * factor, 1))
    if shop.metric == "buyers":
        return (orders.cumsum(axis=0) > 0).astype(float), (answers.cumsum(axis=0) > 0).astype(float)
    spent = np.zeros(orders.shape)
    bought = np.nonzero(orders)
    spent[bought] = orders[bought] * draws.lognormal(3, shop.spread, len(bought[0]))
    spent *= draws.lognormal(0, shop.spread, users)
    return spent.cumsum(axis=0), answers.cumsum(axis=0).astype(float)


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
