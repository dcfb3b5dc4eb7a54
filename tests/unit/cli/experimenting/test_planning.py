"""Smallest detectable lift with the shop's own traffic, before an experiment starts."""

import dataclasses

import pytest

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import metric_of
from alsolike.experiments.sequential_tests import detectable_lift, sample
from operations.experiments.planning import MAX_DAYS, NeededDays, lines, plan
from tests.builders.outcome_rows import Outcome, table

NOW_MS = 1_772_323_200_000 + DAY_MS // 2  # 2026-03-01T12:00:00Z
SPRING = Experiment("spring", "home", NOW_MS, None, (Arm("control", 0.5), Arm("new", 0.5)))


def planned(answers, *, days, experiment=SPRING, wanted=None):
    return plan(experiment, metric_of("buyers"), [table(answers)], days=days, requested_lift=wanted, now_ms=NOW_MS)


def regulars_and_new(days=4):
    """Return daily responses to ten regular users and to ten users who are new on that day.

    On each day, one regular user and one new user make a purchase.
    """
    return [
        Outcome(f"{kind}-{user}", NOW_MS - day * DAY_MS, purchases=int(user == 0))
        for day in range(1, days + 1)
        for kind in ("regular", f"new-{day}")
        for user in range(10)
    ]


def test_users_of_several_days_are_counted_once():
    one_day, two_days = (planned(regulars_and_new(), days=days) for days in (1, 2))

    assert (one_day.users, one_day.answers, one_day.value) == (20, 20, 2 / 20)
    assert (two_days.users, two_days.answers, two_days.value) == (30, 40, 3 / 30)
    assert two_days.baseline_days == 4
    two = sample([1.0] * 3 + [0.0] * 27, [1.0] * 30)
    assert two_days.detectable_lift == detectable_lift(two, share=0.5, control_share=0.5, users=30)
    assert two_days.detectable_lift_at_end == detectable_lift(two, share=0.5, control_share=0.5, users=30, looks=False)


def test_users_of_further_days_are_extrapolated():
    twelve_days = planned(regulars_and_new(), days=12)

    assert (twelve_days.users, twelve_days.answers) == (3 * 50, 3 * 80)
    four = sample([1.0] * 5 + [0.0] * 45, [1.0] * 50)
    assert twelve_days.detectable_lift == detectable_lift(four, share=0.5, control_share=0.5, users=150)


def test_plan_excludes_today_anonymous_users_and_other_recommenders():
    yesterday_ms = NOW_MS - DAY_MS
    other = [Outcome("anna", NOW_MS), Outcome(None, yesterday_ms), Outcome("bert", yesterday_ms, recommender="popular")]

    assert planned([*regulars_and_new(), *other], days=4) == planned(regulars_and_new(), days=4)


def test_plan_uses_the_smallest_arm_and_corrects_for_several_arms():
    arms = (Arm("control", 0.8), Arm("a", 0.1, model="v1"), Arm("b", 0.1, model="v2"))
    four = sample([1.0] * 5 + [0.0] * 45, [1.0] * 50)

    small = planned(regulars_and_new(), days=4, experiment=dataclasses.replace(SPRING, arms=arms))

    assert small.detectable_lift == detectable_lift(four, share=0.1, control_share=0.8, users=50, comparisons=2)


def test_days_for_a_lift_are_the_first_on_which_it_is_detectable():
    answers = regulars_and_new()
    half = planned(answers, days=4, wanted=0.5)

    (needed,) = [needed.days for needed in half.needed_days]
    before, then = (planned(answers, days=needed + more).detectable_lift for more in (-1, 0))
    assert then <= 0.5 < before
    assert lines(half)[-1] == f"a lift of 50.0% takes {needed} days"
    assert lines(planned(answers, days=4, wanted=0.001))[-1] == f"a lift of 0.1% takes more than {MAX_DAYS} days"


def test_days_for_three_lifts_are_reported_by_default():
    four_days = planned(regulars_and_new(), days=4)
    three = (NeededDays(0.05, None), NeededDays(0.1, 21), NeededDays(0.2, 1))

    assert [needed.lift for needed in four_days.needed_days] == [0.05, 0.1, 0.2]
    assert lines(dataclasses.replace(four_days, needed_days=three))[-1] == (
        f"a lift of 5.0% takes more than {MAX_DAYS} days, 10.0% takes 21 days, 20.0% takes 1 day"
    )


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "no response to a named user was attributed in the last 28 days. Attribution runs every hour, or now with "
             "`alsolike engagement --refresh`"),
        ([Outcome(f"{user}", NOW_MS - hour) for user in range(85) for hour in (0, 3_600_000)],
         "it needs one whole day (UTC) of responses to named users, and there are 170 of today only. Repeat the "
         "command tomorrow"),
        ([Outcome("anna", NOW_MS - DAY_MS)], "buyers counted nothing in the last 1 whole day"),
        ([Outcome("anna", NOW_MS - DAY_MS), Outcome("anna", NOW_MS - 2 * DAY_MS), Outcome("anna", NOW_MS)],
         "buyers counted nothing in the last 2 whole days"),
    ],
)  # fmt: skip
def test_plan_without_traffic_has_a_reason(answers, reason):
    unknown = planned(answers, days=14, wanted=0.1)

    assert unknown.detectable_lift is None
    assert [needed.days for needed in unknown.needed_days] in ([], [None])
    assert lines(unknown) == [f"the detectable lift is unknown: {reason}"]
