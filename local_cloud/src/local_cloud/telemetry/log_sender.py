"""Thread that sends log lines and metrics to CloudWatch, so that writers wait only while the queue is full."""

import contextlib
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients

_MAX_PER_REQUEST = 500
_MAX_QUEUED = 50_000
_LONGEST_WAIT_S = 1.0
"""Maximum time that a writer waits while the queue is full.

It is short, because a call of CloudWatch that empties the queue may itself add items to the queue.
"""
_WAIT_S = 0.2
_GATHER_S = 0.25
"""Time in which items are gathered after the first, because each invocation queues several items."""


@dataclass(frozen=True, slots=True)
class MetricDatum:
    namespace: str
    datum: dict[str, Any]


_Item: TypeAlias = tuple[str, str, dict[str, Any]] | MetricDatum


class TakeMetric(Protocol):
    def __call__(
        self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str
    ) -> None: ...


class Pump:
    """Queue of log lines and metrics. A thread sends them in batches."""

    def __init__(self, clients: Clients, *, put_metrics: Callable[[str, Sequence[Mapping[str, Any]]], None]) -> None:
        self._clients = clients
        self._put_metrics = put_metrics
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._streams: set[tuple[str, str]] = set()
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._hurried = threading.Event()
        self._pending = 0
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def log(self, group: str, stream: str, message: str) -> None:
        """Queue a line for a log group. The first line creates the group and the stream if they do not exist."""
        self._put((group, stream, {"timestamp": int(time.time() * 1000), "message": message}))

    def metric(self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str) -> None:
        datum = {
            "MetricName": name,
            "Unit": unit,
            "Value": float(value),
            "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        }
        self._put(MetricDatum(namespace=namespace, datum=datum))

    def flush(self, timeout_s: float = 10.0) -> int:
        """Wait until all queued items are sent. Return the number of items that still wait after `timeout_s`."""
        with self._idle:
            if self._pending:
                self._hurried.set()
            self._idle.wait_for(lambda: self._pending == 0, timeout_s)
            return self._pending

    def stop(self) -> None:
        self.flush()
        self._stopping.set()
        self._thread.join()

    def _put(self, item: _Item) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._pending < _MAX_QUEUED, _LONGEST_WAIT_S)
            self._pending += 1
        self._queue.put(item)

    def _run(self) -> None:
        while not self._stopping.is_set():
            items = []
            with contextlib.suppress(queue.Empty):
                items.append(self._queue.get(timeout=_WAIT_S))
                self._hurried.wait(_GATHER_S)
                while len(items) < _MAX_PER_REQUEST:
                    items.append(self._queue.get_nowait())
            if items:
                self._send(items)
                with self._idle:
                    self._pending -= len(items)
                    if self._pending == 0:
                        self._hurried.clear()
                    self._idle.notify_all()

    def _send(self, items: list[_Item]) -> None:
        lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        metrics: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in items:
            if isinstance(item, MetricDatum):
                metrics[item.namespace].append(item.datum)
            else:
                group, stream, event = item
                lines[group, stream].append(event)
                for metric in embedded_metrics(event["message"]):
                    metrics[metric.namespace].append(metric.datum)
        for (group, stream), events in lines.items():
            # The lines of a deleted log group are lost, as on AWS.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._create_stream(group, stream)
                ordered = sorted(events, key=lambda event: event["timestamp"])
                self._clients("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=ordered)
        for namespace, data in metrics.items():
            self._put_metrics(namespace, data)

    def _create_stream(self, group: str, stream: str) -> None:
        if (group, stream) in self._streams:
            return
        logs = self._clients("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._streams.add((group, stream))


def embedded_metrics(line: str) -> list[MetricDatum]:
    """Return the metrics of a log line in the embedded metric format. Other lines have no metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in line:
        return []
    try:
        document = orjson.loads(line)
        metadata = document["_aws"]
        timestamp = datetime.fromtimestamp(metadata["Timestamp"] / 1000, UTC)
        return [
            MetricDatum(
                namespace=directive["Namespace"],
                datum=_datum(document, definition, dimensions) | {"Timestamp": timestamp},
            )
            for directive in metadata["CloudWatchMetrics"]
            for definition in directive["Metrics"]
            for dimensions in directive.get("Dimensions") or [[]]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _datum(document: dict[str, Any], definition: dict[str, Any], dimensions: list[str]) -> dict[str, Any]:
    value = document[definition["Name"]]
    values = value if isinstance(value, list) else [value]
    return {
        "MetricName": definition["Name"],
        "Unit": definition.get("Unit", "None"),
        "Dimensions": [{"Name": name, "Value": str(document[name])} for name in dimensions],
        "Values": [float(item) for item in values],
        "Counts": [1.0] * len(values),
    }
