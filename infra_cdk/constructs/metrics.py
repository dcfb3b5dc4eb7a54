"""CloudWatch metrics of functions, which `alsolike.declarations.metrics` declares, and sums of AWS metrics."""

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from alsolike.declarations.metrics import Metric
from infra_cdk.settings import Settings

PERIOD = cdk.Duration.minutes(5)
HOUR = cdk.Duration.hours(1)


def namespace(settings: Settings) -> str:
    return f"Alsolike/{settings.name}"


class OwnMetrics:
    def __init__(self, settings: Settings) -> None:
        self.namespace = namespace(settings)

    def counted(
        self,
        metric: Metric,
        *,
        service: str,
        label: str | None = None,
        period: cdk.Duration = PERIOD,
    ) -> cloudwatch.Metric:
        return self.reported(metric, label=label, period=period, statistic="Sum", service=service)

    def reported(
        self,
        metric: Metric,
        *,
        label: str | None = None,
        period: cdk.Duration = PERIOD,
        statistic: str = "Average",
        **dimensions: str,
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=str(metric),
            dimensions_map=dict(dimensions),
            statistic=statistic,
            period=period,
            label=label,
        )

    def search(self, metric: Metric, dimension: str, statistic: str = "Average") -> cloudwatch.MathExpression:
        """Return a search for the series of a metric by the values of a dimension, which are unknown at synthesis."""
        return self._search_expression([*sorted((dimension, "service"))], metric, "", statistic)

    def search_rate(self, metric: Metric, dimension: str) -> cloudwatch.MathExpression:
        """Return a search for hourly averages of an attribution metric, one series per value of a dimension."""
        return self._search_expression(["dimension", "name", "service"], metric, f' dimension="{dimension}"', "Average")

    def _search_expression(
        self, keys: Sequence[str], metric: Metric, condition: str, statistic: str
    ) -> cloudwatch.MathExpression:
        # Names with a slash, hyphen or underscore must be quoted:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
        schema = ",".join(f'"{name}"' for name in (self.namespace, *keys))
        expression = f"SEARCH('{{{schema}}} MetricName=\"{metric}\"{condition}', '{statistic}', {HOUR.to_seconds():g})"
        return cloudwatch.MathExpression(expression=expression, using_metrics={}, label="", period=HOUR)


def if_enough(
    value: cloudwatch.IMetric, whole: cloudwatch.IMetric, *, label: str, minimum: int, period: cdk.Duration = PERIOD
) -> cloudwatch.MathExpression:
    """Return `value`, or 0 in periods where `whole` is below `minimum`."""
    return cloudwatch.MathExpression(
        label=label,
        expression=f"IF(FILL(whole, 0) >= {minimum}, value, 0)",
        using_metrics={"value": value, "whole": whole},
        period=period,
    )


def percent(
    part: cloudwatch.IMetric,
    whole: cloudwatch.IMetric,
    *,
    label: str,
    minimum: int = 1,
    period: cdk.Duration = PERIOD,
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        label=label,
        expression=f"IF(FILL(whole, 0) >= {minimum}, 100 * FILL(part, 0) / whole, 0)",
        using_metrics={"part": part, "whole": whole},
        period=period,
    )


def total(metrics: Sequence[cloudwatch.IMetric], *, label: str, period: cdk.Duration = PERIOD) -> cloudwatch.IMetric:
    """Return the sum of up to ten metrics, which is the limit of an alarm. Missing values count as 0."""
    names = {f"m{number}": metric for number, metric in enumerate(metrics)}
    expression = " + ".join(f"FILL({name}, 0)" for name in names)
    return cloudwatch.MathExpression(label=label, expression=expression, using_metrics=names, period=period)


def aws_metric(
    service: str,
    metric: str,
    *,
    period: cdk.Duration,
    statistic: str = "Sum",
    label: str | None = None,
    **dimensions: str,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=f"AWS/{service}",
        metric_name=metric,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
        label=label,
    )


def throttles(function_names: Iterable[str]) -> cloudwatch.IMetric:
    return total(
        [aws_metric("Lambda", "Throttles", period=PERIOD, FunctionName=name) for name in function_names],
        label="Throttled invocations",
    )


def failed_batches(mappings: Iterable[str]) -> cloudwatch.IMetric:
    """Return the number of records per hour that Lambda stored below `aws/lambda/` after the last retry failed.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics
    """
    name = "OnFailureDestinationDeliveredEventCount"
    return total(
        [aws_metric("Lambda", name, period=HOUR, EventSourceMappingUUID=mapping) for mapping in mappings],
        label="Records in failed batches",
        period=HOUR,
    )


def failed_runs(machine: sfn.StateMachine) -> cloudwatch.IMetric:
    return total(
        [
            machine.metric_failed(statistic="Sum", period=HOUR),
            machine.metric_timed_out(statistic="Sum", period=HOUR),
        ],
        label="Failed runs",
        period=HOUR,
    )
