"""The dashboards: what an operator looks at first."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.http_api import HttpApi
from infra_cdk.constructs.metrics import NAMESPACE, PERIOD, counted, percent, reported
from infra_cdk.settings import Settings

_WIDE, _HALF, _THIRD, _HEIGHT = 24, 12, 8, 6
_HOUR, _DAY = cdk.Duration.hours(1), cdk.Duration.days(1)
_LADDER = (
    "DegradedToModel",
    "DegradedToSimilar",
    "DegradedToPopular",
    "DegradedToTrending",
    "DegradedToRecent",
    "DegradedToNothing",
)
_RATES = (
    ("ClickThrough", "Clicks an impression"),
    ("Conversion", "Share of answers that led to a purchase"),
    ("RevenuePerThousand", "Revenue per thousand answers"),
    ("Coverage", "Share of the catalogue that was answered"),
    ("Novelty", "Novelty, bits"),
    ("NewItemShare", "Share of new items"),
    ("DegradedShare", "Share of degraded answers"),
)


def health_dashboard(
    scope: Construct,
    *,
    settings: Settings,
    api: HttpApi,
    stream: kinesis.IStream,
    functions: Mapping[str, lambda_.IFunction],
    recommend_log: logs.ILogGroup,
    alarms: Sequence[cloudwatch.IAlarm],
) -> cloudwatch.Dashboard:
    """Create the dashboard of traffic, errors, latency, lag, quarantine and degradation."""
    board = _board(scope, "Health", settings=settings)
    sums: dict[str, Any] = {"statistic": "Sum", "period": PERIOD}
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_WIDE, height=3))
    board.add_widgets(
        _graph(
            "Requests and errors",
            [api.requests(), api.client_errors()],
            right=[api.server_errors()],
            right_label="5xx",
        ),
        _graph("Latency, ms", [api.latency(statistic) for statistic in ("p50", "p95", "p99")]),
    )
    board.add_widgets(
        _graph("Errors by function", [_of(function, "Errors", name) for name, function in functions.items()]),
        _graph("Throttles by function", [_of(function, "Throttles", name) for name, function in functions.items()]),
    )
    board.add_widgets(
        _graph(
            "Time in the functions behind the API, p99 ms",
            [_of(functions[name], "Duration", name, statistic="p99") for name in ("recommend", "collect")],
        ),
        cloudwatch.LogQueryWidget(
            title="Cold starts of recommend, and how long they took",
            log_group_names=[recommend_log.log_group_name],
            query_lines=[
                "filter @type = 'REPORT' and ispresent(@initDuration)",
                "stats count(*) as starts, pct(@initDuration, 50) as p50, max(@initDuration) as longest by bin(1h)",
            ],
            width=_HALF,
            height=_HEIGHT,
        ),
    )
    served = counted("RecommendationsServed", service="recommend", label="answers")
    board.add_widgets(
        _graph(
            "Recommendations, and share of degraded ones",
            [served, counted("RecommendationsCold", service="recommend", label="with new items")],
            right=[percent(counted("RecommendationsDegraded", service="recommend"), served, label="degraded, percent")],
            right_label="percent",
        ),
        _graph("Degraded to", [counted(name, service="recommend") for name in _LADDER]),
    )
    board.add_widgets(
        _graph(
            "Age of what consumers read, ms",
            [
                _of(functions[name], "IteratorAge", name, statistic="Maximum")
                for name in ("update_profiles", "archive_events", "count_trends", "publish_catalog")
            ],
            width=_THIRD,
        ),
        _graph(
            "Stream",
            [stream.metric_incoming_records(label="records", **sums)],
            right=[stream.metric_write_provisioned_throughput_exceeded(label="refused", **sums)],
            right_label="refused",
            width=_THIRD,
        ),
        _graph(
            "Quarantine",
            [
                counted("RecordsQuarantined", service="archive_events", label="events"),
                counted("RecordsQuarantined", service="archive_served", label="answers"),
                counted("RecordsUnreadable", service="update_profiles", label="skipped by profiles"),
            ],
            width=_THIRD,
        ),
    )
    return board


def engagement_dashboard(scope: Construct, *, settings: Settings) -> cloudwatch.Dashboard:
    """Create the dashboard of what answers led to; attribution computes days again as their events come in."""
    board = _board(scope, "Engagement", settings=settings, start="-P14D")
    for metric, title in _RATES:
        everything = reported(
            metric, period=_HOUR, label="all", service="attribute_outcomes", dimension="all", name="all"
        )
        board.add_widgets(
            _graph(f"{title}: all", [everything], width=_THIRD),
            *(
                _graph(f"{title}: by {dimension.replace('_', ' ')}", [_search(metric, dimension)], width=_THIRD)
                for dimension in ("recommender", "model_version")
            ),
        )
    board.add_widgets(
        _graph(
            "Events that were not attributed, by reason",
            [_search("EventsNotAttributed", None)],
            width=_HALF,
        ),
        _graph("Days attributed", [counted("DaysAttributed", service="attribute_outcomes", period=_HOUR)]),
    )
    return board


def models_dashboard(scope: Construct, *, settings: Settings, training: sfn.IStateMachine) -> cloudwatch.Dashboard:
    """Create the dashboard of trainings and of what the gate decided."""
    board = _board(scope, "Models", settings=settings, start="-P30D")
    board.add_widgets(
        _graph(
            "Runs of the workflow",
            [
                training.metric_succeeded(period=_DAY, label="ended"),
                training.metric_failed(period=_DAY, label="failed"),
                training.metric_timed_out(period=_DAY, label="timed out"),
            ],
        ),
        _graph(
            "Versions",
            [
                counted("ModelsPromoted", service="run_canary", label="promoted", period=_DAY),
                counted("ModelsRejected", service="register_model", label="rejected by the gate", period=_DAY),
                counted("CanariesRolledBack", service="run_canary", label="taken back from trial", period=_DAY),
            ],
        ),
    )
    board.add_widgets(
        _graph("Clicks an impression, by version", [_search("ClickThrough", "model_version")]),
        _graph("Datasets built", [counted("DatasetsBuilt", service="build_dataset", period=_DAY)]),
    )
    return board


def _board(scope: Construct, name: str, *, settings: Settings, start: str = "-PT12H") -> cloudwatch.Dashboard:
    return cloudwatch.Dashboard(
        scope, name, dashboard_name=f"alsolike-{settings.name}-{name.lower()}", start=start, default_interval=None
    )


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    right_label: str | None = None,
    width: int = _HALF,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(left),
        right=list(right),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, label=right_label, show_units=False) if right else None,
        width=width,
        height=_HEIGHT,
    )


def _of(function: lambda_.IFunction, metric: str, label: str, *, statistic: str = "Sum") -> cloudwatch.Metric:
    return function.metric(metric, statistic=statistic, period=PERIOD, label=label)


def _search(metric: str, dimension: str | None) -> cloudwatch.MathExpression:
    """Return all series of a metric that differ in a dimension whose values nobody knows beforehand."""
    keys = "reason,service" if dimension is None else "dimension,name,service"
    wanted = "" if dimension is None else f' dimension="{dimension}"'
    expression = f"SEARCH('{{{NAMESPACE},{keys}}} MetricName=\"{metric}\"{wanted}', 'Average', {_HOUR.to_seconds():g})"
    return cloudwatch.MathExpression(expression=expression, using_metrics={}, label="", period=_HOUR)
