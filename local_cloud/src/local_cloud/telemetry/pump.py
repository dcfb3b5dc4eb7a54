"""Thread that sends log lines and metrics to CloudWatch, so that their writers do not wait."""

import contextlib
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients
from local_cloud.telemetry.embedded_metrics import MetricDatum, embedded_metrics

_MOST_A_REQUEST = 500
_MOST_QUEUED = 50_000
_LONGEST_WAIT_S = 1.0
"""Maximum wait of a writer while the queue is full. It is short because CloudWatch itself may be a writer."""
_WAIT_S = 0.2
_GATHER_S = 0.25
"""Time in which items are gathered after the first one, because each invocation queues several items."""


_Item: TypeAlias = tuple[str, str, dict[str, Any]] | MetricDatum
WatchMetric: TypeAlias = Callable[[str, Mapping[str, Any], datetime], None]


class TakeMetric(Protocol):
    """Receiver of a metric with its dimensions by name."""

    def __call__(self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str) -> None:
        """Receive a value."""


class Pump:
    """Queue of log lines and metrics, which a thread sends in batches. Writers wait while the queue is full."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._watch: WatchMetric = lambda namespace, datum, at: None
        self._now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._queue: queue.SimpleQueue[tuple[_Item, datetime]] = queue.SimpleQueue()
        self._streams: set[tuple[str, str]] = set()
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._hurried = threading.Event()
        self._pending = 0
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def log(self, group: str, stream: str, message: str) -> None:
        """Queue a line for a log group; the group and the stream are created if they do not exist."""
        self._put((group, stream, {"timestamp": int(time.time() * 1000), "message": message}))

    def metric(self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str) -> None:
        """Queue a metric."""
        datum = {
            "MetricName": name,
            "Unit": unit,
            "Value": float(value),
            "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        }
        self._put(MetricDatum(namespace=namespace, datum=datum))

    def watch(self, take: WatchMetric, *, now: Callable[[], datetime]) -> None:
        """Pass every metric to an observer too, with its time of arrival.

        Parameters
        ----------
        take
            Function that receives the namespace, the datum in the form of PutMetricData, and the time of arrival.
        now
            Function that returns the time of the clock.
        """
        self._watch, self._now = take, now

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until CloudWatch has all items queued so far; return false after `timeout_s`."""
        with self._idle:
            if self._pending:
                self._hurried.set()
            return self._idle.wait_for(lambda: self._pending == 0, timeout_s)

    def stop(self) -> None:
        """Send the queued items and end."""
        self.flush()
        self._stopping.set()
        self._thread.join()

    def _put(self, item: _Item) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._pending < _MOST_QUEUED, _LONGEST_WAIT_S)
            self._pending += 1
        self._queue.put((item, self._now()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            items = []
            with contextlib.suppress(queue.Empty):
                items.append(self._queue.get(timeout=_WAIT_S))
                self._hurried.wait(_GATHER_S)
                while len(items) < _MOST_A_REQUEST:
                    items.append(self._queue.get_nowait())
            if items:
                self._send(items)
                with self._idle:
                    self._pending -= len(items)
                    if self._pending == 0:
                        self._hurried.clear()
                    self._idle.notify_all()

    def _send(self, items: list[tuple[_Item, datetime]]) -> None:
        lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        metrics: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item, at in items:
            if isinstance(item, MetricDatum):
                metrics[item.namespace].append(item.datum)
                self._watch(item.namespace, item.datum, at)
            else:
                group, stream, event = item
                lines[group, stream].append(event)
                for metric in embedded_metrics(event["message"]):
                    metrics[metric.namespace].append(metric.datum)
                    self._watch(metric.namespace, metric.datum, at)
        for (group, stream), events in lines.items():
            # A deleted log group loses its lines, as on AWS.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._create_stream(group, stream)
                ordered = sorted(events, key=lambda event: event["timestamp"])
                self._clients("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=ordered)
        for namespace, data in metrics.items():
            with contextlib.suppress(BotoCoreError, ClientError):
                self._clients("cloudwatch").put_metric_data(Namespace=namespace, MetricData=_by_series(data))

    def _create_stream(self, group: str, stream: str) -> None:
        if (group, stream) in self._streams:
            return
        logs = self._clients("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._streams.add((group, stream))


def _by_series(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the data with one datum per series and second, which has all values of the second."""
    series: dict[tuple[Any, ...], dict[str, Any]] = {}
    for datum in data:
        at = datum.get("Timestamp")
        dimensions = tuple((each["Name"], each["Value"]) for each in datum["Dimensions"])
        key = (datum["MetricName"], datum["Unit"], dimensions, at and int(at.timestamp()))
        values = datum.get("Values") or [datum["Value"]]
        if key in series:
            series[key]["Values"] += values
        else:
            series[key] = {name: datum[name] for name in ("MetricName", "Unit", "Dimensions")} | {"Values": [*values]}
            series[key] |= {"Timestamp": at} if at else {}
    return list(series.values())
