"""Alarms on failed, slow, degraded and empty responses of the API."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.metrics import OwnMetrics, if_enough, percent
from infra_cdk.settings import Settings

MIN_REQUESTS = 20
"""Minimum number of requests in five minutes for an alarm. One failure in three requests is not significant."""


def response_alarms(scope: Construct, *, settings: Settings, api: Api, alerts: Alerts) -> list[cloudwatch.IAlarm]:
    """Create the alarms on failed, slow, degraded and empty responses. Lists that are only short have no alarm."""
    own = OwnMetrics(settings)
    served = own.counted(Metric.RECOMMENDATIONS_SERVED, service="recommend")
    degraded = own.counted(Metric.RECOMMENDATIONS_DEGRADED, service="recommend")
    empty = own.counted(Metric.RECOMMENDATIONS_EMPTY, service="recommend")
    return [
        alerts.alarm(
            scope,
            "ApiErrors",
            percent(api.server_errors(), api.requests(), label="Requests that fail, percent", minimum=MIN_REQUESTS),
            "Requests to the API fail",
            above=settings.error_alarm_percent,
            periods=2,
            runbook="errors",
        ),
        alerts.alarm(
            scope,
            "ApiSlow",
            if_enough(api.latency("p99"), api.requests(), label="p99 latency, ms", minimum=MIN_REQUESTS),
            "One request in a hundred is slow",
            above=settings.latency_alarm_ms,
            periods=3,
            runbook="errors",
        ),
        alerts.alarm(
            scope,
            "Degraded",
            percent(degraded, served, label="Answers that are degraded, percent", minimum=MIN_REQUESTS),
            "Responses are degraded",
            above=settings.degraded_alarm_percent,
            periods=2,
            runbook="degraded",
        ),
        alerts.alarm(
            scope,
            "Empty",
            percent(empty, served, label="Answers without items, percent", minimum=MIN_REQUESTS),
            "Responses have no items",
            above=settings.empty_alarm_percent,
            periods=2,
            runbook="empty",
        ),
    ]
