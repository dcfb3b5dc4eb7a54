"""Lambda function of a deployment with a given response."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from operations.client.deployment import Deployment
from tests.unit.cli.shop import KEY


class StubFunction:
    """Lambda client that returns `answer`, or the result of `answer` for the event.

    `client` returns the deployment's clients of other services.
    """

    def __init__(self, deployment: Deployment, answer: dict[str, Any] | Callable[[Any], Any]) -> None:
        self._client, self.answer = deployment.client, answer
        self.invoked: list[str] = []
        self.events: list[Any] = []

    def client(self, service: str) -> Any:
        return self if service == "lambda" else self._client(service)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invoked.append(FunctionName)
        self.events.append(orjson.loads(Payload))
        answer = self.answer(self.events[-1]) if callable(self.answer) else self.answer
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {**failed, "Payload": io.BytesIO(orjson.dumps(answer))}


def replace_functions(
    deployment: Deployment, answer: dict[str, Any] | Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> StubFunction:
    """Let commands use a deployment whose functions have one response."""
    function = StubFunction(deployment, answer)
    local = Deployment("shop", deployment.names, function.client, lambda: KEY, is_local=True)
    monkeypatch.setattr("operations.client.deployment.resolve", lambda **_: local)
    return function
