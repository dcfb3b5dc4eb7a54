"""Experiments with their current reports."""

import dataclasses

import pytest

from alsolike.configuration_document.times import time_text
from alsolike.declarations.times import DAY_MS
from functions.observe import experiments
from tests.builders.lambda_events import NOW_MS
from tests.builders.outcome_rows import Outcome, store

START_MS = NOW_MS - 3 * DAY_MS
HALVES = {"new": {"share": 0.5, "rules": "spring"}, "control": {"share": 0.5}}
RECOMMENDERS = {"later": "popular", "winter": "popular"}
RULES = {"spring": {"pins": [{"item": "pear", "position": 1}]}}


@pytest.fixture
def state(configure):
    """Return a function that applies experiments by name, given as first day and end, relative to the current day."""

    def apply(**stated):
        experiments = {
            name: {
                "layer": name,
                "on": [RECOMMENDERS.get(name, "for-you")],
                "start": time_text(NOW_MS + first * DAY_MS),
                "end": None if last is None else time_text(NOW_MS + last * DAY_MS),
                "arms": HALVES,
            }
            for name, (first, last) in stated.items()
        }
        configure({"rules": RULES, "experiments": experiments})

    return apply


def many(experiment="spring"):
    """Return responses with 4 shown items to 300 users per arm.

    30 users of the control and 90 of the new arm clicked.
    """
    return [
        Outcome(
            f"{arm}-{number}",
            START_MS + number,
            (f"{experiment}/{arm}",),
            RECOMMENDERS.get(experiment, "for-you"),
            shown_clicks=int(number < clicks),
        )
        for arm, clicks in (("control", 30), ("new", 90))
        for number in range(300)
    ]


def test_experiment_is_reported_by_its_own_metric(observe, configure):
    stated = {"start": time_text(START_MS), "arms": {"a": {"share": 0.5}, "b": {"share": 0.5}}, "metric": "revenue"}
    configure({"experiments": {"spring": stated}})

    (spring,) = observe("experiments")["experiments"]

    assert spring["metric"] == "revenue"


def test_running_experiment_has_its_current_report(observe, state, aws, lake_bucket):
    state(spring=(-3, None))
    store(aws("s3"), lake_bucket, many())

    document = observe("experiments")

    (spring,) = document["experiments"]
    new, control = spring.pop("arms")
    assert spring == {
        "name": "spring", "layer": "spring", "state": "running", "startMs": START_MS, "endMs": None,
        "metric": "click-through", "verdict": "better", "winner": "new", "sampleRatioPValue": 1.0, "partial": False,
    }  # fmt: skip
    assert (control["control"], control["users"], control["answers"]) == (True, 300, 300)
    assert (control["value"], new["value"]) == (30 / 1200, 90 / 1200)
    assert control["lift"] is control["pValue"] is None
    assert new["lift"] == pytest.approx(90 / 30 - 1)
    assert new["liftLow"] < 2 < new["liftHigh"]
    assert new["pValue"] < 0.05


def test_lift_is_adjusted_for_the_days_before_the_start(observe, state, aws, lake_bucket):
    """The users who click also clicked before the experiment, so the arms do not differ."""
    state(spring=(-3, None))
    before = [dataclasses.replace(row, served_ms=row.served_ms - 2 * DAY_MS, arms=()) for row in many()]
    store(aws("s3"), lake_bucket, [*many(), *before])

    (spring,) = observe("experiments")["experiments"]

    assert spring["arms"][0]["lift"] == pytest.approx(0)


def test_running_experiments_come_before_planned_and_ended_ones(observe, state):
    state(old=(-9, -8), older=(-20, -19), later=(1, None), spring=(-3, None))

    found = observe("experiments")["experiments"]

    states = {experiment["name"]: experiment["state"] for experiment in found}
    assert list(states.items()) == [
        ("spring", "running"), ("later", "planned"), ("old", "ended"), ("older", "ended"),
    ]  # fmt: skip
    assert [each["verdict"] for each in found] == ["too little", None, "too little", "too little"]
    assert all(each["sampleRatioPValue"] is None for each in found)


def test_report_without_remaining_time_is_partial(observe, state, aws, lake_bucket):
    state(spring=(-3, None))
    store(aws("s3"), lake_bucket, many())

    (spring,) = observe("experiments", remaining_ms=5_999)["experiments"]

    assert (spring["partial"], spring["arms"][0]["users"]) == (True, 0)


def test_report_above_the_user_limit_is_partial_with_running_ones_first(observe, state, aws, lake_bucket, monkeypatch):
    monkeypatch.setattr(experiments, "MAX_USERS", 599)
    state(spring=(-3, None), winter=(-3, -1))
    store(aws("s3"), lake_bucket, [*many(), *many("winter")])

    spring, winter = observe("experiments")["experiments"]

    assert [(each["partial"], each["arms"][0]["users"]) for each in (spring, winter)] == [(False, 300), (True, 0)]


def test_experiments_response_is_cached_for_one_minute(observe, state, aws, lake_bucket, clock):
    state(spring=(-3, None))
    before = observe("experiments")
    store(aws("s3"), lake_bucket, many())

    clock.wait(59)
    assert observe("experiments") == before
    clock.wait(2)
    assert observe("experiments")["experiments"][0]["arms"][0]["users"] == 300
