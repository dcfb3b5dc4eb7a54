"""Scheduled functions that an operator calls outside of their schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from alsolike.runtime.aws import client as of_aws
from functions.operate import handler
from tests.unit.functions.operate.shop import ATTRIBUTE, MONITOR, Operator


class Lambda:
    """Lambda client that records calls, and fails if `error` is set."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: str | None = None

    def invoke(self, **call: Any) -> dict[str, Any]:
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error, "Message": "too many"}}, "Invoke")
        self.calls.append(call)
        return {"StatusCode": 202}


@pytest.fixture
def lambda_(empty: Operator, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    found = Lambda()
    monkeypatch.setattr(
        handler, "client", lambda service, **how: found if service == "lambda" else of_aws(service, **how)
    )
    return found


@pytest.mark.parametrize(("subject", "function"), [("engagement", ATTRIBUTE), ("drift", MONITOR)])
def test_refresh_invokes_the_function_asynchronously(
    empty: Operator,
    lambda_: Lambda,
    logged: Callable[[], str],
    counted: Callable[[], dict[str, float]],
    subject: str,
    function: str,
) -> None:
    answer = empty.call(f"POST /operator/{subject}", {})

    assert (answer["statusCode"], answer["document"]) == (202, {})
    assert lambda_.calls == [{"FunctionName": function, "InvocationType": "Event", "Payload": b"{}"}]
    assert "operator change" in logged()
    assert counted() == {"OperatorChanges": 1}


def test_refresh_throttled_by_lambda_returns_503(empty: Operator, lambda_: Lambda) -> None:
    lambda_.error = "TooManyRequestsException"

    assert empty.call("POST /operator/engagement", {})["statusCode"] == 503
