"""Dashboards of health, engagement and models."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.dashboard_widgets import DAY, HALF, RATES, THIRD, WIDE, board, graph, query
from infra_cdk.constructs.metrics import HOUR, PERIOD, OwnMetrics, aws_metric, percent
from infra_cdk.settings import Settings

_LADDER = (
    Metric.DEGRADED_TO_MODEL,
    Metric.DEGRADED_TO_SIMILAR,
    Metric.DEGRADED_TO_POPULAR,
    Metric.DEGRADED_TO_TRENDING,
    Metric.DEGRADED_TO_RECENT,
    Metric.DEGRADED_TO_NOTHING,
)


def health_dashboard(
    scope: Construct,
    *,
    settings: Settings,
    api: Api,
    stream: kinesis.IStream,
    functions: Mapping[str, lambda_.IFunction],
    recommend_log: logs.ILogGroup,
    tables: Mapping[str, dynamodb.ITableV2],
    alarms: Sequence[cloudwatch.IAlarm],
) -> cloudwatch.Dashboard:
    made, own = board(scope, "Health", settings=settings), OwnMetrics(settings)
    sums: dict[str, Any] = {"statistic": "Sum", "period": PERIOD}
    made.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WIDE, height=3))
    made.add_widgets(
        graph(
            "Requests and errors",
            [api.requests(), api.client_errors()],
            right=[api.server_errors()],
            right_label="5xx",
        ),
        graph("Latency, ms", [api.latency(statistic) for statistic in ("p50", "p95", "p99")]),
    )
    made.add_widgets(
        query(
            "Requests refused by the API's limits (429), by route",
            api.access_log,
            "filter status = 429",
            "stats count(*) as refused by routeKey, bin(5m)",
        ),
        graph(
            "Throttles of the tables",
            [
                aws_metric("DynamoDB", metric, period=PERIOD, label=f"{name}: {noun}", TableName=table.table_name)
                for name, table in tables.items()
                for metric, noun in (("ReadThrottleEvents", "reads"), ("WriteThrottleEvents", "writes"))
            ],
        ),
    )
    made.add_widgets(
        graph(
            "Errors by function", [_function_metric(function, "Errors", name) for name, function in functions.items()]
        ),
        graph(
            "Throttles by function",
            [_function_metric(function, "Throttles", name) for name, function in functions.items()],
        ),
    )
    made.add_widgets(
        graph(
            "Time in the functions behind the API, p99 ms",
            [_function_metric(functions[name], "Duration", name, statistic="p99") for name in ("recommend", "collect")],
        ),
        _cold_starts(recommend_log) if settings.log_invocations else _processes(recommend_log),
    )
    served = own.counted(Metric.RECOMMENDATIONS_SERVED, service="recommend", label="answers")
    made.add_widgets(
        graph(
            "Recommendations, and share of degraded responses",
            [served, own.counted(Metric.RECOMMENDATIONS_COLD, service="recommend", label="with new items")],
            right=[
                percent(
                    own.counted(Metric.RECOMMENDATIONS_DEGRADED, service="recommend"), served, label="degraded, percent"
                )
            ],
            right_label="percent",
        ),
        graph("Degraded to", [own.counted(name, service="recommend") for name in _LADDER]),
    )
    reads_kafka = "read_kafka" in functions
    made.add_widgets(
        graph(
            "Age of the records that consumers read, ms",
            [
                _function_metric(functions[name], "IteratorAge", name, statistic="Maximum")
                for name in ("update_profiles", "archive_events", "count_trends", "publish_catalog")
            ],
            right=[_function_metric(functions["read_kafka"], "OffsetLag", "Kafka", statistic="Maximum")]
            if reads_kafka
            else [],
            right_label="records",
            width=THIRD,
        ),
        graph(
            "Stream",
            [stream.metric_incoming_records(label="records", **sums)],
            right=[stream.metric_write_provisioned_throughput_exceeded(label="refused", **sums)],
            right_label="refused",
            width=THIRD,
        ),
        graph(
            "Quarantine",
            [
                own.counted(Metric.RECORDS_QUARANTINED, service="archive_events", label="events"),
                own.counted(Metric.RECORDS_QUARANTINED, service="archive_served", label="answers"),
                own.counted(Metric.RECORDS_UNREADABLE, service="update_profiles", label="skipped by profiles"),
                *(
                    [own.counted(Metric.RECORDS_QUARANTINED, service="read_kafka", label="Kafka")]
                    if reads_kafka
                    else ()
                ),
            ],
            width=THIRD,
        ),
    )
    return made


def engagement_dashboard(scope: Construct, *, settings: Settings) -> cloudwatch.Dashboard:
    """Create the dashboard of attribution. Values of recent days still change, because attribution adds late events."""
    made, own = board(scope, "Engagement", settings=settings, start="-P14D"), OwnMetrics(settings)
    for metric, title in RATES:
        everything = own.reported(
            metric, period=HOUR, label="all", service="attribute_outcomes", dimension="all", name="all"
        )
        made.add_widgets(
            graph(f"{title}: all", [everything], width=THIRD),
            *(
                graph(f"{title}: by {dimension.replace('_', ' ')}", [own.search_rate(metric, dimension)], width=THIRD)
                for dimension in ("recommender", "model_version")
            ),
        )
    made.add_widgets(
        graph(
            "Events that were not attributed, by reason",
            [own.search(Metric.EVENTS_NOT_ATTRIBUTED, "reason")],
            width=HALF,
        ),
        graph("Days attributed", [own.counted(Metric.DAYS_ATTRIBUTED, service="attribute_outcomes", period=HOUR)]),
    )
    return made


def _cold_starts(recommend_log: logs.ILogGroup) -> cloudwatch.LogQueryWidget:
    return query(
        "Cold starts of recommend and their durations",
        recommend_log,
        "filter @type = 'REPORT'",
        "parse @message /Restore Duration: (?<restored>[0-9.]+) ms/",  # SnapStart
        "fields coalesce(@initDuration, restored) as took",
        "filter ispresent(took)",
        "stats count(*) as starts, pct(took, 50) as p50, max(took) as longest by bin(1h)",
    )


def _processes(recommend_log: logs.ILogGroup) -> cloudwatch.LogQueryWidget:
    """Return a table of the number of processes. Each process writes a log stream, so log streams are counted."""
    return query("Processes of recommend", recommend_log, "stats count_distinct(@logStream) as processes by bin(1h)")


def _function_metric(
    function: lambda_.IFunction, metric: str, label: str, *, statistic: str = "Sum"
) -> cloudwatch.Metric:
    return function.metric(metric, statistic=statistic, period=PERIOD, label=label)


_OFFLINE = (
    (Metric.OFFLINE_NDCG, "NDCG on the hold-out, by version"),
    (Metric.OFFLINE_COVERAGE_PERCENT, "Coverage on the hold-out, percent, by version"),
    (Metric.OFFLINE_POPULARITY_RATIO, "Popularity bias on the hold-out, by version"),
)


def models_dashboard(scope: Construct, *, settings: Settings, training: sfn.IStateMachine) -> cloudwatch.Dashboard:
    made, own = board(scope, "Models", settings=settings, start="-P30D"), OwnMetrics(settings)
    made.add_widgets(
        graph(
            "Runs of the workflow",
            [
                training.metric_succeeded(period=DAY, label="ended"),
                training.metric_failed(period=DAY, label="failed"),
                training.metric_timed_out(period=DAY, label="timed out"),
            ],
            width=THIRD,
        ),
        graph(
            "Versions",
            [
                own.counted(Metric.MODELS_PROMOTED, service="run_canary", label="promoted", period=DAY),
                own.counted(Metric.MODELS_REJECTED, service="register_model", label="rejected by the gate", period=DAY),
                own.counted(
                    Metric.CANARIES_ROLLED_BACK, service="run_canary", label="canaries rolled back", period=DAY
                ),
            ],
            width=THIRD,
        ),
        graph(
            "Trainings",
            [
                own.counted(
                    Metric.TRAININGS_STARTED, service="monitor_models", label="started by data or drift", period=DAY
                ),
                own.counted(Metric.TRAININGS_ADMITTED, service="start_training", label="had their turn", period=DAY),
                own.counted(
                    Metric.DATASETS_BUILT, service="build_dataset", label="datasets built by Lambda", period=DAY
                ),
            ],
            width=THIRD,
        ),
    )
    made.add_widgets(
        graph(
            "NDCG of the same users since the champion",
            [
                own.reported(Metric.GATE_NDCG, period=DAY, label=role, service="register_model", role=role)
                for role in ("candidate", "champion")
            ],
        ),
        graph("Gate: conditions that failed", [own.search(Metric.GATE_CONDITION_FAILED, "condition", "Sum")]),
    )
    made.add_widgets(*(graph(title, [own.search(metric, "model_version")], width=THIRD) for metric, title in _OFFLINE))
    made.add_widgets(
        *(
            graph(f"{title}, by version", [own.search_rate(metric, "model_version")], width=THIRD)
            for metric, title in RATES[:3]
        )
    )
    made.add_widgets(
        graph(
            "Drift: population stability index",
            [own.search(Metric.DRIFT_PSI, "figure")],
            width=THIRD,
            line=(settings.drift_psi_percent / 100, "counts as drift"),
        ),
        graph(
            "Age of the champion's last event, hours",
            [own.reported(Metric.CHAMPION_AGE_HOURS, period=HOUR, label="hours", service="monitor_models")],
            width=THIRD,
            line=(24 * settings.champion_stale_days, "is stale"),
        ),
        graph(
            "Share of events with items and users that the champion does not know",
            [
                own.reported(
                    Metric.UNKNOWN_ITEM_SHARE, period=DAY, label="events with new items", service="monitor_models"
                ),
                own.reported(
                    Metric.UNKNOWN_USER_SHARE, period=DAY, label="events of new users", service="monitor_models"
                ),
            ],
            width=THIRD,
        ),
    )
    return made
