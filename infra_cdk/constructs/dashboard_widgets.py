"""Dashboards, graphs and log queries with common sizes."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.settings import Settings

WIDE, HALF, THIRD, HEIGHT = 24, 12, 8, 6
DAY = cdk.Duration.days(1)
RATES = (
    (Metric.CLICK_THROUGH, "Clicks an impression"),
    (Metric.CONVERSION, "Share of responses that led to a purchase"),
    (Metric.REVENUE_PER_THOUSAND, "Revenue per thousand responses"),
    (Metric.COVERAGE, "Share of the catalogue in responses"),
    (Metric.NOVELTY, "Novelty, bits"),
    (Metric.NEW_ITEM_SHARE, "Share of new items"),
    (Metric.DEGRADED_SHARE, "Share of degraded responses"),
)
"""Metrics of attribution with the titles of their graphs. Each value describes the responses of one day."""


def board(scope: Construct, name: str, *, settings: Settings, start: str = "-PT12H") -> cloudwatch.Dashboard:
    return cloudwatch.Dashboard(
        scope, name, dashboard_name=f"alsolike-{settings.name}-{name.lower()}", start=start, default_interval=None
    )


def graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    right_label: str | None = None,
    width: int = HALF,
    line: tuple[float, str] | None = None,
) -> cloudwatch.GraphWidget:
    """Create a graph. `line` is the value and the label of a horizontal line, such as a threshold."""
    return cloudwatch.GraphWidget(
        title=title,
        left=list(left),
        right=list(right),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, label=right_label, show_units=False) if right else None,
        left_annotations=[cloudwatch.HorizontalAnnotation(value=line[0], label=line[1])] if line else None,
        width=width,
        height=HEIGHT,
    )


def query(title: str, log: logs.ILogGroup, *lines: str) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title=title, log_group_names=[log.log_group_name], query_lines=list(lines), width=HALF, height=HEIGHT
    )
