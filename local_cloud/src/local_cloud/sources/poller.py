"""Base class of the pollers: a thread that can be started, stopped and joined."""

import abc
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.execution.function import FunctionNotFoundError, InvocationResult
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.stream_retries import NotInvokedError


class Poller(abc.ABC):
    def __init__(
        self,
        mapping: EventSourceMapping,
        *,
        invoke: Callable[[str, bytes], InvocationResult],
        enabled: Callable[[], bool],
        report: Callable[[str], None],
        counts: "Counter[str]",
    ) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._enabled = enabled
        self._write_report = report
        self._counts = counts
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll {mapping.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        if self._thread.ident is not None:  # started
            self._thread.join(timeout_s)

    def _report(self, error: object) -> None:
        self._write_report(f"event source mapping {self._mapping.name}: {error}")

    def invoke_batch(self, event: Mapping[str, Any], *, records: int) -> InvocationResult:
        """Invoke the function with a batch. Raise NotInvokedError if the function cannot be invoked."""
        self._counts["batches"] += 1
        self._counts["records"] += records
        try:
            return self._invoke(self._mapping.function_arn, orjson.dumps(event))
        except (BotoCoreError, ClientError, FunctionNotFoundError) as error:
            self._report(error)
            raise NotInvokedError from error

    @abc.abstractmethod
    def _run(self) -> None:
        """Poll until `_stopping` is set."""
