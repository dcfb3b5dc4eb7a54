"""Trainings that are started because of drift: one per champion and change, with pauses and retries."""

import dataclasses
import re

import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.training.monitoring import StartedTraining
from functions.monitor_models.state import State, StateStore
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.monitor_models.shop import HOUR_MS, RULES, shopping

DRIFTED = 0.6


def drift(shop, *, now_ms):
    """Write a week of purchases in which rare items are popular."""
    shop.happened(shopping(end_ms=now_ms, tail=DRIFTED, seed=1), profiles=False)


def test_drift_starts_one_training_after_the_set_time(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)

    first = shop.look(now_ms=now_ms)
    before = shop.look(now_ms=now_ms + 23 * HOUR_MS)
    after = shop.look(now_ms=now_ms + 24 * HOUR_MS - 1)
    started = shop.look(now_ms=now_ms + 24 * HOUR_MS)
    later = shop.look(now_ms=now_ms + 25 * HOUR_MS)

    assert [look.started for look in (first, before, after, later)] == [None] * 4
    assert started.started is not None
    assert shop.state()["above"]["item_popularity"] == now_ms
    (execution,) = shop.started()
    assert execution["name"] == started.started.name
    assert execution["input"]["trigger"] == "drift"
    assert re.fullmatch(r"item_popularity \d\.\d{3} above 0\.2\d\d, for 24 h", execution["input"]["reason"])
    assert later.last_start == started.started


def test_repeated_check_without_saved_state_starts_no_second_training(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    shop.look(now_ms=now_ms)
    store = StateStore(shop.places.s3, shop.places.artefact_bucket)
    before = store.read()
    shop.look(now_ms=now_ms + 24 * HOUR_MS)

    # The monitoring run started the training but did not store its state.
    store.write(dataclasses.replace(before, etag=store.read().etag))
    again = shop.look(now_ms=now_ms + 24 * HOUR_MS + 60_000)

    assert again.started is not None
    assert len(shop.started()) == 1


def test_check_below_the_threshold_restarts_the_waiting_time(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    shop.look(now_ms=now_ms)

    shop.look(now_ms=now_ms + 12 * HOUR_MS, rules=dataclasses.replace(RULES, psi=9.0))
    shop.look(now_ms=now_ms + 13 * HOUR_MS)
    shop.look(now_ms=now_ms + 24 * HOUR_MS)

    assert shop.state()["above"]["item_popularity"] == now_ms + 13 * HOUR_MS
    assert shop.started() == []


def test_drift_with_retraining_disabled_is_only_reported(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    rules = dataclasses.replace(RULES, retrains=False)

    shop.look(now_ms=now_ms, rules=rules)
    report = shop.look(now_ms=now_ms + 24 * HOUR_MS, rules=rules)

    assert [figure.name for figure in report.drifted] == ["item_popularity"]
    assert shop.started() == []


def test_drift_of_same_champion_retrains_only_after_the_pause(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    drift(shop, now_ms=now_ms + 9 * DAY_MS)
    shop.look(now_ms=now_ms)
    shop.look(now_ms=now_ms + DAY_MS)
    shop.ended()

    shop.look(now_ms=now_ms + 8 * DAY_MS - 1)
    within = len(shop.started())
    shop.look(now_ms=now_ms + 8 * DAY_MS)

    assert (within, len(shop.started())) == (1, 2)
    first, second = shop.started()
    assert first["name"] != second["name"]


def test_new_champion_with_unchanged_drift_waits_for_the_pause(shop):
    """Another training did not remove the drift. Without the pause, one training would start per day."""
    now_ms = NOW_MS + 7 * DAY_MS
    shop.champion(shopping())
    drift(shop, now_ms=now_ms)
    drift(shop, now_ms=now_ms + 4 * DAY_MS)
    shop.look(now_ms=now_ms)
    shop.look(now_ms=now_ms + DAY_MS)

    shop.champion(shopping(seed=3), version="v2")
    shop.ended({"start": {"first": "dataset"}, "canary": {"state": "promoted"}})
    for hours in (25, 49, 73):
        shop.look(now_ms=now_ms + hours * HOUR_MS)

    assert len(shop.started()) == 1
    assert shop.state()["unsettled"] == ["item_popularity"]


def test_new_champion_with_resolved_drift_may_start_again(shop):
    now_ms = NOW_MS + 7 * DAY_MS
    shop.champion(shopping())
    drift(shop, now_ms=now_ms)
    shop.look(now_ms=now_ms)
    shop.look(now_ms=now_ms + DAY_MS)

    shop.champion(shopping(tail=DRIFTED, end_ms=now_ms), version="v2")
    shop.ended({"start": {"first": "dataset"}, "canary": {"state": "promoted"}})
    calm = shop.look(now_ms=now_ms + DAY_MS + HOUR_MS)
    shop.happened(shopping(users=1_500, end_ms=now_ms, seed=5))
    shop.look(now_ms=now_ms + DAY_MS + 2 * HOUR_MS)
    shop.look(now_ms=now_ms + 2 * DAY_MS - HOUR_MS)
    again = shop.look(now_ms=now_ms + 2 * DAY_MS + 2 * HOUR_MS)

    assert calm.figures[0].value is not None
    assert calm.figures[0].value < 0.25
    assert again.started is not None
    assert [each["input"]["trigger"] for each in shop.started()] == ["drift", "drift"]


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ({"output": {"start": {"first": "busy"}}}, StartedTraining.BUSY),
        ({"status": "FAILED", "entered": "StartTraining"}, StartedTraining.NOT_BEGUN),
    ],
)
def test_drift_retries_at_the_next_check_after_a_busy_training(shop, ending, outcome):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    shop.look(now_ms=now_ms)
    shop.look(now_ms=now_ms + 24 * HOUR_MS)
    shop.ended(**ending)

    calm = shop.look(now_ms=now_ms + 25 * HOUR_MS, rules=dataclasses.replace(RULES, hours=26))
    again = shop.look(now_ms=now_ms + 26 * HOUR_MS)
    going = shop.look(now_ms=now_ms + 27 * HOUR_MS)

    assert (calm.last_start.outcome, shop.state()["last_start"]) == (outcome, None)
    assert again.started is not None
    assert going.last_start == again.started
    first, second = shop.started()
    assert first["name"] != second["name"]
    assert second["name"] == again.started.name


def test_third_attempt_has_its_own_name_and_a_failed_run_ends_retries(shop):
    shop.champion(shopping())
    now_ms = NOW_MS + 7 * DAY_MS
    drift(shop, now_ms=now_ms)
    shop.look(now_ms=now_ms)
    for hours in (24, 25):
        shop.look(now_ms=now_ms + hours * HOUR_MS)
        shop.ended({"start": {"first": "busy"}})
    shop.look(now_ms=now_ms + 26 * HOUR_MS)
    shop.ended(status="FAILED", entered="First")

    last = shop.look(now_ms=now_ms + 27 * HOUR_MS)

    assert len({each["name"] for each in shop.started()}) == 3
    assert last.started is None
    assert last.last_start.outcome is StartedTraining.FAILED
    assert (shop.state()["attempts"], shop.state()["refused"]) == (0, None)


def test_concurrent_state_write_is_refused(shop):
    shop.champion(shopping())
    store = StateStore(shop.places.s3, shop.places.artefact_bucket)
    read = store.read()

    shop.look()

    with pytest.raises(ConcurrentUpdate, match="another monitoring run"):
        store.write(read)
    assert read == State()
