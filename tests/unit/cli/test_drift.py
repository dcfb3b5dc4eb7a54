"""`alsolike drift`, which prints the latest report of monitor_models."""

import dataclasses
import json

import pytest

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.training.monitoring import (
    DataCheck,
    Drift,
    DriftReport,
    DriftThresholds,
    Figure,
    Start,
    StartedTraining,
    Trigger,
)
from operations.drift_reports import BECAME
from operations.status import _drift
from tests.unit.cli import command_line
from tests.unit.cli.stub_function import replace_functions

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
REPORT = DriftReport(
    looked_ms=NOW_MS,
    window_from_ms=NOW_MS - 7 * 24 * HOUR_MS,
    rules=DriftThresholds(psi=0.25, hours=24, retrains=True, new_interactions=5_000, silent_hours=24, stale_days=30),
    champion="v1",
    champion_age_h=100.0,
    lake_silent_h=2.4,
    sampled=2,
    interactions=1_200,
    users=300,
    figures=(
        Figure(Drift.ITEM_POPULARITY, 0.8, 0.01, 9_000, 1_200, 0.26, above_since_ms=NOW_MS - 30 * HOUR_MS),
        Figure(Drift.CATEGORY_POPULARITY, reason="no column of the items is like a category"),
        Figure(Drift.USER_ACTIVITY, 0.3, 0.02, 800, 300, 0.27, above_since_ms=NOW_MS - 11 * HOUR_MS),
        Figure(Drift.HISTORY_LENGTH, 0.01, 0.02, 800, 300, 0.27),
    ),
    checks=(DataCheck("value_missing", 0.25, 0.1, 40), DataCheck("item_missing", None, 0.0, 0)),
    unknown_item_share=0.125,
    unknown_user_share=0.5,
    new_interactions=1_234,
    started=None,
    last_start=None,
)


def run(*arguments):
    return command_line.run("drift", "--env", "shop", *arguments)


def put(deployment, body):
    deployment.client("s3").put_object(Bucket=deployment.names.artefact_bucket, Key=MONITORING_LATEST_KEY, Body=body)


@pytest.fixture
def shop(shop):
    put(shop, REPORT.to_json())
    return shop


def cells(shown):
    return {name: values for name, *values in command_line.cells(shown)}


def test_each_drift_figure_has_threshold_start_time_and_effect(shop):
    shown = run().stdout

    rows = cells(shown)
    assert rows["item_popularity"] == ["0.800", "0.260", "0.010", "9,000", "1,200", "2026-09-20 08:13", "drift"]
    assert rows["user_activity"][-2:] == ["2026-09-21 03:13", "drift in 13 h, starts a training"]
    assert rows["history_length"] == ["0.010", "0.270", "0.020", "800", "300", "", ""]
    assert rows["category_popularity"][-1] == "no column of the items is like a category"
    assert rows["value_missing"] == ["25.00%", "10.00%", "40", "failed"]
    assert rows["item_missing"] == ["", "0.00%", "0", ""]
    assert "2026-09-14 14:13 to 2026-09-21 14:13: 1,200 interactions of 300 users, one of 2 users" in shown
    assert shown.splitlines()[-6:] == [
        "champion v1: its last event was 4 days ago",
        "the lake's last event was 2 h ago",
        "12.50% of interactions are with items that the champion does not contain",
        "50.00% of users have no interaction before the champion's last event",
        "a figure above its threshold for 24 h starts a training",
        "1,234 new interactions; a training starts at 5,000",
    ]


def test_started_training_is_printed(shop):
    start = Start(Trigger.DRIFT, "drift-ab", "item_popularity 0.800", "v1", NOW_MS, ("item_popularity",))
    rules = dataclasses.replace(REPORT.rules, retrains=False, new_interactions=None)
    put(shop, dataclasses.replace(REPORT, started=start, last_start=start, rules=rules).to_json())

    shown = run().stdout

    assert cells(shown)["item_popularity"][-1] == "started a training"
    assert cells(shown)["user_activity"][-1] == "drift in 13 h"
    assert shown.splitlines()[-3:] == [
        "a figure above its threshold for 24 h sends a notification and starts no training",
        "new data start no training: retrain_interactions is not set",
        "this look started execution drift-ab at 2026-09-21 14:13: item_popularity 0.800",
    ]


@pytest.mark.parametrize(
    ("outcome", "figure", "message"),
    [
        (StartedTraining.GOING, "started a training", "it is running"),
        (StartedTraining.BUSY, "drift",
         "it did nothing, because another run was in progress; the next monitoring run starts it again"),
        (StartedTraining.NOT_BEGUN, "drift",
         "it failed before it acquired the training lock; the next monitoring run starts it again"),
        (StartedTraining.REJECTED, "started a training", "the gate rejected its model"),
    ],
)  # fmt: skip
def test_outcome_of_the_started_training_is_printed(shop, outcome, figure, message):
    start = Start(Trigger.DRIFT, "drift-ab", "psi", "v1", NOW_MS - HOUR_MS, ("item_popularity",), outcome)
    put(shop, dataclasses.replace(REPORT, last_start=start).to_json())

    shown = run().stdout

    assert cells(shown)["item_popularity"][-1] == figure
    *_, started, became = shown.splitlines()
    assert started == "monitoring started execution drift-ab at 2026-09-21 13:13: psi"
    assert became.startswith(message)


def test_every_outcome_has_a_sentence():
    assert set(BECAME) == set(StartedTraining)


def test_json_output_is_the_report(shop):
    assert json.loads(run("--json").stdout) == json.loads(REPORT.to_json())


def test_missing_report_error_has_the_refresh_command(shop):
    shop.client("s3").delete_object(Bucket=shop.names.artefact_bucket, Key=MONITORING_LATEST_KEY)

    with pytest.raises(NotFound, match=r"no drift check has run yet; `.* drift --refresh --env shop` runs one"):
        run()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"format_version": 2}', b'{"format_version": 1, "rules": {}}'])
def test_unreadable_report_is_refused(shop, body):
    put(shop, body)

    with pytest.raises(InvalidInput, match="the report"):
        run()


def test_refresh_runs_the_check_first(shop, monkeypatch):
    function = replace_functions(shop, json.loads(dataclasses.replace(REPORT, interactions=77).to_json()), monkeypatch)

    result = run("--refresh")

    assert function.invoked == [shop.names.monitor_models_function]
    assert "77 interactions" in result.stderr
    assert ": 77 interactions of" in result.stdout


def test_failed_refresh_has_its_reason(shop, monkeypatch):
    replace_functions(shop, {"errorMessage": "the champion's files are gone"}, monkeypatch)

    with pytest.raises(Unavailable, match="monitoring failed: the champion's files are gone"):
        run("--refresh")


def test_status_has_a_drift_line():
    assert _drift(None) is None
    assert _drift(REPORT) == "drift: largest PSI 0.800, drifted: item_popularity, failed checks: value_missing"
    calm = dataclasses.replace(REPORT, figures=REPORT.figures[1:2], checks=())
    assert _drift(calm) == "drift: no figure could be compared"
