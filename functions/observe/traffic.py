"""Traffic of the API and of stream consumers, from their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.runtime.client_protocols import PagedClient
from functions.observe.metric_reader import MetricReader, Statistic, counted
from functions.observe.settings import Settings
from operations.incomplete_responses import incomplete_responses

_PERIODS_S = ((180, 60), (1_440, 300))
"""Maximum duration of a view in minutes, and the period of its points in seconds."""
_LONGEST_PERIOD_S = 3_600


def traffic(
    cloudwatch: PagedClient, metrics: MetricReader, settings: Settings, *, minutes: int, now_ms: int
) -> dict[str, Any]:
    """Return the response of `GET /operator/traffic`. Each series has one point per period."""
    period_s = next((period for maximum, period in _PERIODS_S if minutes <= maximum), _LONGEST_PERIOD_S)
    period_ms = period_s * 1000
    from_ms = (now_ms - minutes * 60_000) // period_ms * period_ms
    series = metrics.read(_series(settings), from_ms=from_ms, until_ms=now_ms, period_s=period_s)
    times = range(from_ms, now_ms, period_ms)
    return {
        "fromMs": from_ms,
        "untilMs": now_ms,
        "periodS": period_s,
        "series": {name: [[time, values.get(time)] for time in times] for name, values in series.items()},
        "incomplete": incomplete_responses(
            cloudwatch,
            settings.powertools_metrics_namespace,
            from_ms=from_ms,
            until_ms=now_ms,
            period_s=period_s,
        ),
    }


def _series(settings: Settings) -> Mapping[str, Sequence[Statistic]]:
    def api_statistics(metric: str, statistic: str = "Sum") -> list[Statistic]:
        return [Statistic("AWS/ApiGateway", metric, statistic, (("ApiId", settings.api_id),))]

    return {
        "requests": api_statistics("Count"),
        "clientErrors": api_statistics("4xx"),
        "serverErrors": api_statistics("5xx"),
        "latencyP50": api_statistics("Latency", "p50"),
        "latencyP95": api_statistics("Latency", "p95"),
        "latencyP99": api_statistics("Latency", "p99"),
        "answers": counted("RecommendationsServed"),
        "degradedAnswers": counted("RecommendationsDegraded"),
        "eventsAccepted": counted("EventsAccepted"),
        "eventsRejected": counted("EventsRejected"),
        "recordsQuarantined": counted("RecordsQuarantined"),
        "iteratorAge": [
            Statistic(
                "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "Maximum", (("StreamName", settings.stream_name),)
            )
        ],
    }
