"""Forecast of the candidate next to the figures of its canary."""

import pytest

from alsolike.experiments.forecasts import Forecasts
from functions.run_canary import handler
from functions.run_canary.forecasts import evidence_of
from tests.unit.functions.invocations import Invocations
from tests.unit.functions.run_canary.trial import ATTRIBUTE, EVERYBODY, HOUR_MS


@pytest.fixture
def invocations(trial, replace_clients):
    invocations = Invocations()
    replace_clients(handler, **{"lambda": invocations})
    trial.configure(recommenders={"for-you": {"swaps": 0.1}})
    return invocations


@pytest.fixture
def looked(trial, invocations):
    """Return a function that stores fields in the canary's forecast, and returns the result of the next check."""
    canary = trial.start()
    trial.answered(EVERYBODY)
    forecast_id = f"canary-v2-{canary.started_ms}"

    def look(**fields):
        trial.do("look")
        forecasts = Forecasts(trial.s3, trial.lake)
        record = forecasts.read(forecast_id, now_ms=trial.now_ms)
        assert record is not None
        forecasts.write(forecast_id, record | fields)
        return trial.do("look")

    return look


def forecast(*, low, high, missing=None):
    """Return a forecast whose interval is given relative to 2 clicks per response by the champion."""
    present = {"value": 2.0, "low": 1.9, "high": 2.1}
    difference = {"value": low + high, "low": 2 * low, "high": 2 * high}
    estimates = {"present": None, "difference": None} if missing else {"present": present, "difference": difference}
    return {"responses": 4_000, "support": 0.951, "outcomes": [{"name": "clicks", "missing": missing, **estimates}]}


def test_canary_starts_one_forecast_of_the_candidate(trial, invocations):
    canary = trial.start()
    trial.answered(EVERYBODY)

    first, second = trial.do("look"), trial.do("look")

    forecast = {"id": f"canary-v2-{canary.started_ms}", "recommender": "for-you", "model": "v2"}
    assert invocations.calls == [(ATTRIBUTE, {"forecast": forecast})]
    assert first["reasons"][-1] == second["reasons"][-1] == "forecast: it is being computed"


def test_shop_without_random_order_has_no_forecast(trial, invocations):
    trial.configure()
    trial.start()
    trial.answered(EVERYBODY)

    answer = trial.do("look")

    assert answer["reasons"][-1].startswith("forecast: not enough evidence: recommenders.for-you.swaps is 0")
    assert invocations.calls == []


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(-0.2, -0.06, "rolled_back"), (-0.2, -0.04, "going"), (-0.04, 0.1, "going"), (0.1, 0.2, "going")],
    ids=["below the tolerance", "partly below", "no difference", "gain"],
)
def test_interval_below_the_tolerance_rolls_the_candidate_back(trial, looked, low, high, state):
    answer = looked(state="done", forecast=forecast(low=low, high=high))

    assert answer["state"] == state
    assert any(
        reason.startswith(f"forecast: {(low + high) / 2:+.1%} clicks compared with the champion")
        for reason in answer["reasons"]
    )
    report = trial.report()
    assert report.looks[-1].figures["forecast"]["breached"] == (state == "rolled_back")
    assert report.looks[-1].figures["forecast"]["figures"]["support"] == 0.951
    assert trial.approval("v2") == ("Rejected" if state == "rolled_back" else "PendingManualApproval")


MISSING = "not enough evidence: 120 users, expected at least 200"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "done", "forecast": forecast(low=0, high=0, missing=MISSING)}, MISSING),
        ({"state": "failed", "reason": "the log has no responses"}, "not enough evidence: the log has no responses"),
    ],
)
def test_forecast_without_evidence_lets_the_canary_decide(trial, looked, fields, reason):
    answer = looked(**fields)

    assert (answer["state"], answer["reasons"][-1]) == ("going", f"forecast: {reason}")
    trial.now_ms += HOUR_MS
    assert trial.do("look")["state"] == "promoted"


def test_forecast_that_cannot_start_lets_the_canary_decide(trial, invocations):
    trial.start()
    trial.answered(EVERYBODY)
    invocations.error = "TooManyRequestsException"

    answer = trial.do("look")

    assert answer["state"] == "going"
    assert answer["reasons"][-1].startswith("forecast: not enough evidence: function attribute_outcomes: ")


def test_running_forecast_does_not_delay_the_end_of_the_canary(trial, invocations):
    trial.start()
    trial.answered(EVERYBODY)
    trial.do("look")
    trial.now_ms += HOUR_MS

    assert trial.do("look")["state"] == "promoted"


def test_champion_without_expected_clicks_is_no_evidence():
    found = forecast(low=-0.2, high=-0.1)
    found["outcomes"][0]["present"]["value"] = 0.0

    assert evidence_of(found).breached is False
