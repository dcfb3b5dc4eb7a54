"""Lambda client that records asynchronous calls."""

from __future__ import annotations

from typing import Any

import orjson
from botocore.exceptions import ClientError


class Invocations:
    """Lambda client that records calls, and fails with the code `error` if it is set."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.error: str | None = None

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert InvocationType == "Event"
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error, "Message": "too many"}}, "Invoke")
        self.calls.append((FunctionName, orjson.loads(Payload)))
        return {"StatusCode": 202}
