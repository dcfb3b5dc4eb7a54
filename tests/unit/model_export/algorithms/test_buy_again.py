import dataclasses
import math

import numpy as np
import pytest

from model_export.algorithms import buy_again
from model_export.algorithms.building_blocks import demand
from model_export.algorithms.buy_again import BuyAgain
from tests.unit.model_export.shops import bought, history, interactions

AGAIN = BuyAgain(again_power=1.0, demand_power=0.0)
DEMAND = BuyAgain(again_power=0.0, demand_power=1.0)


def factors(algorithm, data):
    return algorithm.fit(data).score(history(*range(1, data.items + 1)))[0, 1:]


def test_buy_again_sums_the_history_weights():
    model = BuyAgain().fit(interactions([[1, 2, 3]]))

    assert model.score(history(3, 1, 3, weights=[1, 2, 4])).tolist() == [[0, 2, 0, 1 + 4]]


def test_repeat_share_of_users_raises_the_item_factor():
    data = bought({0: [1], 90: [1]}, {0: [1]}, {0: [2], 90: [2]})

    mean = 2 / 3
    expected = [(1 + 10 * mean) / (2 + 10), (1 + 10 * mean) / (1 + 10)]
    np.testing.assert_allclose(factors(AGAIN, data), expected, rtol=1e-6)
    np.testing.assert_allclose(factors(dataclasses.replace(AGAIN, again_power=0.5), data), np.sqrt(expected), rtol=1e-6)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_demand_is_the_ratio_of_observed_to_expected_repeats(weight):
    # Item 4 is new to its user, so its expected number of repeats is 0.
    data = bought({0: [1, 2], 20: [1]}, {0: [1, 1, 1, 2], 20: [2, 2]}, {0: [3], 20: [3, 4]}, weight=weight)

    expected = [(1 + 10) / (1 / 2 + 3 / 4 + 10), (1 + 10) / (1 / 2 + 1 / 4 + 10), (1 + 10) / (1 + 10), 1]
    np.testing.assert_allclose(factors(DEMAND, data), expected, rtol=1e-6)
    np.testing.assert_allclose(
        factors(dataclasses.replace(DEMAND, demand_power=0.4), data), np.power(expected, 0.4), rtol=1e-6
    )


def test_expected_demand_decays_with_age():
    data = bought({0: [1], 120: [2], 200: [1]})

    own = [1 / 2, 1]  # On day 120, the age of item 1 is one half-life, and the age of item 2 is 0.
    expected = [(1 + 10) / (own[0] / sum(own) + 10), (0 + 10) / (own[1] / sum(own) + 10)]
    np.testing.assert_allclose(factors(DEMAND, data), expected, rtol=1e-6)


def test_demand_covers_only_the_last_days():
    data = bought({0: [1, 2], 92: [1], 100: [2]})

    # Day 92 precedes the last 7 days. Item 1 occurs twice before them, and is not bought again in them.
    early, late = 2 ** (-92 / 120), 1
    one, two = early + late, early
    expected = [10 / (one / (one + two) + 10), (1 + 10) / (two / (one + two) + 10)]
    np.testing.assert_allclose(factors(DEMAND, data), expected, rtol=1e-6)


def test_demand_in_user_batches_equals_demand_of_all_users(monkeypatch):
    rng = np.random.default_rng(5)
    users = [{int(day): rng.integers(1, 9, 3).tolist() for day in rng.integers(0, 100, 4)} for _ in range(20)]
    data = bought(*users, {99: [3]})  # The last user has no earlier purchases.
    together = factors(BuyAgain(), data)

    for module in (buy_again, demand):
        monkeypatch.setattr(module, "BATCH_INTERACTIONS", 30)

    np.testing.assert_allclose(factors(BuyAgain(), data), together, rtol=1e-6)


def test_repeat_factors_of_a_young_shop_use_its_later_half():
    week = bought({20_000: [1], 20_006: [1]}, {20_000: [2], 20_006: [1]})  # The days are counted from 1970.

    mean = 1 / 2
    np.testing.assert_allclose(factors(AGAIN, week), [(1 + 10 * mean) / 11, 10 * mean / 11], rtol=1e-6)
    np.testing.assert_allclose(factors(DEMAND, week), [1, 1], rtol=1e-6)


def test_ancient_interaction_does_not_lengthen_the_window_of_repeats():
    data = bought({20_000: [1], 20_006: [1]}, {20_000: [2], 20_006: [1]}, {0: [3]})

    mean = 1 / 3
    np.testing.assert_allclose(factors(AGAIN, data), [(1 + 10 * mean) / 11, 10 * mean / 11, 10 * mean / 11], rtol=1e-6)


def test_demand_without_repeats_is_1_for_all_items():
    assert factors(DEMAND, bought({0: [1, 2], 20: [3]})).tolist() == [1, 1, 1]


def test_history_half_life_does_not_change_item_factors():
    data = bought({0: [1], 120: [2], 200: [1]})

    assert np.array_equal(
        factors(BuyAgain(half_life_days=math.inf), data), factors(BuyAgain(half_life_days=30.0), data)
    )


def test_all_settings_of_the_grid_share_one_fit():
    assert len({settings.learning_settings() for settings in BuyAgain().param_grid()}) == 1


def test_parameter_grid_tries_repeat_factors_without_demand():
    tried = [each for each in BuyAgain().param_grid() if each.again_power and not each.demand_power]

    assert [(each.again_power, each.half_life_days) for each in tried] == [(0.5, 120.0), (0.25, 120.0)]
