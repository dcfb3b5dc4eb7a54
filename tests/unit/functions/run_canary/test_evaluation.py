"""Simulations of canary decisions: rollbacks of equal versions, and the time until a worse version is rolled back."""

import numpy as np
import pytest

from functions.run_canary import evaluation
from functions.run_canary.evaluation import Tolerance, conclusion
from functions.run_canary.responses import CAP_MS, GROUPS, Answers, Outcomes, arm_of
from tests.builders.simulated_canary import Behaviour, Canary

NO_TOLERANCE = Tolerance(error_points=0.0, latency_share=0.0)


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
