"""Asynchronous invocations, which are queued and retried.

Destinations receive the results. Dead-letter queues receive the events of failed invocations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Delivery, Message, UndeliverableError
from local_cloud.deployment import Deployment
from local_cloud.events.clock import iso_text
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.work_queue import Keep, WorkQueue

# AWS waits one minute before the first retry and two minutes before the second, which is too long for local use.
_RETRY_DELAYS_S = (0.5, 1.0)
_THROTTLE_DELAY_S = 0.5
_MAX_RETRIES = 2
_MAX_AGE_S = 6 * 3600.0
_MAX_CONCURRENT = 16
WORK = "invocation"
"""Type of the recorded work for accepted invocations that have not finished."""


@dataclass(slots=True)
class _Invocation:
    function_arn: str
    payload: bytes
    accepted: float
    attempts: int = 0


class AsyncInvocations:
    """Accepted invocations, which run in the background."""

    def __init__(
        self,
        invoke: Callable[[str, bytes], InvocationResult],
        *,
        delivery: Delivery,
        keep: Keep,
        report: Callable[[str], None],
    ) -> None:
        self._invoke = invoke
        self._delivery = delivery
        self._report = report
        self._dead_letters: dict[str, str] = {}
        self._configs: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._queue: WorkQueue[_Invocation] = WorkQueue(WORK, self._attempt, keep=keep, threads=_MAX_CONCURRENT)
        self.pending, self.close = self._queue.pending, self._queue.close

    def know_templates(self, deployment: Deployment) -> None:
        """Read the retries and destinations of each function and qualifier."""
        for function in deployment.of_type("AWS::Lambda::Function"):
            if target := (function.properties.get("DeadLetterConfig") or {}).get("TargetArn"):
                self._dead_letters[function.physical_id] = target
        for config in deployment.of_type("AWS::Lambda::EventInvokeConfig"):
            name, qualifier = config.properties["FunctionName"], config.properties["Qualifier"]
            self._configs[name.split(":function:")[-1], qualifier] = config.properties

    def accept(self, function_arn: str, payload: bytes) -> None:
        self._queue.accept(_Invocation(function_arn, payload, time.monotonic()), kept=(function_arn, payload))

    def _attempt(self, work: _Invocation) -> float | None:
        """Invoke the function, and send its result.

        Return the seconds until the next attempt, or None if the invocation is not repeated.
        """
        name, _, qualifier = work.function_arn.split(":function:")[-1].partition(":")
        config = self._configs.get((name, qualifier or "$LATEST"), {})
        destinations = config.get("DestinationConfig") or {}
        max_age_s = float(config.get("MaximumEventAgeInSeconds", _MAX_AGE_S))
        max_retries = int(config.get("MaximumRetryAttempts", _MAX_RETRIES))
        try:
            condition, outcome = self._invoked(work, max_age_s)
            if condition == "Throttled":
                return _THROTTLE_DELAY_S
            if condition == "RetriesExhausted" and work.attempts <= max_retries:
                return _RETRY_DELAYS_S[work.attempts - 1]
            succeeded = condition == "Success"
            if destination := (destinations.get("OnSuccess" if succeeded else "OnFailure") or {}).get("Destination"):
                self._delivery.send(destination, _result(work, destination, condition, outcome))
            if not succeeded and (dead_letters := self._dead_letters.get(name)):
                self._delivery.send(dead_letters, _dead_letter(work, condition, outcome))
        except (BotoCoreError, ClientError, UndeliverableError, FunctionNotFoundError) as error:
            self._report(f"asynchronous invocation of {work.function_arn}: {error}")
        return None

    def _invoked(self, work: _Invocation, max_age_s: float) -> tuple[str, InvocationResult | None]:
        """Invoke the function. Return the condition for its destinations, and its result if it ran.

        The condition `Throttled` means that the invocation must be repeated.
        """
        if time.monotonic() - work.accepted > max_age_s:
            return "EventAgeExceeded", None
        try:
            outcome = self._invoke(work.function_arn, work.payload)
        except ThrottledError as error:
            # AWS does not retry functions with a reserved concurrency of 0.
            return "ZeroReservedConcurrency" if error.reserved == 0 else "Throttled", None
        work.attempts += 1
        return "RetriesExhausted" if outcome.error else "Success", outcome


def _result(work: _Invocation, destination: str, condition: str, outcome: InvocationResult | None) -> Message:
    now = datetime.now(UTC)
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso_text(now),
        "requestContext": {
            "requestId": outcome.request_id if outcome else "",
            "functionArn": work.function_arn,
            "condition": condition,
            "approximateInvokeCount": work.attempts,
        },
        "requestPayload": _json(work.payload),
    }
    if outcome:
        record["responseContext"] = response_context(outcome)
        record["responsePayload"] = _json(outcome.payload)
    name = work.function_arn.split(":")[6]
    key = f"aws/lambda/async/{name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    return Message(
        record,
        attributes={"key": key} if destination.split(":")[2] == "s3" else {},
        source="lambda",
        detail_type=f"Lambda Function Invocation Result - {'Success' if condition == 'Success' else 'Failure'}",
    )


def _dead_letter(work: _Invocation, condition: str, outcome: InvocationResult | None) -> Message:
    answer = _json(outcome.payload) if outcome else {}
    attributes = {
        "RequestID": outcome.request_id if outcome else "",
        "ErrorCode": "200" if outcome else "429",
        "ErrorMessage": str(answer.get("errorMessage", condition) if isinstance(answer, dict) else condition),
    }
    return Message(_json(work.payload), attributes=attributes)


def response_context(outcome: InvocationResult) -> Mapping[str, Any]:
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.executed_version}
    return context | ({"functionError": outcome.error} if outcome.error else {})


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
