"""Scheduled functions that an operator calls outside of their schedules."""

import pytest

from alsolike.events.session_tokens import Session, verify
from functions.operate.request import OperatorRequest
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.operate.shop import ATTRIBUTE, MONITOR, SESSION_KEY


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
