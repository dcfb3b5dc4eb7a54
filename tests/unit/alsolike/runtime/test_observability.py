"""Business metrics in the embedded metric format."""

from __future__ import annotations

import dataclasses
import json

import pytest

from alsolike.declarations.metrics import Metric
from alsolike.runtime.observability import count, count_shared, instrumented, invocation, logger


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


def event(header=None, request_id="JKJaXmPLvHcESHA="):
    headers = {} if header is None else {"x-correlation-id": header}
    return {"routeKey": "GET /popular", "headers": headers, "requestContext": {"requestId": request_id}}


def correlate(call):
    invocation.begin(call, None)
    return invocation.correlation_id


@pytest.mark.parametrize(
    "header", ["order-17", "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd-b7ad6b71-01", "a" * 64]
)
def test_valid_correlation_id_of_the_caller_is_used(header):
    assert correlate(event(header)) == header


@pytest.mark.parametrize("header", ["", "anna@example.com", "a" * 65, "two words", "tab\t", "line\n", "é", '{"a":1}'])
def test_invalid_correlation_id_is_replaced_by_the_request_id(header):
    assert correlate(event(header)) == "JKJaXmPLvHcESHA="


@pytest.mark.parametrize(
    "call", [{}, {"batch": {}}, [], {"headers": None}, {"routeKey": "GET /popular"}, event(request_id=None)]
)
def test_event_without_a_request_has_no_correlation_id(call):
    correlate(event("order-17"))

    assert correlate(call) is None


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        ({}, None),
        ({"x-alsolike-agent": ""}, None),
        ({"x-alsolike-agent": "assistant-1"}, "assistant-1"),
        ({"x-alsolike-agent": "Anna Lee's assistant"}, "unnamed"),
        ({"x-alsolike-agent": "a" * 65}, "unnamed"),
    ],
)
def test_header_declares_the_agent_of_its_request_only(headers, agent):
    invocation.begin({"routeKey": "GET /popular", "headers": {"x-alsolike-agent": "earlier"}}, None)
    invocation.begin({"routeKey": "GET /popular", "headers": headers}, None)

    assert invocation.agent == agent
