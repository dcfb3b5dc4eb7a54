"""Logger and metrics of all functions, without personal data.

Functions write metrics in the embedded metric format (EMF) to standard output, which does not delay requests.
The correlation ID identifies a request in logs, on the stream and in the lake. It is the value of the header
`x-correlation-id`, or the API's request ID. Invalid values of the header are ignored. The limits on length and
characters keep free text out of logs. Programs that act as shoppers, such as assistants, state their name in the
header `x-alsolike-agent`.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from aws_lambda_powertools import Logger

from alsolike.declarations.metrics import Metric

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Alsolike")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "alsolike")

T = TypeVar("T")

CORRELATION_HEADER = "x-correlation-id"
MAX_CORRELATION_CHARACTERS = 64
"""Maximum length of a correlation ID. A UUID has 36 characters, a W3C traceparent 55."""
MAX_LOGGED_IDS = 10
_WELL_FORMED = re.compile(rf"[A-Za-z0-9._=:-]{{1,{MAX_CORRELATION_CHARACTERS}}}", re.ASCII)


def correlation_id_of(value: Any) -> str | None:
    return value if isinstance(value, str) and _WELL_FORMED.fullmatch(value) else None


AGENT_HEADER = "x-alsolike-agent"
UNNAMED_AGENT = "unnamed"
"""Agent of a request whose header has a value that is too long or has other characters than a correlation ID."""


def agent_of(value: Any) -> str | None:
    return (correlation_id_of(value) or UNNAMED_AGENT) if value else None


API_SERVICE = "api"
"""Value of the dimension `service` for counters that several functions share, because alarms are charged per time
series.
"""


class _Invocation(logging.Filter):
    """Log filter that adds the fields of the invocation to each line.

    Most requests log nothing, so this filter is faster than Powertools' `inject_lambda_context` and
    `set_correlation_id`, which set the fields at each request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context: Any = None
        self.correlation_id: str | None = None
        self.agent: str | None = None
        # With provisioned concurrency, the first request has no cold start.
        self.invocations = int(os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency")

    def begin(self, event: Any, context: Any) -> None:
        """Set the fields of an invocation. Only API requests have a correlation ID and an agent."""
        self.context = context
        self.invocations += 1
        self.correlation_id = self.agent = None
        if isinstance(event, dict) and "routeKey" in event:
            headers = event.get("headers") or {}
            self.correlation_id = correlation_id_of(headers.get(CORRELATION_HEADER)) or correlation_id_of(
                (event.get("requestContext") or {}).get("requestId")
            )
            self.agent = agent_of(headers.get(AGENT_HEADER))

    def filter(self, record: logging.LogRecord) -> bool:
        if self.context is not None:
            record.cold_start = self.invocations == 1
            record.function_name = self.context.function_name
            record.function_memory_size = self.context.memory_limit_in_mb
            record.function_arn = self.context.invoked_function_arn
            record.function_request_id = self.context.aws_request_id
        if self.correlation_id is not None:
            record.correlation_id = self.correlation_id
        return True


class Counters:
    """Counters of an invocation. They are written as one EMF line at the end of the invocation, unless all are 0.

    Powertools' Metrics would take about 10% of the processor time of a request.
    """

    def __init__(self, namespace: str, service: str) -> None:
        self._namespace, self._service = namespace, service
        self._counted: dict[str, int] = {}

    def add(self, name: str, value: int) -> None:
        self._counted[name] = self._counted.get(name, 0) + value

    def clear(self) -> None:
        self._counted = {}

    def write(self) -> None:
        counted = self._counted
        self.clear()
        if counted:
            self._write_line(counted, {}, [["service"]])

    def write_one(self, name: str, dimensions: Mapping[str, str]) -> None:
        self._write_line({name: 1}, dimensions, [["service"], ["service", *dimensions]])

    def _write_line(
        self, counted: Mapping[str, int], dimensions: Mapping[str, str], dimension_sets: Sequence[Sequence[str]]
    ) -> None:
        units = [{"Name": name, "Unit": "Count"} for name in counted]
        directive = {"Namespace": self._namespace, "Dimensions": dimension_sets, "Metrics": units}
        document = {
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
            "service": self._service,
            **dimensions,
            **{name: [value] for name, value in counted.items()},
        }
        sys.stdout.write(f"{orjson.dumps(document).decode()}\n")


logger = Logger()
invocation = _Invocation()
logger.addFilter(invocation)
counters = Counters(os.environ["POWERTOOLS_METRICS_NAMESPACE"], os.environ["POWERTOOLS_SERVICE_NAME"])
shared_counters = Counters(os.environ["POWERTOOLS_METRICS_NAMESPACE"], API_SERVICE)


def instrumented(handler: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
    """Decorate a handler. Its log lines get the fields of the invocation, and its counters are written at the end.

    Requests of a REST API are converted to the format of an HTTP API.
    """

    @functools.wraps(handler)
    def observing(event: Any, context: Any) -> T:
        if "httpMethod" in event:
            from alsolike.runtime.rest_events import request_of_rest  # Only a private API needs the module.

            event = request_of_rest(event)
        invocation.begin(event, context)
        try:
            return handler(event, context)
        finally:
            counters.write()
            shared_counters.write()

    return observing


def log_refusal(error: Exception) -> None:
    """Log the types of a rejected request's error and its cause.

    Messages are not logged, because they may quote the request.
    """
    logger.warning("request refused", error_type=type(error).__name__, cause_type=type(error.__cause__).__name__)


def count(metric: Metric, value: int = 1) -> None:
    """Add a value to a counter, which `instrumented` writes at the end of the invocation.

    The value 0 is not written, because CloudWatch charges for each hour in which a metric has a value.
    """
    if value:
        counters.add(metric.value, value)


def count_shared(metric: Metric) -> None:
    shared_counters.add(metric.value, 1)


def count_all(metrics: Iterable[Metric]) -> None:
    for metric in metrics:
        counters.add(metric.value, 1)


def count_by(metric: Metric, **dimensions: str) -> None:
    """Write a counter with the value 1 immediately, in total and by additional dimensions.

    CloudWatch charges for each combination of dimension values, so use this function only for rare outcomes.
    """
    counters.write_one(metric.value, dimensions)


def report(values: Mapping[Metric, float], **dimensions: str) -> None:
    from aws_lambda_powertools.metrics import MetricUnit  # Slow import that requests do not need.
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    apart = AmazonCloudWatchEMFProvider()
    for name, value in dimensions.items():
        apart.add_dimension(name, value)
    for metric, number in values.items():
        apart.add_metric(name=metric, unit=MetricUnit.NoUnit, value=number)
    if values:
        apart.flush_metrics()
