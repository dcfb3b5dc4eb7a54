"""Scheduled functions that an operator calls outside of their schedules."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from alsolike.runtime.aws import client as of_aws
from functions.operate import handler
from tests.unit.functions.operate.shop import ATTRIBUTE, MONITOR


class Lambda:
    """Lambda client that records calls, and fails if `error` is set."""

    def __init__(self):
        self.calls: list[dict[str, Any]] = []
        self.error: str | None = None

    def invoke(self, **call):
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error, "Message": "too many"}}, "Invoke")
        self.calls.append(call)
        return {"StatusCode": 202}


@pytest.fixture
def lambda_(empty, monkeypatch):
    found = Lambda()
    monkeypatch.setattr(
        handler, "client", lambda service, **how: found if service == "lambda" else of_aws(service, **how)
    )
    return found


@pytest.mark.parametrize(("subject", "function"), [("engagement", ATTRIBUTE), ("drift", MONITOR)])
def test_refresh_invokes_the_function_asynchronously(empty, lambda_, logged, counted, subject, function):
    answer = empty.call(f"POST /operator/{subject}", {})

    assert (answer["statusCode"], answer["document"]) == (202, {})
    assert lambda_.calls == [{"FunctionName": function, "InvocationType": "Event", "Payload": b"{}"}]
    assert "operator change" in logged()
    assert counted() == {"OperatorChanges": 1}


def test_refresh_throttled_by_lambda_returns_503(empty, lambda_):
    lambda_.error = "TooManyRequestsException"

    assert empty.call("POST /operator/engagement", {})["statusCode"] == 503
