"""Assignment of users to the arms of experiments."""

import collections
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from alsolike.configuration.experiments import NO_ARMS, Arm, Assignment, Experiment, assign, models_named

HALVES = (Arm("control", 0.5), Arm("new", 0.5, rules="spring"))
UNITS = [f"user-{number}" for number in range(20_000)]


def experiment(name="spring", arms=HALVES, **more):
    return Experiment(name, "home", 1_000, 2_000, arms, **more)


def test_assignment_of_known_users_is_stable():
    arms = [experiment().arm_of(unit).name for unit in ("anna", "bert", "carl", "dora", "émile", "42")]

    # First bytes of BLAKE2b with the key "spring": e2a7, 832f, d232, 7694, 3acb and 32e3. Hashes from 8000 on are in
    # the upper half.
    assert arms == ["new", "new", "new", "control", "control", "control"]


def test_arms_have_their_shares_of_users():
    arms = (Arm("a", 0.5), Arm("b", 0.3), Arm("c", 0.2))

    found = collections.Counter(experiment(arms=arms).arm_of(unit).name for unit in UNITS)

    assert chisquare([found[arm.name] for arm in arms], [10_000, 6_000, 4_000]).pvalue > 0.01


def test_arms_of_two_experiments_are_independent():
    names = ("spring", "sprint", "home", "home-2")
    found = {name: [experiment(name).arm_of(unit).name for unit in UNITS] for name in names}

    for one, other in itertools.combinations(names, 2):
        both = collections.Counter(zip(found[one], found[other], strict=True))
        table = [[both[row, column] for column in ("control", "new")] for row in ("control", "new")]
        assert chi2_contingency(table).pvalue > 0.001, (one, other)


@given(st.text(min_size=1, max_size=20), st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_each_user_is_in_one_arm_and_stays_when_another_arm_is_split(unit, weights):
    shares = [weight / sum(weights) for weight in weights]
    arms = tuple(Arm(str(number), share) for number, share in enumerate(shares))
    split = (*arms[:-1], Arm("x", arms[-1].share / 2), Arm("y", arms[-1].share / 2))

    before, after = experiment(arms=arms).arm_of(unit), experiment(arms=split).arm_of(unit)

    assert before in arms
    assert after.name == before.name or (before is arms[-1] and after.name in "xy")


def test_shares_with_a_sum_just_below_1_cover_all_users():
    tiny = (Arm("a", 1e-12), Arm("b", 1e-12))

    assert {experiment(arms=tiny).arm_of(unit).name for unit in UNITS[:100]} == {"b"}


def test_added_experiment_moves_no_user():
    first = experiment()
    alone = [assign([first], recommender="for-you", unit=unit, now_ms=1_500).arms for unit in UNITS[:200]]

    beside = [
        assign([experiment("other"), first], recommender="for-you", unit=unit, now_ms=1_500).arms
        for unit in UNITS[:200]
    ]

    assert [arms[-1:] for arms in beside] == alone
    assert {len(arms) for arms in beside} == {2}


@pytest.mark.parametrize(("now_ms", "runs"), [(999, False), (1_000, True), (1_999, True), (2_000, False)])
def test_experiment_runs_from_its_start_until_before_its_end(now_ms, runs):
    found = assign([experiment()], recommender="for-you", unit="anna", now_ms=now_ms)

    assert found == (Assignment(("spring/new",), rules="spring") if runs else NO_ARMS)


def test_experiment_without_an_end_continues():
    endless = Experiment("spring", "home", 1_000, None, HALVES)

    assert assign([endless], recommender="for-you", unit="anna", now_ms=10**15).arms == ("spring/new",)


@pytest.mark.parametrize(("recommender", "unit"), [("popular", "anna"), ("for-you", None)])
def test_other_recommenders_and_missing_users_are_in_no_experiment(recommender, unit):
    assert assign([experiment()], recommender=recommender, unit=unit, now_ms=1_500) == NO_ARMS


def test_settings_of_arms_of_several_experiments_are_combined():
    def only(name, arm):
        return experiment(name, (arm, Arm("never", 1e-12)))

    all_of_it = [
        only("one", Arm("a", 1 - 1e-12, rules="spring")),
        only("two", Arm("b", 1 - 1e-12, model="v2")),
        only("three", Arm("c", 1 - 1e-12, recommender="buy-again")),
    ]

    found = assign(all_of_it, recommender="for-you", unit="anna", now_ms=1_500)

    assert found == Assignment(("one/a", "two/b", "three/c"), "buy-again", "spring", "v2")


def test_model_versions_are_listed_while_their_experiment_runs():
    model_experiment = experiment(
        arms=(Arm("a", 0.4, model="v1"), Arm("b", 0.3, model="v2"), Arm("c", 0.3, model="v1"))
    )

    assert models_named([model_experiment, experiment("other")], now_ms=1_500) == ("v1", "v2")
    assert models_named([model_experiment], now_ms=2_000) == ()
