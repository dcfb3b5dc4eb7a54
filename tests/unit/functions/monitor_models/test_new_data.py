"""Trainings that new interactions start."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.registry.training_lock import TrainingLock
from alsolike.training.drift_reference import weekdays_of
from alsolike.training.monitoring import StartedTraining
from functions.monitor_models.drift_metrics import volume
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.monitor_models.shop import HOUR_MS, RULES, event, shopping

DATA_RULES = dataclasses.replace(RULES, retrains=False, new_interactions=500)


LATER_MS = NOW_MS + 2 * DAY_MS


def add_interactions(shop, name, *, since_ms, count=600):
    rows = [event(f"{name}-{n}", f"user-{n % 50}", "item-00", since_ms + n) for n in range(count)]
    shop.happened(rows, profiles=False)


@pytest.fixture
def busy(shop):
    """Return a shop whose champion has enough new interactions at `LATER_MS`."""
    shop.champion(shopping())
    add_interactions(shop, "a", since_ms=LATER_MS - 600)
    return shop


def test_enough_new_interactions_start_one_training(shop):
    rows = shopping()
    shop.champion(rows)
    last_ms = max(row["event_time_ms"] for row in rows)
    now_ms = NOW_MS + 3 * DAY_MS
    old = [event(f"old-{n}", "user-1", "item-00", last_ms - n) for n in range(50)]
    new = [event(f"new-{n}", f"user-{n % 50}", "item-00", last_ms + 1 + n) for n in range(499)]
    shop.happened([*old, *new], profiles=False)

    few = shop.look(now_ms=now_ms, rules=DATA_RULES)
    shop.happened([event("one-more", "user-1", "item-01", now_ms - 1)], profiles=False)
    enough = shop.look(now_ms=now_ms + HOUR_MS, rules=DATA_RULES)
    shop.look(now_ms=now_ms + 2 * HOUR_MS, rules=DATA_RULES)

    assert (few.new_interactions, few.started) == (499, None)
    assert enough.new_interactions == 500
    (execution,) = shop.started()
    assert execution["name"].startswith("new-data-")
    assert execution["input"] == {"trigger": "new-data", "reason": "500 interactions are new, 500 start a training"}


def test_interactions_of_a_finished_training_are_no_longer_new(busy):
    busy.look(now_ms=LATER_MS, rules=DATA_RULES)
    busy.ended()

    add_interactions(busy, "b", since_ms=LATER_MS + 1)
    next_hour = busy.look(now_ms=LATER_MS + HOUR_MS, rules=DATA_RULES)
    next_day = busy.look(now_ms=LATER_MS + DAY_MS, rules=DATA_RULES)

    assert (next_hour.new_interactions, next_hour.started) == (600, None)
    assert next_day.started is not None
    assert len(busy.started()) == 2


def test_interactions_of_a_busy_start_remain_new(busy):
    busy.look(now_ms=LATER_MS, rules=DATA_RULES)
    busy.ended({"start": {"first": "busy"}})

    report = busy.look(now_ms=LATER_MS + HOUR_MS, rules=DATA_RULES)

    assert report.new_interactions == 600
    assert report.started is not None
    assert len(busy.started()) == 2


def test_running_training_prevents_another_start(busy):
    """Without this rule, each monitoring run during a canary would start a training that ends as busy."""
    busy.look(now_ms=LATER_MS, rules=DATA_RULES)

    report = busy.look(now_ms=LATER_MS + 2 * DAY_MS, rules=DATA_RULES)

    assert (report.new_interactions, report.started) == (600, None)
    assert report.last_start.outcome is StartedTraining.GOING


def test_training_started_elsewhere_prevents_another_start(busy):
    states, arn = busy.places.states, busy.places.state_machine_arn
    execution = states.start_execution(stateMachineArn=arn, name="by-hand", input="{}")["executionArn"]
    TrainingLock(busy.places.s3, states, busy.places.artefact_bucket).acquire(execution, run_id="r", now_ms=LATER_MS)

    meanwhile = busy.look(now_ms=LATER_MS, rules=DATA_RULES)
    busy.ended()
    afterwards = busy.look(now_ms=LATER_MS + HOUR_MS, rules=DATA_RULES)

    assert (meanwhile.new_interactions, meanwhile.started, meanwhile.last_start) == (600, None, None)
    assert [each["name"] for each in busy.started()] == ["by-hand", afterwards.started.name]


def test_interactions_older_than_the_window_still_count_as_new(shop):
    shop.champion(shopping())
    day_ms = NOW_MS + DAY_MS
    add_interactions(shop, "a", since_ms=day_ms, count=300)
    shop.look(now_ms=day_ms + HOUR_MS, rules=DATA_RULES)
    later_ms = day_ms + 20 * DAY_MS
    add_interactions(shop, "b", since_ms=later_ms, count=250)

    report = shop.look(now_ms=later_ms + HOUR_MS, rules=DATA_RULES)

    assert report.new_interactions == 550
    assert report.started is not None


STEADY = (100,) * 7


def checks(reference, current, *, one_of=1):
    """Return the checks by name for a week that starts on a Thursday.

    `current` has the number of interactions per day of the week, and `reference` the number per weekday.
    """
    times = np.repeat(np.arange(7) * DAY_MS + 1, current)
    found = volume(reference, pd.DataFrame({"event_time_ms": times}), one_of=one_of)
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("reference", "current", "one_of", "names"),
    [
        (STEADY, STEADY, 1, []),
        (STEADY, (60,) * 7, 1, []),
        (STEADY, (49,) * 7, 1, ["volume_fallen"]),
        (STEADY, (51,) * 7, 1, []),
        (STEADY, (250,) * 7, 1, []),
        (STEADY, (400,) * 7, 1, ["volume_grown"]),
        (STEADY, (0, 117, 117, 117, 117, 116, 116), 1, ["days_missing"]),
        (STEADY, (0,) * 7, 1, ["volume_fallen", "days_missing"]),
        # A weekly rhythm does not widen the bound.
        ((10, 10, 10, 10, 10, 325, 325), (3, 3, 3, 3, 3, 97, 97), 1, ["volume_fallen"]),
        # Irregular days widen the bound.
        (STEADY, (1, 150, 2, 5, 1, 70, 12), 1, []),
        # A day on which the shop is closed is not missing.
        ((100, 100, 100, 2, 100, 100, 100), (100, 100, 100, 0, 100, 100, 100), 1, []),
        # Sampled users are scaled to all users.
        (STEADY, (50,) * 7, 2, []),
    ],
)
def test_volume_check_fails_below_half_and_above_three_times_the_reference(reference, current, one_of, names):
    found = checks(reference, current, one_of=one_of)

    assert [name for name, check in found.items() if check.failed] == names


def test_volume_fall_is_a_share_of_the_reference():
    found = checks(STEADY, (40,) * 7)["volume_fallen"]

    assert found.share == pytest.approx(0.6)
    assert (found.bound, found.rows) == (0.5, 280)


def test_volume_bound_is_at_least_four_standard_errors():
    found = checks((30,) * 7, (2,) * 7)["volume_fallen"]

    assert found.bound == pytest.approx(1 - np.exp(-4 * np.sqrt(1 / 210 + 1 / 14)), abs=1e-6)


def test_too_few_interactions_are_not_compared():
    found = checks((28, 28, 28, 28, 28, 28, 31), (0,) * 7)

    assert (found["volume_fallen"].share, found["volume_grown"].share) == (None, None)


def test_weekday_counts_are_sums_of_days_since_the_epoch():
    assert weekdays_of({0: 1, 7: 2, 13: 5}) == (3, 0, 0, 0, 0, 0, 5)
