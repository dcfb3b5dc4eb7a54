"""Forecasts as operators and canaries start them."""

import io
import json
import time

import pytest

from alsolike.experiments.forecasts import ForecastRequest, Forecasts
from alsolike.runtime.errors import InvalidInput
from functions.attribute_outcomes import handler
from operations import progress
from tests.builders.api_description import validator
from tests.builders.forecast_log import USERS, ForecastLog, swapped
from tests.builders.lambda_events import NOW_MS, LambdaContext

PINNED = {"format": 1, "rules": {"spring": {}}}
ID = "0" * 32


class Recommend:
    """Lambda client whose function returns the lists of `swapped`, or raises `error` if it is set."""

    def __init__(self):
        self.error: Exception | None = None
        self.calls = 0

    def invoke(self, *, FunctionName, Payload):  # noqa: N803
        assert FunctionName == "arn:recommend"
        self.calls += 1
        if self.error is not None:
            raise self.error
        return {"Payload": io.BytesIO(json.dumps(swapped(json.loads(Payload))).encode())}


@pytest.fixture
def recommend(aws, lake_bucket, artefact_bucket, set_variables, replace_clients, monkeypatch):
    set_variables(RECOMMEND_FUNCTION_PARAMETER="/alsolike/shop/recommend-function")
    aws("ssm").put_parameter(Name="/alsolike/shop/recommend-function", Value="arn:recommend", Type="String")
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
    function = Recommend()
    replace_clients(handler, **{"lambda": function})
    return function


@pytest.fixture
def forecasts(aws, lake_bucket):
    return Forecasts(aws("s3"), lake_bucket)


@pytest.fixture
def log(aws, lake_bucket, pseudonyms):
    return ForecastLog(aws("s3"), lake_bucket, pseudonyms, now_ms=NOW_MS)


def run(forecasts, request=None):
    request = request or ForecastRequest("for-you", PINNED)
    state = handler.lambda_handler({"forecast": {"id": ID, **request.to_json()}}, LambdaContext())["state"]
    record = forecasts.read(ID, now_ms=NOW_MS)
    validator("ForecastRecord").validate(record)
    assert record["state"] == state
    return record


def test_forecast_of_a_draft_is_stored(recommend, forecasts, log):
    log.fill()

    record = run(forecasts)

    found = record["forecast"]
    assert (record["state"], record["reason"], record["step"]) == ("done", None, "lists of the draft")
    assert (found["responses"], found["changed"], found["support"]) == (USERS, 1.0, 1.0)
    assert [outcome["missing"] for outcome in found["outcomes"]] == [None, None, None]
    assert "user-" not in json.dumps(record)


def test_forecast_without_enough_evidence_has_the_reason(recommend, forecasts, log):
    log.store_rows(log.row(1))
    log.store_events(log.view(1))

    (reason,) = {outcome["missing"] for outcome in run(forecasts)["forecast"]["outcomes"]}

    assert reason == "not enough evidence: 1 user, expected at least 200"


def test_forecast_without_logged_responses_has_failed(recommend, forecasts, pseudonyms):
    record = run(forecasts)

    assert record["state"] == "failed"
    assert record["reason"].startswith("the log has no responses of 'for-you' to users in the last 28 days")


def test_deployment_with_hashed_ids_has_no_forecast(recommend, forecasts, log, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")

    assert run(forecasts)["reason"].startswith("the deployment stores hashes of user IDs")


def test_refusal_by_recommend_is_the_reason_of_the_failure(recommend, forecasts, log):
    log.fill()
    recommend.error = InvalidInput("rules.spring.pins[0] is 3, expected an object")

    record = run(forecasts)

    assert (record["state"], record["reason"]) == ("failed", str(recommend.error))


def test_repeated_call_after_a_timeout_stores_the_failure(recommend, forecasts, log):
    log.fill()
    recommend.error = SystemExit()  # SystemExit stands for the end of the process at a timeout.
    with pytest.raises(SystemExit):
        run(forecasts)
    interrupted = forecasts.read(ID, now_ms=NOW_MS)
    recommend.error, recommend.calls = None, 0

    record = run(forecasts)

    assert (interrupted["state"], interrupted["step"] is None) == ("running", False)
    assert (record["state"], recommend.calls) == ("failed", 0)
    assert "for lack of time or memory" in record["reason"]


def test_forecast_changes_nothing_but_its_record(recommend, forecasts, log, aws, lake_bucket):
    log.fill()
    earlier = progress._listener

    run(forecasts)

    assert progress._listener is earlier
    keys = [entry["Key"] for entry in aws("s3").list_objects_v2(Bucket=lake_bucket)["Contents"]]
    written = [key for key in keys if key.startswith(("outcomes/", "attribution/"))]
    assert written == [f"attribution/forecasts/{ID}.json"]
