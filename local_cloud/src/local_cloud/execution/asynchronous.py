"""Asynchronous invocations, which are queued and retried.

Destinations receive the results. Dead-letter queues receive the events of failed invocations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import heapq
import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Delivery, Message, UndeliverableError
from local_cloud.events.clock import iso_text
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError

# AWS waits one minute before the first retry and two minutes before the second, which is too long for local use.
RETRY_DELAYS_S = (0.5, 1.0)
_THROTTLE_DELAY_S = 0.5
MAX_RETRIES = 2
MAX_AGE_S = 6 * 3600.0
_MAX_CONCURRENT = 16
WORK = "invocation"
"""Type of the recorded work for accepted invocations that have not finished."""


@dataclass(frozen=True, slots=True)
class AsyncConfig:
    max_retries: int = MAX_RETRIES
    max_age_s: float = MAX_AGE_S
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(order=True, slots=True)
class _Attempt:
    due: float
    order: int
    function_arn: str = field(compare=False)
    payload: bytes = field(compare=False)
    accepted: float = field(compare=False)
    done: Callable[[], None] = field(compare=False)
    invoked: int = field(compare=False, default=0)


class AsyncInvocations:
    """Accepted invocations, which run in the background.

    `keep` records pending work of a type, and returns a function that records its completion.
    """

    def __init__(
        self,
        invoke: Callable[[str, bytes], InvocationResult],
        *,
        config: Callable[[str], AsyncConfig],
        keep: Callable[[str, Any], Callable[[], None]],
        report: Callable[[str], None],
    ) -> None:
        self._invoke = invoke
        self._config = config
        self._keep = keep
        self._report = report
        self._delivery: Delivery | None = None
        self._order = itertools.count()
        self._due: list[_Attempt] = []
        self._changed = threading.Condition()
        self._busy = 0
        self._closed = False
        self._workers = ThreadPoolExecutor(_MAX_CONCURRENT, thread_name_prefix="async")
        self._thread = threading.Thread(target=self._run, name="async-queue", daemon=True)
        self._thread.start()

    def deliver_through(self, delivery: Delivery) -> None:
        """Set the delivery to destinations. The delivery may invoke functions through this queue."""
        self._delivery = delivery

    def accept(self, function_arn: str, payload: bytes) -> None:
        now = time.monotonic()
        done = self._keep(WORK, (function_arn, payload))
        self._put(_Attempt(now, next(self._order), function_arn, payload, accepted=now, done=done))

    def pending(self) -> int:
        with self._changed:
            return len(self._due) + self._busy

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _put(self, attempt: _Attempt) -> None:
        with self._changed:
            heapq.heappush(self._due, attempt)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._due or self._due[0].due > time.monotonic()):
                    self._changed.wait(self._due[0].due - time.monotonic() if self._due else None)
                if self._closed:
                    return
                attempt = heapq.heappop(self._due)
                self._busy += 1
            self._workers.submit(self._work, attempt)

    def _work(self, attempt: _Attempt) -> None:
        try:
            if self._attempt(attempt):
                attempt.done()
        except (BotoCoreError, ClientError, UndeliverableError, FunctionNotFoundError) as error:
            self._report(f"asynchronous invocation of {attempt.function_arn}: {error}")
            attempt.done()
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _attempt(self, attempt: _Attempt) -> bool:
        """Invoke the function, and send the result. Return false if the invocation waits for another attempt."""
        config = self._config(attempt.function_arn)
        now = time.monotonic()
        if now - attempt.accepted > config.max_age_s:
            self._fail(attempt, config, condition="EventAgeExceeded", outcome=None)
            return True
        try:
            outcome = self._invoke(attempt.function_arn, attempt.payload)
        except ThrottledError as error:
            if error.reserved == 0:  # AWS does not retry functions with a reserved concurrency of 0.
                self._fail(attempt, config, condition="ZeroReservedConcurrency", outcome=None)
                return True
            self._put(replace(attempt, due=now + _THROTTLE_DELAY_S))
            return False
        attempt = replace(attempt, invoked=attempt.invoked + 1)
        if outcome.error is None:
            self._send(config.on_success, attempt, condition="Success", outcome=outcome)
        elif attempt.invoked <= config.max_retries:
            self._put(replace(attempt, due=time.monotonic() + RETRY_DELAYS_S[attempt.invoked - 1]))
            return False
        else:
            self._fail(attempt, config, condition="RetriesExhausted", outcome=outcome)
        return True

    def _fail(
        self, attempt: _Attempt, config: AsyncConfig, *, condition: str, outcome: InvocationResult | None
    ) -> None:
        self._send(config.on_failure, attempt, condition=condition, outcome=outcome)
        if config.dead_letters and self._delivery:
            answer = _json(outcome.payload) if outcome else {}
            attributes = {
                "RequestID": outcome.request_id if outcome else "",
                "ErrorCode": "200" if outcome else "429",
                "ErrorMessage": str(answer.get("errorMessage", condition) if isinstance(answer, dict) else condition),
            }
            self._delivery.send(config.dead_letters, Message(_json(attempt.payload), attributes=attributes))

    def _send(self, arn: str | None, attempt: _Attempt, *, condition: str, outcome: InvocationResult | None) -> None:
        if not arn or not self._delivery:
            return
        now = datetime.now(UTC)
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": iso_text(now),
            "requestContext": {
                "requestId": outcome.request_id if outcome else "",
                "functionArn": attempt.function_arn,
                "condition": condition,
                "approximateInvokeCount": attempt.invoked,
            },
            "requestPayload": _json(attempt.payload),
        }
        if outcome:
            record["responseContext"] = response_context(outcome)
            record["responsePayload"] = _json(outcome.payload)
        kind = "Success" if condition == "Success" else "Failure"
        name = attempt.function_arn.split(":")[6]
        key = f"aws/lambda/async/{name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        self._delivery.send(
            arn,
            Message(
                record,
                attributes={"key": key} if arn.split(":")[2] == "s3" else {},
                source="lambda",
                detail_type=f"Lambda Function Invocation Result - {kind}",
            ),
        )


def response_context(outcome: InvocationResult) -> Mapping[str, Any]:
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.executed_version}
    return context | ({"functionError": outcome.error} if outcome.error else {})


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
