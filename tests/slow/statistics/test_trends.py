"""Trending items of shops with constant demand, and of a shop with rising demand for one item.

`make slow WHAT=statistics ARGS="-s -k trends"` prints the tables of docs/trending.md.
"""

import numpy as np
import pytest

from alsolike.trends.counters import Trends
from alsolike.trends.windows import WINDOWS
from tests.builders.simulated_trends import StationaryShop

RUNS, LOOKS, WARM_UP_H, APART_H = 5, 20, 14 * 24, 12
MIXED = (1.0,) * 17 + (3.0,) * 2 + (5.0,)


def listed(shop, *, looks=LOOKS):
    found: dict[str, list[list[str]]] = {window: [] for window in WINDOWS}
    for run in range(RUNS):
        draws = np.random.default_rng([49, run])
        for counts in shop.hours(draws, warm_up=WARM_UP_H, looks=looks, apart=APART_H):
            trends = Trends([counts])
            for window, lists in found.items():
                lists.append([item for item, _ in trends.best(window, now_ms=counts.as_of_ms)])
    return found


@pytest.mark.parametrize("shop", [
    StationaryShop(),
    StationaryShop(weights=MIXED),
    StationaryShop(per_visit=2),
    StationaryShop(items=2_000, visits=200),
    StationaryShop(items=100, visits=20, weights=MIXED, per_visit=2),
])  # fmt: skip
def test_trends_of_a_stationary_shop_are_rarely_listed(shop):
    shares = {window: np.mean([not each for each in lists]) for window, lists in listed(shop).items()}

    printed = " | ".join(f"{share:.0%}" for share in shares.values())
    mixed = "1, 3, 5" if len(shop.weights) > 1 else "1"
    print(f"\n| {shop.items:,} | {shop.visits:,} | {shop.per_visit:g} | {mixed} | {printed} |", end="")
    assert min(shares.values()) >= 0.95


@pytest.mark.parametrize("rising", [2.0, 3.0, 5.0])
def test_trends_list_a_rising_item(rising):
    shares = {
        window: np.mean(["i9" in each for each in lists])
        for window, lists in listed(StationaryShop(rising=rising)).items()
    }

    print(f"\n| {rising:g} | {' | '.join(f'{share:.0%}' for share in shares.values())} |", end="")
    assert shares["1h"] >= {2: 0, 3: 0.85, 5: 1}[int(rising)]
