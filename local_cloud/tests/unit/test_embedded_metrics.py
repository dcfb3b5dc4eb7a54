import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local_cloud.telemetry.log_sender import embedded_metrics

DIRECTIVE: dict[str, Any] = {
    "Namespace": "Shop",
    "Dimensions": [["service"], ["service", "region"]],
    "Metrics": [{"Name": "Orders", "Unit": "Count"}],
}
DOCUMENT: dict[str, Any] = {
    "_aws": {"Timestamp": 1_700_000_000_000, "CloudWatchMetrics": [DIRECTIVE]},
    "service": "collect",
    "region": "north",
    "Orders": [1, 4],
}


def test_each_dimension_set_is_a_separate_metric():
    metrics = embedded_metrics(json.dumps(DOCUMENT))

    assert [metric.namespace for metric in metrics] == ["Shop", "Shop"]
    assert [len(metric.datum["Dimensions"]) for metric in metrics] == [1, 2]
    assert metrics[0].datum == {
        "MetricName": "Orders",
        "Unit": "Count",
        "Dimensions": [{"Name": "service", "Value": "collect"}],
        "Values": [1.0, 4.0],
        "Counts": [1.0, 1.0],
        "Timestamp": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "line",
    [
        "plain text",
        'text that names "_aws"',
        json.dumps({**DOCUMENT, "_aws": {}}),
        json.dumps({name: value for name, value in DOCUMENT.items() if name != "Orders"}),
        json.dumps({**DOCUMENT, "Refunds": "none"}).replace(
            '{"Name": "Orders"', '{"Name": "Orders"}, {"Name": "Refunds"'
        ),
        json.dumps([DOCUMENT]),
        json.dumps({**DOCUMENT, "Orders": float("nan")}),  # JSON has no such number
    ],
)
def test_line_that_is_not_of_the_format_has_no_metrics(line):
    assert embedded_metrics(line) == []
