"""Statistics of a canary, compared with values computed by hand, and simulations of its decisions."""

import dataclasses
import math

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.experiments.sequential_tests import ALPHA, ArmSample, critical_z, detectable_fall
from functions.run_canary import evaluation
from functions.run_canary.evaluation import SMALL_FALL, TESTS, Tolerance, conclusion, detectable, judge
from functions.run_canary.responses import CAP_MS, GROUPS, Answers, Arm, Outcomes, arm_of
from tests.builders.simulated_canary import Behaviour, Canary

LIMITS = Tolerance(error_points=1.0, latency_share=0.5)
UNKNOWN = ArmSample(users=1_000, eventful=0, mean_y=0.0, mean_x=0.0, var_y=0.0, var_x=0.0, cov_xy=0.0)


def ratio(value, *, users=1_000, eventful=100, variance=0.0):
    """Return a sample of users with one response each, the metric `value` and the variance `variance`."""
    return ArmSample(users, eventful, mean_y=value, mean_x=1.0, var_y=variance, var_x=0.0, cov_xy=0.0)


ARM = Arm(1_000, 1_000, 1_000, errors=ratio(0.02), latency=ratio(20.0), clicks=ratio(0.1))


def judged(candidate=ARM, champion=ARM, *, share=0.5, planned=4_000, fraction=1.0):
    every = judge(candidate, champion, share=share, planned=planned, limits=LIMITS, fraction=fraction)
    return {test.name: test for test in every}


def bound(*, observed, planned):
    return critical_z(alpha=0.05 / 3, observed=observed, planned=planned, one_sided=True)


def arm(**changes):
    return dataclasses.replace(ARM, **changes)


@pytest.mark.parametrize(
    ("answers", "users", "ours", "theirs", "breached"),
    [
        (20, 5, 0.6, 0.0, True),
        (19, 5, 0.6, 0.0, False),
        (20, 4, 0.6, 0.0, False),
        (20, 5, 0.5, 0.0, False),
        (20, 5, 0.6, 0.29, True),
        (20, 5, 0.6, 0.3, False),  # The champion has half as many errors, so the version is not the cause.
    ],
)
def test_error_rate_above_half_with_enough_responses_fails_outright(answers, users, ours, theirs, breached):
    candidate = arm(answers=answers, users=users, errors=ratio(ours))

    assert judged(candidate, arm(errors=ratio(theirs)))["fails outright"].breached is breached


def test_unknown_error_rate_of_the_champion_counts_as_zero():
    failing, unknown = arm(errors=ratio(0.6)), arm(errors=UNKNOWN)

    assert judged(failing, unknown)["fails outright"].breached
    assert not judged(unknown, failing)["fails outright"].breached
    assert not judged(unknown, arm(errors=ratio(0.0)))["fails outright"].breached


@pytest.mark.parametrize(
    ("users", "breached"),
    # With an expected share of a fifth, 326 and 327 of 2,000 users have the always-valid p-values 0.00083 and 0.00105.
    [(326, True), (327, False), (400, False), (1_000, False)],
)
def test_users_missing_in_the_log_are_a_breach(users, breached):
    found = judged(arm(users=users), arm(users=2_000 - users), share=0.2)["missing users"]

    assert found.breached is breached
    assert found.sentence == f"{users:,} of 2,000 users in the log belong to the version, 20% expected"


@pytest.mark.parametrize(
    ("metric", "name", "ours", "theirs", "difference", "variance"),
    [
        # The candidate's variance applies, because it exceeds the champion's variance scaled to 400 users.
        ("errors", "error rate", (0.06, 0.04), (0.02, 0.0324), 0.06 - 0.02 - 1 / 100, 0.04 / 400 + 0.0324 / 1_600),
        # The champion's scaled variance applies, because it exceeds the candidate's variance.
        ("errors", "error rate", (0.06, 0.01), (0.02, 0.0324), 0.06 - 0.02 - 1 / 100, 0.0324 / 400 + 0.0324 / 1_600),
        ("latency", "latency", (40.0, 900.0), (20.0, 400.0), 40 - 1.5 * 20, 900 / 400 + 1.5**2 * 400 / 1_600),
        ("clicks", "click-through", (0.05, 0.04), (0.1, 0.09), 0.1 - 0.05, 0.09 / 400 + 0.09 / 1_600),
    ],
)
def test_z_is_the_difference_above_the_margin_over_its_error(metric, name, ours, theirs, difference, variance):
    candidate, champion = (
        arm(**{metric: ratio(value, users=users, variance=of_users)})
        for (value, of_users), users in ((ours, 400), (theirs, 1_600))
    )

    assert judged(candidate, champion)[name].z == pytest.approx(difference / math.sqrt(variance))


def test_fewer_than_ten_errors_have_z_zero():
    theirs = arm(errors=ratio(0.02, variance=0.01))

    assert judged(arm(errors=ratio(0.06, eventful=9)), theirs)["error rate"].z == 0.0
    assert (judged(arm(errors=ratio(0.06, eventful=10)), theirs)["error rate"].z or 0.0) > 1.0


def test_click_through_needs_ten_expected_clicking_users():
    """50 of the champion's 1,000 users clicked, so 10 of 200 users would click, and fewer than 10 of 199."""
    champion = arm(clicks=ratio(0.1, users=1_000, eventful=50, variance=0.09))
    enough, too_few = (arm(clicks=ratio(0.0, users=users, eventful=0)) for users in (200, 199))

    assert judged(enough, champion)["click-through"].z is not None
    assert judged(too_few, champion)["click-through"].z is None
    assert judged(enough, arm(clicks=ratio(0.0, users=0, eventful=0)))["click-through"].z is None


def test_fewer_than_100_users_are_not_compared():
    champion = arm(latency=ratio(20.0, variance=400.0))
    enough, too_few = (arm(latency=ratio(90.0, users=users, variance=400.0)) for users in (100, 99))

    assert judged(enough, champion)["latency"].breached
    test = judged(too_few, champion)["latency"]
    assert (test.z, test.critical_z, test.breached) == (None, None, False)
    sentence = "its answers take 90.0 ms, the champion's 20.0 ms; 50% more is allowed (too few responses to compare)"
    assert test.sentence == sentence


def test_unknown_metrics_are_not_compared():
    unknown, known = arm(latency=UNKNOWN, errors=UNKNOWN), ARM

    for candidate, champion in ((unknown, known), (known, unknown)):
        assert judged(candidate, champion)["latency"].z is None
    sentences = {name: test.sentence for name, test in judged(unknown, unknown).items()}
    assert "its answers take unknown, the champion's unknown;" in sentences["latency"]
    assert "unknown of its answers are errors, unknown of the champion's;" in sentences["error rate"]


@pytest.mark.parametrize(("latency_ms", "z"), [(30.0, 0.0), (31.0, math.inf), (29.0, -math.inf)])
def test_metrics_without_variance_have_z_zero_or_infinite(latency_ms, z):
    found = judged(arm(latency=ratio(latency_ms)), arm(latency=ratio(20.0)))["latency"]

    assert found.z == z
    assert found.breached is (z > 0)


def test_critical_value_uses_a_third_of_the_significance_level():
    candidate, champion = arm(answers=300, attributed=100), arm(answers=700, attributed=400)

    found = judged(candidate, champion, planned=4_000)
    sampled = judged(candidate, champion, planned=4_000, fraction=0.5)

    assert found["latency"].critical_z == pytest.approx(bound(observed=1_000, planned=4_000))
    assert found["click-through"].critical_z == pytest.approx(bound(observed=500, planned=4_000))
    assert sampled["latency"].critical_z == pytest.approx(bound(observed=1_000, planned=2_000))


def test_excluded_fall_is_the_fieller_bound_at_the_full_level():
    """Both arms have the ratio R = 0.1 with the variance V = 0.09 / 1,000.

    With w = z^2 V / R^2, 1 - fall is the lower root g of (1 - g)^2 = w (1 + g^2).
    """
    clicks = ratio(0.1, eventful=100, variance=0.09)
    z = critical_z(alpha=0.05, observed=2_000, planned=4_000, one_sided=True)
    w = z * z * 0.09 / 1_000 / 0.1**2
    root = math.sqrt(1 - (1 - w) ** 2)

    found = judged(arm(clicks=clicks), arm(clicks=clicks))["click-through"]

    assert found.excluded == pytest.approx(1 - (1 - root) / (1 - w))
    assert found.sentence.endswith(f"a fall of more than {found.excluded:.0%} is excluded")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ratio(0.1, variance=9.0), ratio(0.1, variance=9.0)),
        (ratio(0.1, variance=2.0), ratio(0.1)),  # The lower bound of the lift is -1.3.
        (ratio(0.0), ratio(0.1)),  # The lower bound of the lift is -1.
    ],
)
def test_excluded_fall_is_none_if_the_clicks_may_be_zero(ours, theirs):
    assert judged(arm(clicks=ours), arm(clicks=theirs))["click-through"].excluded is None


TOO_FEW = "too few clicks before the canary to detect a fall of click-through"


@pytest.mark.parametrize(
    ("users", "eventful", "expected"),
    [(1_000, 100, "a fall of click-through of 8% is found"), (999, 100, TOO_FEW), (1_000, 99, TOO_FEW)],
)
def test_fall_is_detectable_with_100_users_and_10_clickers_in_the_canary(users, eventful, expected):
    before = ratio(0.5, users=users, eventful=eventful, variance=0.01)

    assert detectable(before, share=0.1, duration_ms=DAY_MS).startswith(expected)


@pytest.mark.parametrize(("hours", "text"), [(2, "2 hours"), (47, "47 hours"), (48, "2 days"), (36_000, "1,500 days")])
def test_detectable_fall_message_has_hours_below_two_days(hours, text):
    before = ratio(0.5, variance=0.01)
    fall = detectable_fall(before, share=0.1, alpha=ALPHA / TESTS)
    assert fall is not None
    duration_ms = round(hours * DAY_MS / 24 / (fall / SMALL_FALL) ** 2)

    assert detectable(before, share=0.1, duration_ms=duration_ms).endswith(f" would take about {text}")


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
