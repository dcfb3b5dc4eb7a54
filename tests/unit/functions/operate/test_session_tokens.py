"""Session tokens for operators' pages."""

import pytest

from alsolike.events.session_tokens import Session, verify
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.operate.shop import SESSION_KEY

KEY = "k" * 64


@pytest.mark.parametrize(
    ("body", "session"),
    [
        ({"sessionId": "s-1"}, Session("s-1", operator=True)),
        ({"sessionId": "s-1", "userId": "ann"}, Session("s-1", "ann", operator=True)),
    ],
)
def test_token_of_an_operator_has_the_session_and_user(empty, body, session):
    empty.client("secretsmanager").create_secret(Name=SESSION_KEY, SecretString=KEY)

    document = empty.act("POST /operator/session-tokens", body)

    assert verify(document.pop("token"), [KEY.encode()], now_s=NOW_MS / 1000) == session
    assert document == {"sessionId": "s-1", "expiresInS": 900}


def test_missing_session_key_returns_503(empty):
    assert empty.call("POST /operator/session-tokens", {"sessionId": "s-1"})["statusCode"] == 503
