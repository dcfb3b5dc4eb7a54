"""Lines of functions' logs, filtered and formatted."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from operations.function_logs import LogLine, parse_line, read_logs


def parsed(**fields):
    return parse_line(json.dumps(fields), time_ms=5)


def test_line_has_its_level_message_and_details():
    line = parsed(level="WARNING", message="request refused", error_type="NotFound", correlation_id="r1",
                  function_arn="arn", cold_start=True)  # fmt: skip

    assert line == LogLine(5, "WARNING", "request refused", "r1", {"error_type": "NotFound"})


@pytest.mark.parametrize("fields", [{"_aws": {}, "Errors": [1]}, {"served": {"asked": 3}}])
def test_metric_and_response_lines_are_omitted(fields):
    assert parsed(**fields) is None


def test_plain_text_log_line_has_no_level():
    line = parse_line("Task timed out after 3.00 seconds\n", time_ms=5)

    assert line == LogLine(5, "", "Task timed out after 3.00 seconds", None, {})


@pytest.mark.parametrize(
    ("text", "is_error"),
    [
        (json.dumps({"level": "ERROR", "message": "no"}), True),
        (json.dumps({"level": "INFO", "message": "ERROR is only a word here"}), False),
        ("[ERROR] KeyError: 'x'", True),
        ("2026-03-01T12:00:00Z 4c1 Task timed out after 3.00 seconds", True),
        ("2026-03-01T12:00:00Z 4c1 Runtime exited with error: signal: killed", True),
        (json.dumps({"type": "platform.report", "record": {"requestId": "4c1", "status": "timeout"}}), True),
        (json.dumps({"type": "platform.report", "record": {"requestId": "4c1", "status": "success"}}), False),
        ("loaded", False),
    ],
)
def test_errors_are_recognised_by_their_level_or_text(text, is_error):
    line = parse_line(text, time_ms=5)

    assert line.is_error == is_error


class CloudWatch:
    """Log events of one function, and the filter pattern of CloudWatch with optional quoted terms."""

    def __init__(self, messages):
        self._messages = messages

    def get_paginator(self, operation):
        return SimpleNamespace(paginate=getattr(self, operation))

    def describe_stacks(self):
        return [{"Stacks": [{"StackName": "alsolike-demo-serving"}]}]

    def list_stack_resources(self, **_):
        group = {"ResourceType": "AWS::Logs::LogGroup", "LogicalResourceId": "RecommendLog0123ABCD"}
        return [{"StackResourceSummaries": [{**group, "PhysicalResourceId": "group"}]}]

    def filter_log_events(self, *, filterPattern, **_):  # noqa: N803
        terms = re.findall(r'\?"([^"]+)"', filterPattern)
        passing = [message for message in self._messages if any(term in message for term in terms)]
        return [{"events": [{"message": message, "timestamp": 5} for message in passing]}]


def test_errors_of_the_code_and_of_lambda_are_read():
    errors = [
        json.dumps({"level": "ERROR", "message": "no"}),
        json.dumps({"level": "FATAL", "message": "no"}),
        "[ERROR] KeyError: 'x'",
        "4c1 Task timed out after 3.00 seconds",
        "4c1 Runtime exited with error: signal: killed",
        json.dumps({"type": "platform.report", "record": {"status": "timeout"}}),
    ]
    client = CloudWatch([json.dumps({"level": "INFO", "message": "loaded"}), *errors])
    deployment: Any = SimpleNamespace(environment="demo", client=lambda service: client)

    lines = list(read_logs(deployment, "recommend", since_ms=0, errors=True))

    assert lines == [parse_line(error, time_ms=5) for error in errors]
