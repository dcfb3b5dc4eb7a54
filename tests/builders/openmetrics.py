"""OpenMetrics text, parsed by Prometheus' own client."""

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def read_families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}
