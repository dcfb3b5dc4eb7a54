"""Trainings that are started because of drift: one per champion and change, with pauses and retries."""

import dataclasses
import re

import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.training.monitoring import StartedTraining
from functions.monitor_models.monitoring_state import State, StateStore
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.monitor_models.shop import HOUR_MS, RULES, shopping

DRIFTED = 0.6


LATER_MS = NOW_MS + 7 * DAY_MS


def drift(shop, *, now_ms):
    shop.happened(shopping(end_ms=now_ms, tail=DRIFTED, seed=1), profiles=False)


@pytest.fixture
def drifted(shop):
    """Return a shop whose drift was first measured at `LATER_MS`."""
    shop.champion(shopping())
    drift(shop, now_ms=LATER_MS)
    shop.look(now_ms=LATER_MS)
    return shop


def test_drift_starts_one_training_after_the_set_time(drifted):
    before = drifted.look(now_ms=LATER_MS + 23 * HOUR_MS)
    after = drifted.look(now_ms=LATER_MS + 24 * HOUR_MS - 1)
    started = drifted.look(now_ms=LATER_MS + 24 * HOUR_MS)
    later = drifted.look(now_ms=LATER_MS + 25 * HOUR_MS)

    assert [look.started for look in (before, after, later)] == [None] * 3
    assert started.started is not None
    assert drifted.state()["above"]["item_popularity"] == LATER_MS
    (execution,) = drifted.started()
    assert execution["name"] == started.started.name
    assert execution["input"]["trigger"] == "drift"
    assert re.fullmatch(r"item_popularity \d\.\d{3} above 0\.2\d\d, for 24 h", execution["input"]["reason"])
    assert later.last_start == started.started


def test_repeated_check_without_saved_state_starts_no_second_training(drifted):
    store = StateStore(drifted.places.s3, drifted.places.artefact_bucket)
    before = store.read()
    drifted.look(now_ms=LATER_MS + 24 * HOUR_MS)

    # The monitoring run started the training but did not store its state.
    store.write(dataclasses.replace(before, etag=store.read().etag))
    again = drifted.look(now_ms=LATER_MS + 24 * HOUR_MS + 60_000)

    assert again.started is not None
    assert len(drifted.started()) == 1


def test_check_below_the_threshold_restarts_the_waiting_time(drifted):
    drifted.look(now_ms=LATER_MS + 12 * HOUR_MS, rules=dataclasses.replace(RULES, psi=9.0))
    drifted.look(now_ms=LATER_MS + 13 * HOUR_MS)
    drifted.look(now_ms=LATER_MS + 24 * HOUR_MS)

    assert drifted.state()["above"]["item_popularity"] == LATER_MS + 13 * HOUR_MS
    assert drifted.started() == []


def test_drift_with_retraining_disabled_is_only_reported(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    rules = dataclasses.replace(RULES, retrains=False)

    shop.look(now_ms=now_ms, rules=rules)
    report = shop.look(now_ms=now_ms + 24 * HOUR_MS, rules=rules)

    assert [figure.name for figure in report.drifted] == ["item_popularity"]
    assert shop.started() == []


def test_drift_of_same_champion_retrains_only_after_the_pause(drifted):
    drift(drifted, now_ms=LATER_MS + 9 * DAY_MS)
    drifted.look(now_ms=LATER_MS + DAY_MS)
    drifted.ended()

    drifted.look(now_ms=LATER_MS + 8 * DAY_MS - 1)
    within = len(drifted.started())
    drifted.look(now_ms=LATER_MS + 8 * DAY_MS)

    assert (within, len(drifted.started())) == (1, 2)
    first, second = drifted.started()
    assert first["name"] != second["name"]


def test_new_champion_with_unchanged_drift_waits_for_the_pause(drifted):
    """Another training did not remove the drift. Without the pause, one training would start per day."""
    drift(drifted, now_ms=LATER_MS + 4 * DAY_MS)
    drifted.look(now_ms=LATER_MS + DAY_MS)

    drifted.champion(shopping(seed=3), version="v2")
    drifted.ended({"start": {"first": "dataset"}, "canary": {"state": "promoted"}})
    for hours in (25, 49, 73):
        drifted.look(now_ms=LATER_MS + hours * HOUR_MS)

    assert len(drifted.started()) == 1
    assert drifted.state()["unsettled"] == ["item_popularity"]


def test_new_champion_with_resolved_drift_may_start_again(drifted):
    drifted.look(now_ms=LATER_MS + DAY_MS)

    drifted.champion(shopping(tail=DRIFTED, end_ms=LATER_MS), version="v2")
    drifted.ended({"start": {"first": "dataset"}, "canary": {"state": "promoted"}})
    calm = drifted.look(now_ms=LATER_MS + DAY_MS + HOUR_MS)
    drifted.happened(shopping(users=1_500, end_ms=LATER_MS, seed=5))
    drifted.look(now_ms=LATER_MS + DAY_MS + 2 * HOUR_MS)
    drifted.look(now_ms=LATER_MS + 2 * DAY_MS - HOUR_MS)
    again = drifted.look(now_ms=LATER_MS + 2 * DAY_MS + 2 * HOUR_MS)

    assert calm.figures[0].value is not None
    assert calm.figures[0].value < 0.25
    assert again.started is not None
    assert [each["input"]["trigger"] for each in drifted.started()] == ["drift", "drift"]


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ({"output": {"start": {"first": "busy"}}}, StartedTraining.BUSY),
        ({"status": "FAILED", "entered": "StartTraining"}, StartedTraining.NOT_BEGUN),
    ],
)
def test_drift_retries_at_the_next_check_after_a_busy_training(drifted, ending, outcome):
    drifted.look(now_ms=LATER_MS + 24 * HOUR_MS)
    drifted.ended(**ending)

    calm = drifted.look(now_ms=LATER_MS + 25 * HOUR_MS, rules=dataclasses.replace(RULES, hours=26))
    again = drifted.look(now_ms=LATER_MS + 26 * HOUR_MS)
    going = drifted.look(now_ms=LATER_MS + 27 * HOUR_MS)

    assert (calm.last_start.outcome, drifted.state()["last_start"]) == (outcome, None)
    assert again.started is not None
    assert going.last_start == again.started
    first, second = drifted.started()
    assert first["name"] != second["name"]
    assert second["name"] == again.started.name


def test_third_attempt_has_its_own_name_and_a_failed_run_ends_retries(drifted):
    for hours in (24, 25):
        drifted.look(now_ms=LATER_MS + hours * HOUR_MS)
        drifted.ended({"start": {"first": "busy"}})
    drifted.look(now_ms=LATER_MS + 26 * HOUR_MS)
    drifted.ended(status="FAILED", entered="First")

    last = drifted.look(now_ms=LATER_MS + 27 * HOUR_MS)

    assert len({each["name"] for each in drifted.started()}) == 3
    assert last.started is None
    assert last.last_start.outcome is StartedTraining.FAILED
    assert (drifted.state()["attempts"], drifted.state()["refused"]) == (0, None)


def test_concurrent_state_write_is_refused(shop):
    shop.champion(shopping())
    store = StateStore(shop.places.s3, shop.places.artefact_bucket)
    read = store.read()

    shop.look()

    with pytest.raises(ConcurrentUpdate, match="another monitoring run"):
        store.write(read)
    assert read == State()
