"""Monitoring as invoked by its schedule."""

import json
import time

import pytest

from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.errors import InvalidBundle, InvalidInput
from alsolike.training.monitoring import Start, StartedTraining, Trigger
from functions.monitor_models import handler
from functions.monitor_models.training_start import outcome_of
from tests.builders.lambda_events import NOW_MS, LambdaContext
from tests.unit.functions.monitor_models.shop import shopping


@pytest.fixture
def invoke(shop, set_variables):
    set_variables(
        STATE_MACHINE_ARN=shop.places.state_machine_arn,
        DRIFT_PSI_PERCENT="25",
        DRIFT_HOURS="24",
        DRIFT_RETRAINS="1",
        RETRAIN_INTERACTIONS="500",
        SILENT_HOURS="999999",
        STALE_DAYS="30",
    )
    return lambda: handler.lambda_handler({}, LambdaContext())


def test_invocation_returns_its_report_and_publishes_metrics(shop, invoke, monkeypatch, counted):
    rows = shopping()
    last_ms = max(row["event_time_ms"] for row in rows)
    shop.champion(rows)
    shop.happened(rows)
    monkeypatch.setattr("functions.monitor_models.handler.time.time_ns", lambda: (last_ms + 3_600_000) * 1_000_000)

    first, metrics = invoke(), counted()
    second, later = invoke(), counted()

    assert (first["champion"], first["interactions"]) == ("v1", 600)
    assert (first["rules"]["new_interactions"], second["first_of_day"]) == (500, False)
    daily = {"DriftPsi", "UnknownItemShare", "UnknownUserShare"}
    zeros = dict.fromkeys([*daily, "FiguresDrifted", "ChecksFailed"], 0)
    assert metrics == {**zeros, "ChampionAgeHours": 1, "LakeSilentHours": 1}
    assert set(metrics) - set(later) == daily


@pytest.mark.parametrize("forced", [True, False])
def test_forced_champion_is_counted_until_it_is_replaced(forced, shop, invoke, counted):
    rows = shopping(end_ms=time.time_ns() // 1_000_000)
    for version in ("v1", "v2"):
        shop.champion(rows, version=version)
    registry = Registry(shop.places.s3, shop.places.artefact_bucket)
    registry.replace(registry.champion(), "v1", reason="it is Christmas", now_ms=1, forced=forced)

    invoke()
    assert counted().get("ChampionForced") == (1 if forced else None)

    registry.promote("v2", reason="better", now_ms=2)
    invoke()
    assert "ChampionForced" not in counted()


def test_forced_champion_with_a_damaged_bundle_is_counted(shop, invoke, counted):
    shop.champion(shopping())
    registry = Registry(shop.places.s3, shop.places.artefact_bucket)
    shop.champion(shopping(), version="v2")
    registry.replace(registry.champion(), "v1", reason="it is Christmas", now_ms=1, forced=True)
    shop.put(f"{model_prefix('v1')}manifest.json", b"{")

    with pytest.raises(InvalidBundle):
        invoke()

    assert counted() == {"ChampionForced": 1}


def test_started_training_is_returned_and_counted(shop, invoke, counted):
    shop.champion(shopping(end_ms=1_700_000_000_000))
    shop.happened(shopping(end_ms=time.time_ns() // 1_000_000))

    started = invoke()["started"]

    assert started["trigger"] == "new-data"
    assert counted()["TrainingsStarted"] == 1
    assert [json.dumps(each["input"]["reason"]) for each in shop.started()] == [json.dumps(started["reason"])]


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ({}, StartedTraining.REJECTED),
        ({"output": {"start": {"first": "dataset"}, "registration": {"verdict": "approved"},
                     "canary": {"state": "rolled_back"}}}, StartedTraining.ROLLED_BACK),
        ({"status": "ABORTED"}, StartedTraining.STOPPED),
        ({"status": "TIMED_OUT", "entered": "First"}, StartedTraining.FAILED),
    ],
)  # fmt: skip
def test_finished_training_counts_as_run_for_any_result(shop, ending, outcome):
    start = Start(Trigger.DRIFT, "drift-1", "why", "v1", NOW_MS)
    shop.places.states.start_execution(stateMachineArn=shop.places.state_machine_arn, name="drift-1")
    shop.ended(**ending)

    found = outcome_of(shop.places.states, shop.places.state_machine_arn, start)

    assert found is outcome
    assert found.counts


def test_unknown_run_output_raises_an_error_with_the_run_name(shop):
    start = Start(Trigger.DRIFT, "drift-1", "why", "v1", NOW_MS)
    gone = outcome_of(shop.places.states, shop.places.state_machine_arn, start)
    shop.places.states.start_execution(stateMachineArn=shop.places.state_machine_arn, name="drift-1")
    shop.ended({"start": {}})

    with pytest.raises(InvalidInput, match="drift-1 ended with an output without a known outcome"):
        outcome_of(shop.places.states, shop.places.state_machine_arn, start)
    assert gone is StartedTraining.STOPPED
