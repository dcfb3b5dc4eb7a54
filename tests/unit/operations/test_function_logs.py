"""Lines of functions' logs, filtered and formatted."""

import json

import pytest

from operations.function_logs import LogLine, parse_line


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
        ("loaded", False),
    ],
)
def test_errors_are_recognised_by_their_level(text, is_error):
    line = parse_line(text, time_ms=5)

    assert line.is_error == is_error
