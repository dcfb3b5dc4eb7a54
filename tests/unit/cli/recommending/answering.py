"""Stand-in for the function `recommend` in this process."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

from tests.unit.cli.shop import NAMES


class Function:
    """Lambda client that returns two items per user, the second one popular, and that fails on demand.

    Attributes
    ----------
    failures
        Failures of the next invocations, in order, by the first user of the batch.
    maximum
        Maximum number of users that an invocation processes.
    batches
        Events of the invocations.
    """

    def __init__(self) -> None:
        self.failures: dict[str, list[Any]] = {}
        self.maximum = 1_000
        self.batches: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert FunctionName == NAMES.recommend_function
        batch = json.loads(Payload)["batch"]
        with self._lock:
            self.batches.append(batch)
            failures = self.failures.get(batch["users"][0], [])
            failure = failures.pop(0) if failures else None
        if isinstance(failure, BaseException):
            raise failure
        if failure is not None:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        results = [self._result(user) for user in batch["users"][: self.maximum]]
        document = {"answered": len(results), "notDone": len(batch["users"]) - len(results), "results": results}
        return {"Payload": io.BytesIO(json.dumps(document).encode())}

    def _result(self, user: str) -> dict[str, Any]:
        if "bad" in user:
            return {"error": f'userId is "{user}", expected better'}
        items = [{"itemId": f"{user}-1", "score": 0.5}, {"itemId": "hit", "score": 0.25}]
        result = {"userId": user, "itemList": items, "source": "model", "modelVersion": "v1", "filled": 1}
        return {**result, "degraded": ["stale-model"]} if user == "u3" else result
