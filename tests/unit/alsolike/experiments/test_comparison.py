"""Arms compared with the control: by hand, with SciPy, and over simulated shops."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, chisquare, nct, t, ttest_ind_from_stats

from alsolike.experiments.comparison import (
    ArmSample,
    Interval,
    chi_square_tail,
    compare,
    detectable_lift,
    lift_interval,
    sample,
    sample_ratio_p_value,
)

Counts = npt.NDArray[np.int64]


def of_share(successes: int, users: int) -> ArmSample:
    """Return the users of an arm of whom some have a 1 and all others a 0."""
    return sample([1.0] * successes + [0.0] * (users - successes), [1.0] * users)


def test_a_sample_by_hand() -> None:
    found = sample([1, 0, 2], [2, 1, 3])

    assert (found.users, found.eventful, found.mean_y, found.mean_x) == (3, 2, 1, 2)
    assert (found.var_y, found.var_x, found.cov_xy) == (1, 1, 1)
    assert found.ratio == 1 / 2
    assert found.variance == pytest.approx((1 - 2 * 0.5 * 1 + 0.25 * 1) / (3 * 2**2))


def test_nobody_and_nothing_to_divide_by_have_no_ratio() -> None:
    assert (sample([], []).ratio, sample([], []).variance) == (None, 0)
    assert (sample([1, 2], [0, 0]).ratio, sample([1, 2], [0, 0]).variance) == (None, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=2, max_size=30))
def test_a_ratio_with_ones_below_it_is_the_mean_and_its_variance(users: list[tuple[int, int]]) -> None:
    y = [float(each) for each, _ in users]

    found = sample(y, [1.0] * len(y))

    assert found.ratio == pytest.approx(np.mean(y))
    assert found.variance == pytest.approx(np.var(y, ddof=1) / len(y))


def test_the_variance_of_a_ratio_is_that_of_its_draws() -> None:
    draws = np.random.default_rng(5)
    shown = draws.poisson(3, (2_000, 400)) + 1
    rates = draws.beta(1, 4, shown.shape)
    clicked = draws.binomial(shown, rates)

    ratios = clicked.sum(axis=1) / shown.sum(axis=1)
    found = sample(clicked[0].tolist(), shown[0].tolist())

    assert found.variance == pytest.approx(ratios.var(), rel=0.15)


def test_a_single_look_is_welchs_test() -> None:
    arm, control = of_share(660, 6_000), of_share(560, 5_600)

    found = compare(arm, control, observed=1, planned=1)

    assert found is not None
    welch = ttest_ind_from_stats(
        0.11, math.sqrt(arm.var_y), 6_000, 0.1, math.sqrt(control.var_y), 5_600, equal_var=False
    )
    assert found.fixed_p_value == pytest.approx(welch.pvalue, rel=1e-3)  # t with 11,000 degrees of freedom
    assert found.lift == pytest.approx(0.1)
    assert found.p_value > found.fixed_p_value


def test_fiellers_interval_by_hand() -> None:
    # R_arm = 3, R_control = 2, both of variance 0.01; z = 2: 9 - 12 g + 4 g^2 <= 0.04 + 0.04 g^2.
    arm, control = (ArmSample(100, 100, mean, 1.0, 1.0, 0.0, 0.0) for mean in (3.0, 2.0))
    root = math.sqrt(6**2 - 3.96 * 8.96)

    assert lift_interval(arm, control, z=2) == Interval((6 - root) / 3.96 - 1, (6 + root) / 3.96 - 1)
    assert lift_interval(arm, control, z=20) == Interval(None, None)  # 2 is no further from 0 than 20 times 0.1


@given(st.integers(10, 400), st.integers(10, 400), st.integers(400, 900), st.floats(0.05, 20), st.integers(1, 4))
def test_the_interval_holds_zero_exactly_where_the_p_value_is_above_its_level(
    ours: int, theirs: int, users: int, observed: float, comparisons: int
) -> None:
    found = compare(of_share(ours, users), of_share(theirs, 500), observed=observed, planned=1, comparisons=comparisons)

    assert found is not None
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
def test_too_little_says_nothing(arm: tuple[int, int], control: tuple[int, int]) -> None:
    assert compare(of_share(*arm), of_share(*control), observed=1, planned=1) is None


def test_several_arms_are_compared_by_bonferroni() -> None:
    arm, control = of_share(130, 1_000), of_share(100, 1_000)
    one, of_three = (compare(arm, control, observed=1, planned=1, comparisons=count) for count in (1, 3))

    assert one is not None
    assert of_three is not None
    assert of_three.fixed_p_value == pytest.approx(3 * one.fixed_p_value)
    assert of_three.p_value == min(1.0, 3 * one.p_value)
    assert of_three.interval.low < one.interval.low  # type: ignore[operator]


@pytest.mark.parametrize("degrees", range(1, 12))
def test_the_chi_square_tail_is_scipys(degrees: int) -> None:
    for statistic in (1e-6, 0.3, 1, 5, 30, 200):
        assert chi_square_tail(statistic, degrees=degrees) == pytest.approx(chi2.sf(statistic, degrees), rel=1e-9)
    assert chi_square_tail(0, degrees=degrees) == 1


def test_a_sample_ratio_mismatch_is_scipys_chi_square() -> None:
    users, shares = [4_900, 5_200, 2_000], [0.4, 0.4, 0.2]
    total = sum(users)

    expected = chisquare(users, [share * total for share in shares]).pvalue

    assert sample_ratio_p_value(users, shares) == pytest.approx(expected, rel=1e-9)
    assert sample_ratio_p_value([0, 0], [0.5, 0.5]) == 1


def test_the_detectable_lift_is_found_with_that_power_by_the_noncentral_t() -> None:
    baseline, users = of_share(100, 1_000), 8_000

    lift = detectable_lift(baseline, share=0.5, control_share=0.5, users=users, looks=False)

    assert lift is not None
    error = math.sqrt(baseline.var_y * ((1 + lift) / 4_000 + 1 / 4_000))
    power = 1 - nct.cdf(t.isf(0.025, users - 2), users - 2, lift * 0.1 / error)
    assert power == pytest.approx(0.8, abs=1e-3)


def test_many_looks_need_a_larger_lift_in_the_ratio_of_their_bounds() -> None:
    baseline = of_share(100, 1_000)

    one, many = (
        detectable_lift(baseline, share=0.5, control_share=0.5, users=1e12, looks=looks) for looks in (False, True)
    )

    assert many == pytest.approx(one * (3.03545 + 0.84162) / (1.95996 + 0.84162), rel=1e-5)  # type: ignore[operator]


def test_nothing_is_detectable_without_a_baseline() -> None:
    for baseline in (sample([], []), of_share(0, 100), of_share(100, 100)):
        assert detectable_lift(baseline, share=0.5, control_share=0.5, users=1_000) is None


EXPERIMENTS, LOOKS, USERS = 1_000, 30, 200
ACTIVITY, RATE = 0.15, 0.2


def simulated(*, lift: float, seed: int) -> list[tuple[list[tuple[ArmSample, ArmSample]], list[int]]]:
    """Return of each experiment the control's and the arm's users, and the answers of both, at every look.

    A day is a look. Users come on some day, go on being shown things at a rate of their own, and click some of them
    with a chance of their own.
    """
    draws = np.random.default_rng(seed)
    shape = (EXPERIMENTS, 2, USERS)
    first_day = draws.integers(0, LOOKS, shape)
    activity = draws.gamma(2.0, ACTIVITY / 2, shape)
    chance = draws.beta(2, 2 / RATE - 2, shape) * np.array([1.0, 1 + lift])[None, :, None]
    shown, clicked = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    looks: list[tuple[list[tuple[ArmSample, ArmSample]], list[int]]] = [([], []) for _ in range(EXPERIMENTS)]
    for day in range(LOOKS):
        today = np.where(first_day <= day, draws.poisson(activity) + (first_day == day), 0)
        shown += today
        clicked += draws.binomial(today, np.minimum(chance, 1))
        samples = zip(*(samples_of(clicked[:, arm], shown[:, arm]) for arm in (0, 1)), strict=True)
        for (pairs, answers), pair, total in zip(looks, samples, shown.sum(axis=(1, 2)).tolist(), strict=True):
            pairs.append(pair)
            answers.append(total)
    return looks


def samples_of(y: Counts, x: Counts) -> list[ArmSample]:
    """Return `sample` of the users in each row who were shown anything, of all rows at once."""
    n = np.maximum((x > 0).sum(axis=1), 2)  # the first day may have no users yet
    y_, x_ = y.sum(axis=1) / n, x.sum(axis=1) / n
    squares = [((a * b).sum(axis=1) - n * a_ * b_) / (n - 1) for a, b, a_, b_ in
               ((y, y, y_, y_), (x, x, x_, x_), (y, x, y_, x_))]  # fmt: skip
    rows = zip(n, (y > 0).sum(axis=1), y_, x_, *squares, strict=True)
    return [ArmSample(*(column.item() for column in row)) for row in rows]


def test_the_samples_of_the_simulation_are_samples() -> None:
    y, x = np.array([[1, 0, 2, 0]]), np.array([[2, 1, 3, 0]])

    assert samples_of(y, x) == [sample([1, 0, 2], [2, 1, 3])]


PLANNED = round(2 * USERS * (1 + ACTIVITY * LOOKS / 2))


def found(lift: float, seed: int) -> tuple[int, int]:
    """Return how many experiments find a difference at any daily look, and how many do by the usual test."""
    ever, ever_by_usual = 0, 0
    for pairs, answers in simulated(lift=lift, seed=seed):
        results = [
            compare(arm, control, observed=observed, planned=PLANNED)
            for (control, arm), observed in zip(pairs, answers, strict=True)
        ]
        ever += any(result is not None and result.p_value <= 0.05 for result in results)
        ever_by_usual += any(result is not None and result.fixed_p_value <= 0.05 for result in results)
    return ever, ever_by_usual


def test_looking_every_day_finds_a_difference_that_is_not_there_in_five_of_a_hundred_at_most() -> None:
    ever, ever_by_usual = found(lift=0.0, seed=2)

    assert ever <= binom.isf(0.001, EXPERIMENTS, 0.05)  # more would happen once in a thousand times
    assert ever_by_usual > binom.isf(0.001, EXPERIMENTS, 0.05)  # the error rate of the fixed-sample test


def test_a_detectable_lift_is_detected() -> None:
    draws = np.random.default_rng(3)
    shown = draws.poisson(draws.gamma(2.0, ACTIVITY / 2, 100_000) * draws.integers(0, LOOKS, 100_000)) + 1
    baseline = samples_of(draws.binomial(shown, draws.beta(2, 2 / RATE - 2, len(shown)))[None], shown[None])[0]
    lift = detectable_lift(baseline, share=0.5, control_share=0.5, users=2 * USERS)

    assert lift is not None
    assert found(lift, seed=4)[0] >= binom.isf(0.999, EXPERIMENTS, 0.8)
