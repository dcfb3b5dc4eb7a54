"""Comparison of arms with the control: computed by hand, with SciPy, and in simulated shops."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, nct, t, ttest_ind_from_stats

from alsolike.experiments.sequential_tests import (
    ArmSample,
    Interval,
    compare,
    detectable_lift,
    lift_interval,
    sample,
    sample_ratio_p_value,
    variances,
)
from tests.builders.simulated_users import Shop, looks_of, samples_of


def arm_with_successes(successes, users):
    return sample([1.0] * successes + [0.0] * (users - successes), [1.0] * users)


def test_sample_has_the_moments_computed_by_hand():
    found = sample([1, 0, 2], [2, 1, 3])

    assert (found.users, found.eventful, found.mean_y, found.mean_x) == (3, 2, 1, 2)
    assert (found.var_y, found.var_x, found.cov_xy) == (1, 1, 1)
    assert found.ratio == 1 / 2
    assert found.variance == pytest.approx((1 - 2 * 0.5 * 1 + 0.25 * 1) / (3 * 2**2))


def test_sample_without_users_or_denominator_has_no_ratio():
    assert (sample([], []).ratio, sample([], []).variance) == (None, 0)
    assert (sample([1, 2], [0, 0]).ratio, sample([1, 2], [0, 0]).variance) == (None, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=2, max_size=30))
def test_ratio_with_denominator_1_is_the_mean(users):
    y = [float(each) for each, _ in users]

    found = sample(y, [1.0] * len(y))

    assert found.ratio == pytest.approx(np.mean(y))
    assert found.variance == pytest.approx(np.var(y, ddof=1) / len(y))


def test_single_comparison_of_equal_arms_equals_welchs_t_test():
    arm, control = arm_with_successes(660, 6_000), arm_with_successes(600, 6_000)

    found = compare(arm, control, observed=1, planned=1)

    assert found is not None
    welch = ttest_ind_from_stats(
        0.11, math.sqrt(arm.var_y), 6_000, 0.1, math.sqrt(control.var_y), 6_000, equal_var=False
    )
    # SciPy uses the t distribution. With about 12,000 degrees of freedom, it is close to the normal distribution.
    assert found.fixed_p_value == pytest.approx(welch.pvalue, rel=1e-3)
    assert found.lift == pytest.approx(0.1)
    assert found.p_value > found.fixed_p_value


def test_fieller_interval_equals_values_computed_by_hand():
    # R_arm = 3 and R_control = 2 have a variance of 0.01. For z = 2, the interval solves 9 - 12 g + 4 g^2 <= 0.04 +
    # 0.04 g^2.
    arm, control = (ArmSample(100, 100, mean, 1.0, 1.0, 0.0, 0.0) for mean in (3.0, 2.0))
    root = math.sqrt(6**2 - 3.96 * 8.96)

    assert lift_interval(arm, control, z=2) == Interval((6 - root) / 3.96 - 1, (6 + root) / 3.96 - 1)
    # R_control = 2 is not further from 0 than 20 standard errors of 0.1.
    assert lift_interval(arm, control, z=20) == Interval(None, None)


@given(st.integers(10, 400), st.integers(10, 400), st.integers(400, 900), st.floats(0.05, 20), st.integers(1, 4))
def test_interval_contains_zero_exactly_if_the_p_value_is_above_alpha(ours, theirs, users, observed, comparisons):
    found = compare(
        arm_with_successes(ours, users),
        arm_with_successes(theirs, 500),
        observed=observed,
        planned=1,
        comparisons=comparisons,
    )

    for interval, p_value in (
        (found.interval, found.p_value),
        (found.fixed_interval, found.fixed_p_value),
    ):
        if interval.low is not None and interval.high is not None:
            assert (interval.low <= 0 <= interval.high) == (p_value >= 0.05)
            assert interval.low <= found.lift <= interval.high


@pytest.mark.parametrize(
    ("arm", "control"),
    [((20, 99), (20, 200)), ((20, 200), (9, 200)), ((0, 200), (20, 200)), ((200, 200), (200, 200))],
)
def test_comparison_with_too_few_users_or_events_is_none(arm, control):
    assert compare(arm_with_successes(*arm), arm_with_successes(*control), observed=1, planned=1) is None


def test_several_arms_are_adjusted_by_bonferroni():
    arm, control = arm_with_successes(130, 1_000), arm_with_successes(100, 1_000)
    one, three = (compare(arm, control, observed=1, planned=1, comparisons=count) for count in (1, 3))

    assert three.fixed_p_value == pytest.approx(3 * one.fixed_p_value)
    assert three.p_value == min(1.0, 3 * one.p_value)
    assert three.interval.low < one.interval.low  # type: ignore[operator]


def test_sample_ratio_p_value_is_the_inverse_of_the_beta_mixture_ratio():
    mean = beta(20, 80).expect(lambda share: share**12 * (1 - share) ** 28)

    found = sample_ratio_p_value([12, 28], [0.2, 0.8])

    assert found == pytest.approx(min(1.0, 0.2**12 * 0.8**28 / mean), rel=1e-6)


@pytest.mark.parametrize(
    ("users", "shares", "mismatch"),
    [
        ([4_980, 5_020], [0.5, 0.5], False),
        ([4_700, 5_300], [0.5, 0.5], True),
        ([100, 1_900], [0.1, 0.9], True),
        ([400, 410, 190], [0.4, 0.4, 0.2], False),
        ([400, 280, 190], [0.4, 0.4, 0.2], True),
        ([40, 40, 20], [2, 2, 1], False),
        ([0, 0], [0.5, 0.5], False),
    ],
)
def test_sample_ratio_p_value_detects_a_mismatch(users, shares, mismatch):
    assert (sample_ratio_p_value(users, shares) < 0.01) is mismatch


def test_repeated_sample_ratio_checks_keep_their_level():
    draws = np.random.default_rng(8)
    counts = draws.multinomial(200, [0.1, 0.9], (500, 60)).cumsum(axis=1).tolist()

    alarms = sum(any(sample_ratio_p_value(look, [0.1, 0.9]) < 0.01 for look in looks) for looks in counts)

    assert alarms <= 5


def test_detectable_lift_has_the_power_of_the_noncentral_t():
    baseline, users = arm_with_successes(100, 1_000), 8_000

    lift = detectable_lift(baseline, share=0.5, control_share=0.5, users=users, looks=False)

    assert lift is not None
    error = math.sqrt(baseline.var_y * ((1 + lift) / 4_000 + 1 / 4_000))
    power = 1 - nct.cdf(t.isf(0.025, users - 2), users - 2, lift * 0.1 / error)
    assert power == pytest.approx(0.8, abs=1e-3)


def test_detectable_lift_of_repeated_checks_scales_with_their_bound():
    baseline = arm_with_successes(100, 1_000)

    one, many = (
        detectable_lift(baseline, share=0.5, control_share=0.5, users=1e12, looks=looks) for looks in (False, True)
    )

    assert many == pytest.approx(one * (2.75499 + 0.84162) / (1.95996 + 0.84162), rel=1e-5)  # type: ignore[operator]


def test_lift_without_a_baseline_is_not_detectable():
    for baseline in (sample([], []), arm_with_successes(0, 100), arm_with_successes(100, 100)):
        assert detectable_lift(baseline, share=0.5, control_share=0.5, users=1_000) is None


def test_variance_of_the_smaller_arm_is_at_least_the_pooled_one():
    """The variances are 1 and 4 for 100 and 300 users, so the pooled variance is (100 * 1 + 300 * 4) / 400 = 3.25."""
    small, large = (ArmSample(users, 50, 1.0, 1.0, spread, 0.0, 0.0) for users, spread in ((100, 1.0), (300, 4.0)))
    other_way = [dataclasses.replace(small, var_y=4.0), dataclasses.replace(large, var_y=1.0)]

    assert variances(small, large) == pytest.approx((3.25 / 100, 4 / 300))
    assert variances(large, small) == pytest.approx((4 / 300, 3.25 / 100))
    assert variances(*other_way) == pytest.approx((4 / 100, 1 / 300))
    assert variances(small, dataclasses.replace(large, users=100)) == pytest.approx((1 / 100, 4 / 100))


def test_simulated_samples_equal_plain_samples():
    y, x = np.array([[1.0, 0, 2, 0]]), np.array([[2.0, 1, 3, 0]])

    assert samples_of(y, x) == [sample([1, 0, 2], [2, 1, 3])]


def findings(shop, *, experiments, seed):
    ever = 0
    for number in range(experiments):
        results = [
            compare(look.arm, look.control, observed=look.observed, planned=shop.planned)
            for look in looks_of(shop, np.random.default_rng([seed, number]))
        ]
        ever += any(result is not None and result.p_value <= 0.05 for result in results)
    return ever


@pytest.mark.parametrize("shop", [
    Shop(metric="click-through", users=400, looks=30, click_rate=0.2),
    Shop(metric="revenue", users=2_000, looks=20, share=0.1, buy_rate=0.06),
    Shop(metric="revenue", users=4_000, looks=20, share=0.05, buy_rate=0.06),
])  # fmt: skip
def test_daily_checks_of_equal_arms_keep_their_level(shop):
    assert findings(shop, experiments=100, seed=2) <= binom.isf(0.001, 100, 0.05)  # The bound is 13.


def test_detectable_lift_is_detected_with_its_power():
    shop = Shop(metric="click-through", users=400, looks=30, click_rate=0.2)
    before = looks_of(dataclasses.replace(shop, users=40_000), np.random.default_rng(3))[-1].control
    lift = detectable_lift(before, share=0.5, control_share=0.5, users=shop.users)

    assert lift is not None
    assert findings(dataclasses.replace(shop, lift=lift), experiments=100, seed=4) >= binom.isf(0.999, 100, 0.8)
