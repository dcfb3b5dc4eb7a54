"""Alarms on failed, slow, degraded and empty responses of the API."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.api_routes import Api
from infra_cdk.constructs.metrics import OwnMetrics, if_enough, percent
from infra_cdk.settings import Settings

MIN_REQUESTS = 20
"""Minimum number of requests in five minutes for an alarm. One failure in three requests is not significant."""


def response_alarms(scope: Construct, *, settings: Settings, api: Api, alerts: sns.ITopic) -> list[cloudwatch.IAlarm]:
    """Create the alarms on failed, slow, degraded and empty responses. Lists that are only short have no alarm."""
    own = OwnMetrics(settings)
    served = own.counted(Metric.RECOMMENDATIONS_SERVED, service="recommend")
    degraded = own.counted(Metric.RECOMMENDATIONS_DEGRADED, service="recommend")
    empty = own.counted(Metric.RECOMMENDATIONS_EMPTY, service="recommend")

    def response_alarm(
        construct_id: str, metric: cloudwatch.IMetric, *, above: int, periods: int, about: str
    ) -> cloudwatch.IAlarm:
        description = f"Alsolike {settings.name}: {about}"
        return alarm(
            scope, construct_id, metric=metric, above=above, periods=periods, description=description, alerts=alerts
        )

    return [
        response_alarm(
            "ApiErrors",
            percent(api.server_errors(), api.requests(), label="Requests that fail, percent", minimum=MIN_REQUESTS),
            above=settings.error_alarm_percent,
            periods=2,
            about="Requests to the API fail: docs/runbooks/errors.md",
        ),
        response_alarm(
            "ApiSlow",
            if_enough(api.latency("p99"), api.requests(), label="p99 latency, ms", minimum=MIN_REQUESTS),
            above=settings.latency_alarm_ms,
            periods=3,
            about="One request in a hundred is slow: docs/runbooks/errors.md",
        ),
        response_alarm(
            "Degraded",
            percent(degraded, served, label="Answers that are degraded, percent", minimum=MIN_REQUESTS),
            above=settings.degraded_alarm_percent,
            periods=2,
            about="Responses are degraded: docs/runbooks/degraded.md",
        ),
        response_alarm(
            "Empty",
            percent(empty, served, label="Answers without items, percent", minimum=MIN_REQUESTS),
            above=settings.empty_alarm_percent,
            periods=2,
            about="Responses have no items: docs/runbooks/empty.md",
        ),
    ]
