"""Business metrics in the embedded metric format."""

from __future__ import annotations

import dataclasses
import json

import pytest

from alsolike.declarations.metrics import Metric
from alsolike.runtime.observability import count, count_shared, instrumented, logger


def test_invocation_writes_its_counters_once(capsys):
    @instrumented
    def handler(event, context):
        count(Metric.EVENTS_ACCEPTED, 3)
        count(Metric.EVENTS_ACCEPTED)
        count(Metric.ITEMS_ACCEPTED)

    handler({}, None)

    (line,) = capsys.readouterr().out.splitlines()
    written = json.loads(line)
    assert (sum(written["EventsAccepted"]), sum(written["ItemsAccepted"])) == (4, 1)
    assert written["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Alsolike"


def test_shared_metric_has_a_separate_service_dimension(capsys):
    @instrumented
    def handler(event, context):
        count(Metric.EVENTS_ACCEPTED)
        count_shared(Metric.SIGNATURES_REFUSED)

    handler({}, None)

    own, shared = map(json.loads, capsys.readouterr().out.splitlines())
    assert ("SignaturesRefused" in own, own["service"] == "api") == (False, False)
    assert (shared["SignaturesRefused"], shared["service"]) == ([1], "api")


def test_counter_of_zero_is_not_written(capsys):
    @instrumented
    def handler(event, context):
        count(Metric.EVENTS_ACCEPTED, 3)
        count(Metric.EVENTS_AHEAD, 0)

    handler({}, None)

    (line,) = capsys.readouterr().out.splitlines()
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert [each["Name"] for each in directive["Metrics"]] == ["EventsAccepted"]


def test_invocation_without_counters_writes_no_metric_or_warning(capsys, recwarn):
    @instrumented
    def handler(event, context):
        raise KeyError("run_id")

    with pytest.raises(KeyError):
        handler({}, None)

    assert capsys.readouterr().out == ""
    assert [str(warning.message) for warning in recwarn] == []


def test_log_line_has_the_ids_of_its_invocation(caplog):
    @instrumented
    def handler(event, context):
        logger.info("answered")

    for number in ("r1", "r2"):
        handler({"routeKey": "GET /popular", "requestContext": {"requestId": f"api-{number}"}}, LambdaContext(number))

    first, second = (json.loads(logger.registered_formatter.format(record)) for record in caplog.records)
    fields = ("function_request_id", "correlation_id", "function_name", "function_arn", "function_memory_size")
    assert [first[name] for name in fields] == ["r1", "api-r1", "recommend", "arn:aws:lambda:recommend", 512]
    assert (second["function_request_id"], second["correlation_id"], second["cold_start"]) == ("r2", "api-r2", False)


@dataclasses.dataclass(frozen=True)
class LambdaContext:
    aws_request_id: str
    function_name: str = "recommend"
    invoked_function_arn: str = "arn:aws:lambda:recommend"
    memory_limit_in_mb: int = 512
