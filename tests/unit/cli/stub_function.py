"""Lambda function of a deployment with a given response."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest

from operations.client.deployment import Deployment
from tests.unit.cli.shop import KEY


class StubFunction:
    """Lambda client with one response. Other clients are those of the deployment."""

    def __init__(self, deployment: Deployment, answer: dict[str, Any]) -> None:
        self._client, self._answer = deployment.client, answer
        self.invoked: list[str] = []

    def client(self, service: str) -> Any:
        return self if service == "lambda" else self._client(service)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invoked.append(FunctionName)
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in self._answer else {}
        return {**failed, "Payload": io.BytesIO(orjson.dumps(self._answer))}


def replace_functions(deployment: Deployment, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> StubFunction:
    """Let commands use a deployment whose functions have one response."""
    function = StubFunction(deployment, answer)
    local = Deployment("shop", deployment.names, function.client, lambda: KEY, is_local=True)
    monkeypatch.setattr("operations.client.deployment.resolve", lambda **_: local)
    return function
