"""Lock that allows one training run at a time. It is an S3 object with the ID of the holding execution.

Executions do not release the lock. Instead, the next execution checks in Step Functions if the holder is still running,
so an aborted or failed holder does not block later runs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from alsolike.declarations.storage import TRAINING_RUN_KEY
from alsolike.registry.champion_pointer_store import REPAIR
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client, StepFunctionsClient
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import S3Object

_NO_EXECUTION = ("ExecutionDoesNotExist", "InvalidArn")  # AWS deletes the history of executions after 90 days.


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    execution_id: str
    run_id: str
    etag: str


class TrainingLock:
    def __init__(self, s3: S3Client, stepfunctions: StepFunctionsClient, bucket: str) -> None:
        self._s3 = s3
        self._stepfunctions = stepfunctions
        self._bucket = bucket

    def acquire(self, execution_id: str, *, run_id: str, now_ms: int) -> Holder:
        """Acquire the lock for an execution, unless another running execution holds it. Return the holder."""
        holder = self._holder()
        if holder and (holder.execution_id == execution_id or self._runs(holder.execution_id)):
            return holder
        etag = self._write(holder, {"execution_id": execution_id, "run_id": run_id, "taken_ms": now_ms})
        return Holder(execution_id, run_id, etag)

    def running(self) -> Holder | None:
        holder = self._holder()
        return holder if holder and self._runs(holder.execution_id) else None

    def is_broken(self) -> bool:
        try:
            self._holder()
        except InvalidInput:
            return True
        return False

    def clear(self) -> None:
        S3Object(self._s3, self._bucket, TRAINING_RUN_KEY).delete()

    def _holder(self) -> Holder | None:
        if (stored := S3Object(self._s3, self._bucket, TRAINING_RUN_KEY).read()) is None:
            return None
        try:
            document = orjson.loads(stored.body)
            execution_id, run_id = document["execution_id"], document["run_id"]
            if not isinstance(execution_id, str) or not isinstance(run_id, str) or not execution_id:
                raise ValueError(f"execution {execution_id!r} of run {run_id!r}")
            return Holder(execution_id, run_id, stored.etag)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"s3://{self._bucket}/{TRAINING_RUN_KEY} is unreadable: {error!r}; {REPAIR}") from error

    def _runs(self, execution_id: str) -> bool:
        try:
            with translate_aws_errors(f"execution {execution_id}"):
                status = self._stepfunctions.describe_execution(executionArn=execution_id)["status"]
        except Unavailable as error:
            if error.code in _NO_EXECUTION:
                return False
            raise
        return bool(status in ("RUNNING", "PENDING_REDRIVE"))

    def _write(self, expected: Holder | None, document: dict[str, Any]) -> str:
        return S3Object(self._s3, self._bucket, TRAINING_RUN_KEY).replace(
            orjson.dumps(document, option=orjson.OPT_INDENT_2),
            etag=expected.etag if expected else None,
            conflict=f"another run took s3://{self._bucket}/{TRAINING_RUN_KEY} at the same time",
        )
