"""The metrics that functions write, by the names in `alsolike.observability`."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "Alsolike"
PERIOD = cdk.Duration.minutes(5)


def counted(
    metric: str,
    *,
    service: str,
    label: str | None = None,
    period: cdk.Duration = PERIOD,
) -> cloudwatch.Metric:
    """Return how often the function `service` counted an outcome."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric,
        dimensions_map={"service": service},
        statistic="Sum",
        period=period,
        label=label,
    )


def reported(
    metric: str, *, label: str | None = None, period: cdk.Duration = PERIOD, **dimensions: str
) -> cloudwatch.Metric:
    """Return the mean of a value that a function reported under dimensions of its own."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric,
        dimensions_map=dict(dimensions) if dimensions else None,
        statistic="Average",
        period=period,
        label=label,
    )


def percent(
    part: cloudwatch.IMetric,
    whole: cloudwatch.IMetric,
    *,
    label: str,
    least: int = 1,
    period: cdk.Duration = PERIOD,
) -> cloudwatch.MathExpression:
    """Return the share of one in another in percent; 0 where the whole is less than `least`."""
    return cloudwatch.MathExpression(
        label=label,
        expression=f"IF(FILL(whole, 0) >= {least}, 100 * FILL(part, 0) / whole, 0)",
        using_metrics={"part": part, "whole": whole},
        period=period,
    )
