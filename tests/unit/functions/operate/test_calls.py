"""Forecasts of drafts, scheduled functions that an operator calls, and session tokens."""

from typing import Any

import pytest

from alsolike.declarations.routes import READING
from alsolike.events.session_tokens import Session, verify
from alsolike.experiments.forecasts import MAX_RUN_MS, Forecasts
from functions.operate.request import OperatorRequest
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.operate.shop import ATTRIBUTE, MONITOR, SESSION_KEY

START, SHOW = "POST /operator/rules/forecasts", "GET /operator/rules/forecasts/{forecastId}"
DRAFT: dict[str, Any] = {"filters": {}, "recommenders": {}, "rules": {"spring": {}}}


@pytest.fixture
def forecasts(aws, lake_bucket):
    return Forecasts(aws("s3"), lake_bucket)


def start(operator, *, recommender="for-you", draft=DRAFT):
    answer = operator.call(START, {"recommender": recommender, "draft": draft})
    assert answer["statusCode"] == 202, answer["body"]
    return answer["document"]["forecastId"]


def show(operator, forecast_id):
    return operator.call(SHOW, path={"forecastId": forecast_id})


def test_forecast_starts_the_function_with_the_drafts_configuration(empty, invocations):
    forecast_id = start(empty)

    configuration = {"format": 1, "rules": {"spring": {}}}
    forecast = {"id": forecast_id, "recommender": "for-you", "configuration": configuration}
    assert invocations.calls == [(ATTRIBUTE, {"forecast": forecast})]
    record = show(empty, forecast_id)["document"]
    assert (record["state"], record["startedMs"]) == ("running", NOW_MS)


def test_same_draft_starts_one_forecast(empty, invocations, forecasts):
    first = start(empty)
    forecasts.write(first, show(empty, first)["document"] | {"state": "done"})

    assert start(empty) == first
    assert len(invocations.calls) == 1


@pytest.mark.parametrize(
    "change", [{"draft": {**DRAFT, "rules": {}}}, {"recommender": "similar-items"}], ids=["draft", "recommender"]
)
def test_other_draft_or_recommender_has_its_own_forecast(empty, invocations, change):
    assert start(empty) != start(empty, **change)
    assert len(invocations.calls) == 2


def test_failed_forecast_is_started_again(empty, invocations, forecasts):
    first = start(empty)
    forecasts.write(first, show(empty, first)["document"] | {"state": "failed", "reason": "no log"})

    assert start(empty) == first
    assert len(invocations.calls) == 2
    assert show(empty, first)["document"]["state"] == "running"


def test_forecast_that_did_not_end_is_failed(empty, invocations, forecasts):
    forecast_id = start(empty)
    record = show(empty, forecast_id)["document"]
    forecasts.write(forecast_id, record | {"startedMs": NOW_MS - MAX_RUN_MS - 1})

    found = show(empty, forecast_id)["document"]

    assert found["state"] == "failed"
    assert found["reason"].startswith("the forecast did not end within 15 minutes")


def test_forecast_that_lambda_rejects_is_failed(empty, invocations, forecasts):
    invocations.error = "TooManyRequestsException"

    assert empty.call(START, {"recommender": "for-you", "draft": DRAFT})["statusCode"] == 503
    invocations.error = None
    start(empty)
    assert len(invocations.calls) == 1


@pytest.mark.parametrize("forecast_id", ["f" * 32, "canary-v2-1", "../increments"])
def test_unknown_forecast_is_not_found(empty, invocations, forecast_id):
    assert show(empty, forecast_id)["statusCode"] == 404


def test_recommender_that_ranks_given_items_is_refused(empty, invocations):
    status, message = empty.refused(START, {"recommender": "personalized-ranking", "draft": DRAFT})

    assert (status, "expected one of for-you" in message, invocations.calls) == (400, True, [])


def test_read_only_operators_may_not_start_a_forecast():
    assert START not in READING


@pytest.mark.parametrize(("subject", "function"), [("engagement", ATTRIBUTE), ("drift", MONITOR)])
def test_refresh_invokes_the_function_asynchronously(empty, invocations, logged, counted, subject, function):
    answer = empty.call(f"POST /operator/{subject}", {})

    assert (answer["statusCode"], answer["document"]) == (202, {})
    assert invocations.calls == [(function, {})]
    assert "operator change" in logged()
    assert counted() == {"OperatorChanges": 1}


def test_refresh_throttled_by_lambda_returns_503(empty, invocations):
    invocations.error = "TooManyRequestsException"

    assert empty.call("POST /operator/engagement", {})["statusCode"] == 503


def test_client_of_a_key_is_the_sender():
    request = OperatorRequest({"signedBy": "ci", "requestContext": {}}, 0, lambda: 1.0)

    assert (request.by, request.signed("new season")) == ("ci", "new season (operator ci)")


KEY = "k" * 64


@pytest.mark.parametrize(
    ("body", "session"),
    [
        ({"sessionId": "s-1"}, Session("s-1", operator=True)),
        ({"sessionId": "s-1", "userId": "ann"}, Session("s-1", "ann", operator=True)),
    ],
)
def test_token_of_an_operator_has_the_session_and_user(empty, body, session):
    empty.aws("secretsmanager").create_secret(Name=SESSION_KEY, SecretString=KEY)

    document = empty.act("POST /operator/session-tokens", body)

    assert verify(document.pop("token"), [KEY.encode()], now_s=NOW_MS / 1000) == session
    assert document == {"sessionId": "s-1", "expiresInS": 900}


def test_missing_session_key_returns_503(empty):
    assert empty.call("POST /operator/session-tokens", {"sessionId": "s-1"})["statusCode"] == 503
