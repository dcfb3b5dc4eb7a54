"""Simulations of canary decisions: rollbacks of equal versions, and the time until a worse version is rolled back."""

import dataclasses

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.experiments.sequential_tests import ALPHA, critical_z, detectable_fall
from functions.run_canary import evaluation
from functions.run_canary.arm_metrics import CAP_MS, GROUPS, Answers, Outcomes, arm_of
from functions.run_canary.evaluation import SMALL_FALL, TESTS, Tolerance, conclusion, detectable, judge
from tests.builders.simulated_canary import LIMITS, Behaviour, Canary, arm, history

NO_TOLERANCE = Tolerance(error_points=0.0, latency_share=0.0)
SHARE = 0.2


def bound(**counts):
    return critical_z(alpha=ALPHA / 3, one_sided=True, **counts)


def test_equal_version_is_rarely_rolled_back_over_many_checks():
    """Without tolerances, the false positive rate reaches the level of the tests.

    `tests/slow/statistics` has more runs.
    """
    rng = np.random.default_rng(7)
    runs = 20

    false = sum(Canary(limits=NO_TOLERANCE, looks=12).first_breach(rng) is not None for _ in range(runs))

    assert false <= 4  # At a level of exactly 5%, more than 4 of 20 have a probability of 1/400.


@pytest.mark.parametrize(
    ("worse", "what", "within"),
    [
        (Behaviour(error_rate=0.06), "error rate", 16),
        (Behaviour(latency_ms=60.0), "latency", 6),
        (Behaviour(click_rate=0.02), "click-through", 16),
        (Behaviour(error_rate=0.9), "fails outright", 1),
    ],
)
def test_much_worse_version_is_rolled_back_soon(worse, what, within):
    rng = np.random.default_rng(11)

    found = [Canary(candidate=worse).first_breach(rng) for _ in range(10)]

    assert [breach[0] if breach else None for breach in found].count(what) >= 9
    assert np.median([breach[1] if breach else 24 for breach in found]) <= within


def test_tolerated_degradation_is_rarely_rolled_back():
    rng = np.random.default_rng(13)
    tolerated = Behaviour(error_rate=0.03, latency_ms=29.0)

    false = sum(Canary(candidate=tolerated).first_breach(rng) is not None for _ in range(15))

    assert false <= 2


def test_arm_metrics_equal_values_computed_by_hand():
    users = np.array([1, 1, 2, 3], np.uint64)
    counts = np.bincount([1, 1, 2, 3], minlength=GROUPS).astype(float)
    outcomes = Outcomes(counts, 10 * counts, counts, 2 * counts)
    answers = Answers(users, np.array([True, False, False, False]), np.array([10, 30, np.nan, 5_000], np.float32))

    shown, answered = (arm_of(answers, outcomes, by_impressions=by) for by in (True, False))

    assert (shown.answers, shown.users, shown.attributed) == (4, 3, 4)
    assert shown.errors.ratio == pytest.approx(1 / 4)
    assert shown.latency.ratio == pytest.approx((10 + 30 + CAP_MS) / 3)
    assert [shown.clicks.ratio, answered.clicks.ratio] == pytest.approx([1 / 10, 2 / 1])


def test_click_bound_uses_responses_with_known_clicks():
    """Attribution runs an hour late. The bound for clicks uses the number of responses with known clicks."""
    rng = np.random.default_rng(17)
    ours, theirs = (history(rng, users, Behaviour(), first_user=first) for users, first in ((500, 0), (2_000, 500)))
    late = [
        dataclasses.replace(arm(columns, 1.0), clicks=known.clicks, attributed=known.attributed)
        for columns in (ours, theirs)
        for known in (arm(columns, 0.25),)
    ]

    *_, clicks = judge(*late, share=SHARE, planned=10_000, limits=LIMITS, fraction=1.0)

    assert clicks.critical_z == pytest.approx(bound(observed=2_500, planned=10_000))


def test_sampled_responses_have_their_own_information_fraction():
    rng = np.random.default_rng(19)
    ours, theirs = (arm(history(rng, users, Behaviour(), first_user=users), 0.5) for users in (500, 2_000))

    tests = {test.name: test for test in judge(ours, theirs, share=SHARE, planned=10_000, limits=LIMITS, fraction=0.5)}

    assert tests["latency"].critical_z == pytest.approx(bound(observed=5_000, planned=5_000))


def test_detectable_fall_is_found_with_its_power():
    rng = np.random.default_rng(29)
    before = arm(history(rng, 20_000, Behaviour(), first_user=0), 1.0).clicks
    fall = detectable_fall(before, share=SHARE, alpha=ALPHA / TESTS)

    assert fall is not None
    worse = Behaviour(click_rate=0.05 * (1 - fall))
    found = [Canary(users=20_000, looks=2, candidate=worse).first_breach(rng) for _ in range(10)]
    assert sum(breach is not None for breach in found) >= 5  # Fewer have a probability of 1/150.


def test_detectable_fall_message_has_fall_and_duration():
    before = arm(history(np.random.default_rng(31), 4_000, Behaviour(), first_user=0), 1.0).clicks
    fall = detectable_fall(before, share=0.1, alpha=ALPHA / TESTS)

    message = detectable(before, share=0.1, duration_ms=DAY_MS)

    assert fall is not None
    assert message == (
        f"a fall of click-through of {fall:.0%} is found with a chance of 80%; "
        f"one of 10% would take about {(fall / SMALL_FALL) ** 2:,.0f} days"
    )


def test_too_few_clicks_detect_no_fall():
    before = arm(history(np.random.default_rng(31), 900, Behaviour(), first_user=0), 1.0).clicks

    assert detectable(before, share=0.1, duration_ms=DAY_MS) == (
        "too few clicks before the canary to detect a fall of click-through"
    )


@pytest.mark.parametrize(
    ("excluded", "message"),
    [
        (0.08, "passed its canary: a fall of click-through of more than 8% is excluded"),
        (0.1, "passed its canary: a fall of click-through of more than 10% is excluded"),
        (0.34, "no evidence of harm above 34%: smaller falls of click-through are not excluded"),
        (None, "the canary has no evidence about click-through: too few responses"),
    ],
)
def test_conclusion_is_passed_only_if_large_falls_are_excluded(excluded, message):
    latency = evaluation.Test("latency", "", 0.0, 2.9, False)
    clicks = evaluation.Test("click-through", "", 0.0, 2.9, False, excluded=excluded)

    assert conclusion((latency, clicks)) == message
