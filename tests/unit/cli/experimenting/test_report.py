"""Outcomes and plans of experiments, compared with values computed by hand."""

import dataclasses
import itertools
import random

import pyarrow as pa
import pytest

from alsolike.configuration.experiments import METRIC_NAMES, Arm, Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import METRICS, metric_of
from alsolike.experiments.report import control_of, report, sentence
from alsolike.experiments.sequential_tests import compare, detectable_lift, sample
from alsolike.lake.served import UNKNOWN
from operations.experiments.outcomes_by_user import ArmTally
from operations.experiments.planning import MAX_DAYS, NeededDays, lines, plan
from tests.builders.outcome_rows import Outcome, table

START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
NOW_MS = START_MS + 2 * DAY_MS
ARMS = (Arm("new", 0.5, rules="spring"), Arm("control", 0.5))
SPRING = Experiment("spring", "home", START_MS, None, ARMS, planned_answers=1_000)


def answer(shopper, arm="control", *, day=0, **more):
    return Outcome(shopper, START_MS + day * DAY_MS, (f"spring/{arm}",), **more)


def reported(answers, metric="click-through", experiment=SPRING):
    return reported_of([table(answers)], metric, experiment)


def reported_of(pieces, metric, experiment=SPRING, *, now_ms=NOW_MS):
    tally = ArmTally(experiment)
    for piece in pieces:
        tally.add(piece)
    return report(experiment, metric_of(metric), tally, now_ms=now_ms)


def values(report_):
    return {arm.name: arm.value for arm in report_.arms}


@pytest.mark.parametrize(
    ("metric", "control", "new"),
    [
        ("click-through", 2 / 12, 1 / 4),
        ("clicks", 3 / 3, 2 / 1),
        ("conversion", 1 / 3, 1 / 1),
        ("buyers", 1 / 2, 1 / 1),
        ("revenue", 5 / 3, 8 / 1),
        ("revenue-per-user", 5 / 2, 8 / 1),
    ],
)
def test_metrics_equal_values_computed_by_hand(metric, control, new):
    found = reported(
        [
            answer("anna", shown_clicks=1, clicks=2, purchases=2, revenue=5.0),
            answer("anna", day=1, degraded=True),
            answer("bert", shown_clicks=1, clicks=1),
            answer("carl", "new", shown_clicks=1, clicks=2, purchases=1, revenue=8.0),
        ],
        metric,
    )

    assert values(found) == {"new": pytest.approx(new), "control": pytest.approx(control)}
    assert [(arm.name, arm.users, arm.answers, arm.degraded_share) for arm in found.arms] == [
        ("new", 1, 1, 0.0),
        ("control", 2, 3, pytest.approx(1 / 3)),
    ]
    assert (found.control, found.days, found.of_days) == ("control", 2, 2)
    assert (found.verdict, found.winner) == ("too little", None)
    assert set(METRICS) == {"click-through", "clicks", "conversion", "buyers", "revenue", "revenue-per-user"}


def test_metric_names_of_the_configuration_equal_the_metrics():
    assert tuple(METRICS) == METRIC_NAMES


def test_outcomes_outside_the_experiment_are_counted_as_excluded():
    ended = dataclasses.replace(SPRING, end_ms=START_MS + DAY_MS)
    found = reported(
        [
            answer("anna", shown_clicks=1),
            dataclasses.replace(answer("anna", shown_clicks=4), served_ms=START_MS - 1),
            answer("anna", day=1, shown_clicks=4),  # The end is exclusive.
            dataclasses.replace(answer("bert", shown_clicks=4), recommender="popular"),
            dataclasses.replace(answer("bert", shown_clicks=4), arms=()),
            dataclasses.replace(answer("bert", shown_clicks=4), arms=("springtime/control", "other/new")),
            answer("carl", "newer", shown_clicks=4),
            answer("dora", "control"),
            answer("dora", "new", shown_clicks=4),
            answer(None, shown_clicks=4),
            answer(UNKNOWN, shown_clicks=4),
            dataclasses.replace(answer("emil", "new"), arms=("other/control", "spring/new")),
        ],
        experiment=ended,
    )

    assert values(found) == {"new": 0.0, "control": 1 / 4}
    assert [arm.users for arm in found.arms] == [1, 1]
    assert found.excluded.unassigned == 2
    assert found.excluded.unknown_arms == {"newer": 1}
    assert (found.excluded.nameless, found.excluded.users_in_two_arms) == (2, 1)
    assert found.of_days == 1


def many(arm, users, clickers, *, answers=2):
    return [
        answer(f"{arm}-{number}", arm, shown_clicks=int(number < clickers and each == 0))
        for number in range(users)
        for each in range(answers)
    ]


def clicks(clickers, *, of):
    return sample([1.0] * clickers + [0.0] * (of - clickers), [8.0] * of)


def test_lift_is_that_of_the_sums_of_users():
    found = reported([*many("new", 400, 120), *many("control", 410, 60)])

    expected = compare(clicks(120, of=400), clicks(60, of=410), observed=1_620, planned=1_000)
    lifts = {arm.name: arm.lift for arm in found.arms}
    assert lifts == {"control": None, "new": expected}
    assert (found.verdict, found.winner) == ("better", "new")
    assert sentence(found).startswith("new is better than control: +105.0% click-through (p = ")


def test_several_arms_have_shares_of_the_plan_and_a_correction():
    arms = (Arm("control", 0.5), Arm("a", 0.25, model="v1"), Arm("b", 0.25, model="v2"))
    rows = [*many("control", 400, 60), *many("a", 200, 60), *many("b", 200, 30)]

    found = reported(rows, experiment=dataclasses.replace(SPRING, arms=arms))

    expected = compare(clicks(60, of=200), clicks(60, of=400), observed=1_200, planned=750, comparisons=2)
    assert found.arms[1].lift == expected
    assert (found.verdict, found.winner) == ("better", "a")


def test_order_and_chunks_of_outcomes_do_not_change_the_report():
    rows = [*many("new", 120, 30), *many("control", 130, 20), answer("control-3", "new"), answer("x", "newer")]
    random.Random(1).shuffle(rows)
    pieces = [table(rows[start : start + 37]) for start in range(0, len(rows), 37)]

    assert reported_of(pieces, "clicks") == reported(rows, "clicks")


@pytest.mark.parametrize(
    ("new", "control", "verdict", "message"),
    [
        ((400, 60), (400, 120), "worse", "worse than control: new (-50.0%)"),
        ((400, 62), (400, 60), "no difference", "no difference was found"),
        ((400, 200), (600, 60), "mismatch", "sample ratio mismatch (p = "),
    ],
)
def test_worse_equal_or_wrongly_sized_arm_is_not_a_winner(new, control, verdict, message):
    found = reported([*many("new", *new), *many("control", *control)])

    assert (found.verdict, found.winner, found.sample_ratio_p_value < 0.001) == (verdict, None, verdict == "mismatch")
    assert message in sentence(found)


def test_empty_outcomes_give_too_little():
    empty = reported_of([], "clicks")
    without_experiment = reported_of([table([]), pa.Table.from_batches([], table([]).schema)], "clicks", now_ms=1)

    for found in (empty, without_experiment):
        assert (found.verdict, found.sample_ratio_p_value) == ("too little", 1.0)
        assert values(found) == {"new": None, "control": None}
        assert "each arm needs 100 users, 10 of them with events that count for clicks" in sentence(found)


def test_control_is_the_arm_without_changes_or_else_the_first():
    plain, rules, model = Arm("b", 0.5), Arm("a", 0.5, rules="spring"), Arm("c", 0.5, model="v1")

    assert control_of(dataclasses.replace(SPRING, arms=(rules, plain))) is plain
    assert control_of(dataclasses.replace(SPRING, arms=(rules, model))) is rules


def test_lift_is_adjusted_for_the_days_before_the_start():
    """Buyers before the start buy again. The arms have different shares of these buyers, which is not an effect."""
    answers = [
        answer(f"{arm}-{number}", arm, purchases=int(number < buyers), revenue=(9.0 + number % 3) * (number < buyers))
        for arm, buyers in (("new", 120), ("control", 80))
        for number in range(400)
    ]
    before = [
        dataclasses.replace(row, arms=(), served_ms=START_MS - days * DAY_MS, revenue=10.0 * row.purchases)
        for row, days in itertools.product(answers, (1, 28))
    ]
    too_early = [dataclasses.replace(row, served_ms=START_MS - 29 * DAY_MS, revenue=99.0) for row in before]
    plain, adjusted = ArmTally(SPRING), ArmTally(SPRING)
    for tally in (plain, adjusted):
        tally.add(table(answers))
    adjusted.add_before(table([*before, *too_early]))

    metric = metric_of("revenue-per-user")
    found = [report(SPRING, metric, tally, now_ms=NOW_MS) for tally in (plain, adjusted)]

    assert [values(each) for each in found] == [{"new": pytest.approx(3), "control": pytest.approx(2, abs=0.01)}] * 2
    lifts = [arm.lift.lift for each in found for arm in each.arms if arm.lift is not None]
    assert lifts == pytest.approx([0.5, 0.0], abs=0.01)


PLANNED_MS = START_MS + DAY_MS // 2  # 2026-03-01T12:00:00Z
PLANNED_SPRING = Experiment("spring", "home", PLANNED_MS, None, (Arm("control", 0.5), Arm("new", 0.5)))


def planned(answers, *, days, experiment=PLANNED_SPRING, wanted=None):
    return plan(experiment, metric_of("buyers"), [table(answers)], days=days, requested_lift=wanted, now_ms=PLANNED_MS)


def regulars_and_new(days=4):
    """Return daily responses to ten regular users and to ten users who are new on that day.

    On each day, one regular user and one new user make a purchase.
    """
    return [
        Outcome(f"{kind}-{user}", PLANNED_MS - day * DAY_MS, purchases=int(user == 0))
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
    yesterday_ms = PLANNED_MS - DAY_MS
    other = [
        Outcome("anna", PLANNED_MS),
        Outcome(None, yesterday_ms),
        Outcome("bert", yesterday_ms, recommender="popular"),
    ]

    assert planned([*regulars_and_new(), *other], days=4) == planned(regulars_and_new(), days=4)


def test_plan_uses_the_smallest_arm_and_corrects_for_several_arms():
    arms = (Arm("control", 0.8), Arm("a", 0.1, model="v1"), Arm("b", 0.1, model="v2"))
    four = sample([1.0] * 5 + [0.0] * 45, [1.0] * 50)

    small = planned(regulars_and_new(), days=4, experiment=dataclasses.replace(PLANNED_SPRING, arms=arms))

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
        ([Outcome(f"{user}", PLANNED_MS - hour) for user in range(85) for hour in (0, 3_600_000)],
         "it needs one whole day (UTC) of responses to named users, and there are 170 of today only. Repeat the "
         "command tomorrow"),
        ([Outcome("anna", PLANNED_MS - DAY_MS)], "buyers counted nothing in the last 1 whole day"),
        ([Outcome("anna", PLANNED_MS - DAY_MS), Outcome("anna", PLANNED_MS - 2 * DAY_MS), Outcome("anna", PLANNED_MS)],
         "buyers counted nothing in the last 2 whole days"),
    ],
)  # fmt: skip
def test_plan_without_traffic_has_a_reason(answers, reason):
    unknown = planned(answers, days=14, wanted=0.1)

    assert unknown.detectable_lift is None
    assert [needed.days for needed in unknown.needed_days] in ([], [None])
    assert lines(unknown) == [f"the detectable lift is unknown: {reason}"]
