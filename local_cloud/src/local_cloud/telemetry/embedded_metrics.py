"""CloudWatch's embedded metric format (EMF): log lines that contain metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MARK = '"_aws"'


@dataclass(frozen=True, slots=True)
class MetricDatum:
    namespace: str
    datum: dict[str, Any]


def embedded_metrics(line: str) -> list[MetricDatum]:
    """Return the metrics of a log line. A line that is not valid EMF has no metrics."""
    if MARK not in line:
        return []
    try:
        document = json.loads(line)
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
