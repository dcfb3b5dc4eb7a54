"""Invocation of functions with a time limit for requests."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_cloud.execution.function import InvocationResult

_MAX_CONCURRENT = 64


class TimedInvocations:
    """Invocations with a time limit. After the limit, a started function continues to run, as on AWS."""

    def __init__(self, invoke: Callable[[str, bytes], InvocationResult]) -> None:
        self._invoke = invoke
        self._threads = ThreadPoolExecutor(_MAX_CONCURRENT, thread_name_prefix="integration")

    def __call__(self, function_arn: str, event: Mapping[str, Any], *, timeout_s: float) -> InvocationResult:
        invocation = self._threads.submit(self._invoke, function_arn, json.dumps(event).encode())
        try:
            return invocation.result(timeout_s)
        except TimeoutError:
            invocation.cancel()  # has an effect only if the invocation has not started
            raise TimeoutError(f"the function has not answered within {timeout_s} s") from None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
