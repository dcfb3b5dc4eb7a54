"""Coverage of the interval of incremental sales, in shops with users who also buy without recommendations.

`make slow WHAT=statistics ARGS="-s -k incremental"` prints the table of docs/incremental.md.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from operations.experiments.holdout_comparison import difference_of
from tests.builders.simulated_users import samples_of

SHOPS, DAYS = 300, 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """Shop with a holdout. Users arrive on some day, and then buy with individual rates and prices.

    `share` is the share of held-out users, `lift` the relative increase of orders by recommendations, and `rate` the
    mean orders per user and day without recommendations.
    """

    users: int = 10_000
    share: float = 0.02
    lift: float = 0.0
    rate: float = 0.02
    revenue: bool = False

    def drawn(self, draws):
        """Return whether each user is held out, and three arrays by day and user.

        The arrays are the cumulative orders or revenue, whether the user has arrived, and the true added amount.
        """
        held_out = draws.random(self.users) < self.share
        came = draws.integers(0, DAYS, self.users) <= np.arange(DAYS)[:, None]
        rate = draws.gamma(0.5, self.rate / 0.5, self.users)
        price = draws.lognormal(3, 1, self.users) if self.revenue else np.ones(self.users)
        orders = draws.poisson(came * rate * np.where(held_out, 1.0, 1 + self.lift))
        values = draws.gamma(np.where(orders, orders, 1.0), 1.0) * (orders > 0) if self.revenue else orders
        added = (came * rate * self.lift * price).cumsum(axis=0)
        return held_out, (values * price).cumsum(axis=0).astype(float), came.astype(float), added


def missed(shop, seed):
    """Return whether any day's interval misses the truth, and half of the last interval's width (None if no day has an
    interval)."""
    held_out, sums, came, added = shop.drawn(np.random.default_rng([45, seed]))
    own, other = (samples_of(sums[:, users], came[:, users]) for users in (~held_out, held_out))
    visits = (came.sum(axis=1) * 0.15).cumsum()
    any_missed, half = False, None
    for day in range(DAYS):
        found = difference_of(own[day], other[day], observed=visits[day], planned=visits[-1])
        if found is not None:
            truth = added[day].sum() / max(came[day].sum(), 1)
            any_missed |= not found[1] <= truth <= found[2]
            half = (found[2] - found[1]) / 2
    return any_missed, half


@pytest.mark.parametrize("revenue", [False, True], ids=["orders", "revenue"])
@pytest.mark.parametrize("lift", [0.0, 0.2])
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_incremental_interval_covers_the_truth_on_all_days(revenue, lift, share):
    shop = Shop(lift=lift, share=share, revenue=revenue)
    results = [missed(shop, seed) for seed in range(SHOPS)]

    covered = 1 - np.mean([wrong for wrong, _ in results])
    widths = [half for _, half in results if half is not None]
    metric_name = "revenue" if revenue else "orders"
    print(f"\n| {metric_name} | {share:.0%} | {lift:+.0%} | {covered:.1%} | ±{np.median(widths):.2g} |", end="")
    assert covered >= 0.95
