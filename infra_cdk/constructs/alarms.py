"""Alarms on responses of the API, on throttled functions, and on batches of records that fail after all retries."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.metrics import OwnMetrics, failed_batches, if_enough, percent, throttles
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.settings import Settings

MIN_REQUESTS = 20
"""Minimum number of requests in five minutes for an alarm. One failure in three requests is not significant."""


def response_alarms(scope: Construct, *, settings: Settings, api: Api, alerts: Alerts) -> list[cloudwatch.IAlarm]:
    """Create the alarms on failed, slow, degraded and empty responses. Lists that are only short have no alarm."""
    own, requests = OwnMetrics(settings), api.requests()
    served = own.counted(Metric.RECOMMENDATIONS_SERVED, service="recommend")
    degraded = own.counted(Metric.RECOMMENDATIONS_DEGRADED, service="recommend")
    empty = own.counted(Metric.RECOMMENDATIONS_EMPTY, service="recommend")

    def share(part: cloudwatch.IMetric, whole: cloudwatch.IMetric, label: str) -> cloudwatch.IMetric:
        return percent(part, whole, label=f"{label}, percent", minimum=MIN_REQUESTS)

    failed = share(api.server_errors(), requests, "Requests that fail")
    slow = if_enough(api.latency("p99"), requests, label="p99 latency, ms", minimum=MIN_REQUESTS)
    degraded_share = share(degraded, served, "Answers that are degraded")
    empty_share = share(empty, served, "Answers without items")
    return [
        alerts.alarm(scope, name, metric, problem, above=above, periods=periods, runbook=runbook)
        for name, metric, problem, above, periods, runbook in (
            ("ApiErrors", failed, "Requests to the API fail", settings.error_alarm_percent, 2, "errors"),
            ("ApiSlow", slow, "One request in a hundred is slow", settings.latency_alarm_ms, 3, "errors"),
            ("Degraded", degraded_share, "Responses are degraded", settings.degraded_alarm_percent, 2, "degraded"),
            ("Empty", empty_share, "Responses have no items", settings.empty_alarm_percent, 2, "empty"),
        )
    ]


def function_alarms(
    scope: Construct, *, shop: Sequence[str], consumers: Sequence[PythonFunction], alerts: Alerts
) -> None:
    """Create the alarms. `shop` are the names of functions that shops call. `consumers` read the event stream."""
    alerts.alarm(
        scope, "ShopThrottled", throttles(shop), "Requests of the shop are throttled", periods=2, runbook="errors"
    )
    alerts.alarm(
        scope,
        "ConsumersThrottled",
        throttles(made.function_name for made in consumers),
        "Consumers of the stream are throttled",
        periods=3,
        runbook="quarantine",
    )
    alerts.alarm(
        scope,
        "BatchesFail",
        failed_batches(mapping for made in consumers for mapping in made.mappings),
        "Records of the stream failed finally",
        runbook="quarantine",
    )
