"""Base class of the pollers: a thread that can be started, stopped and joined."""

import abc
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.delivery import Delivery
from local_cloud.deployment import Clients
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, dimensions_of
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.telemetry.log_sender import TakeMetric

LARGEST_BATCH_BYTES = 6 * 1024 * 1024


class NotInvokedError(Exception):
    """Error if the function could not be invoked. The invocation is repeated and does not count as a retry."""


@dataclass(frozen=True, slots=True)
class PollerServices:
    """Parts of the cloud that pollers use.

    `compile_filter` compiles a pattern of a mapping's filter criteria. `is_enabled` takes the UUID of a mapping.
    """

    clients: Clients
    invoke: Callable[[str, bytes], InvocationResult]
    compile_filter: Callable[[str], Callable[[Mapping[str, Any]], bool]]
    is_enabled: Callable[[str], bool]
    delivery: Delivery
    metric: TakeMetric
    report: Callable[[str], None]


class Poller(abc.ABC):
    def __init__(self, mapping: EventSourceMapping, services: PollerServices) -> None:
        self.mapping = mapping
        self.counts = Counter[str]()
        self._services = services
        self._filters = [services.compile_filter(pattern) for pattern in mapping.filters]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll {mapping.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        if self._thread.ident is not None:  # started
            self._thread.join(timeout_s)

    def invoke_batch(self, event: Mapping[str, Any], *, records: int) -> InvocationResult:
        """Invoke the function with a batch. Raise NotInvokedError if the function cannot be invoked."""
        self.counts["batches"] += 1
        self.counts["records"] += records
        try:
            return self._services.invoke(self.mapping.function_arn, orjson.dumps(event))
        except (BotoCoreError, ClientError, FunctionNotFoundError) as error:
            self._report(error)
            raise NotInvokedError from error

    def _is_enabled(self) -> bool:
        return self._services.is_enabled(self.mapping.uuid)

    def _passes_filters(self, candidate: Mapping[str, Any] | None) -> bool:
        """Return whether a filter matches. `candidate` is None for a record that filters cannot read."""
        return candidate is not None and any(matches(candidate) for matches in self._filters)

    def _measure(self, name: str, value: float, *, unit: str) -> None:
        """Record a metric of the function, as Lambda does."""
        function_arn = self.mapping.function_arn
        for dimensions in dimensions_of(function_arn.split(":")[6], function_arn):
            self._services.metric("AWS/Lambda", name, value, unit=unit, **dimensions)

    def _report(self, error: object) -> None:
        self._services.report(f"event source mapping {self.mapping.name}: {error}")

    @abc.abstractmethod
    def _run(self) -> None:
        """Poll until `_stopping` is set."""


def failed_items(payload: bytes, identifiers: Sequence[str]) -> set[str]:
    """Return the identifiers of failed items in a ReportBatchItemFailures response.

    An empty or null response, or an empty, null or missing list, means that all items succeeded. An invalid response,
    or an item without an identifier of the batch, means that all items failed.

    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    try:
        response = json.loads(payload or b"null")
    except ValueError:
        return set(identifiers)
    match response:
        case None | {"batchItemFailures": None}:
            return set()
        case {"batchItemFailures": list() as failures}:
            named: list[Any] = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
            if all(name in identifiers for name in named):
                return set(named)
        case dict() if "batchItemFailures" not in response:
            return set()
    return set(identifiers)
