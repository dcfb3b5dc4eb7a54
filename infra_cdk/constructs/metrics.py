"""The metrics that functions write, by the names in `alsolike.runtime.observability`, and sums of AWS's metrics."""

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from infra_cdk.settings import Settings

PERIOD = cdk.Duration.minutes(5)
HOUR = cdk.Duration.hours(1)


def namespace(settings: Settings) -> str:
    """Return where an environment's functions write their metrics: others in the account write theirs elsewhere."""
    return f"Alsolike/{settings.name}"


class OwnMetrics:
    """The metrics that an environment's functions write."""

    def __init__(self, settings: Settings) -> None:
        self.namespace = namespace(settings)

    def counted(
        self,
        metric: str,
        *,
        service: str,
        label: str | None = None,
        period: cdk.Duration = PERIOD,
    ) -> cloudwatch.Metric:
        """Return how often the function `service` counted an outcome."""
        return self.reported(metric, label=label, period=period, statistic="Sum", service=service)

    def reported(
        self,
        metric: str,
        *,
        label: str | None = None,
        period: cdk.Duration = PERIOD,
        statistic: str = "Average",
        **dimensions: str,
    ) -> cloudwatch.Metric:
        """Return the mean of a value that a function reported under dimensions of its own, or another statistic."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=metric,
            dimensions_map=dict(dimensions),
            statistic=statistic,
            period=period,
            label=label,
        )

    def search(self, metric: str, dimension: str, statistic: str = "Average") -> cloudwatch.MathExpression:
        """Return all series of a metric that differ in a dimension with values unknown at synthesis."""
        return self._found([*sorted((dimension, "service"))], metric, "", statistic)

    def search_rate(self, metric: str, dimension: str) -> cloudwatch.MathExpression:
        """Return the series of one of attribution's rates for each name in one of its dimensions."""
        return self._found(["dimension", "name", "service"], metric, f' dimension="{dimension}"', "Average")

    def _found(self, keys: Sequence[str], metric: str, wanted: str, statistic: str) -> cloudwatch.MathExpression:
        # Names with a slash, a hyphen or an underscore have to be quoted:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
        schema = ",".join(f'"{name}"' for name in (self.namespace, *keys))
        expression = f"SEARCH('{{{schema}}} MetricName=\"{metric}\"{wanted}', '{statistic}', {HOUR.to_seconds():g})"
        return cloudwatch.MathExpression(expression=expression, using_metrics={}, label="", period=HOUR)


def enough(
    value: cloudwatch.IMetric, whole: cloudwatch.IMetric, *, label: str, least: int, period: cdk.Duration = PERIOD
) -> cloudwatch.MathExpression:
    """Return a metric; 0 where the whole is less than `least`."""
    return cloudwatch.MathExpression(
        label=label,
        expression=f"IF(FILL(whole, 0) >= {least}, value, 0)",
        using_metrics={"value": value, "whole": whole},
        period=period,
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


def total(metrics: Sequence[cloudwatch.IMetric], *, label: str, period: cdk.Duration = PERIOD) -> cloudwatch.IMetric:
    """Return the sum of at most ten metrics, the limit of an alarm; a missing value is 0."""
    names = {f"m{number}": metric for number, metric in enumerate(metrics)}
    expression = " + ".join(f"FILL({name}, 0)" for name in names)
    return cloudwatch.MathExpression(label=label, expression=expression, using_metrics=names, period=period)


def throttles(function_names: Iterable[str]) -> cloudwatch.IMetric:
    """Return the number of throttled invocations of functions."""
    return total(
        [
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Throttles",
                dimensions_map={"FunctionName": name},
                statistic="Sum",
                period=PERIOD,
            )
            for name in function_names
        ],
        label="Throttled invocations",
    )


def failed_batches(mappings: Iterable[str]) -> cloudwatch.IMetric:
    """Return the number of records that Lambda gave up on and stored below `aws/lambda/`.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics
    """
    return total(
        [
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="OnFailureDestinationDeliveredEventCount",
                dimensions_map={"EventSourceMappingUUID": mapping},
                statistic="Sum",
                period=HOUR,
            )
            for mapping in mappings
        ],
        label="Records in failed batches",
        period=HOUR,
    )


def failed_runs(machine: sfn.StateMachine) -> cloudwatch.IMetric:
    """Return the number of a workflow's runs that failed or exceeded their time."""
    return total(
        [
            machine.metric_failed(statistic="Sum", period=HOUR),
            machine.metric_timed_out(statistic="Sum", period=HOUR),
        ],
        label="Failed runs",
        period=HOUR,
    )
