"""Routes of `observe`, with the lifetime of their cached responses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from alsolike.api.observe_queries import BY, COST_QUERY, ENGAGEMENT_QUERY, TRAFFIC_QUERY
from alsolike.configuration.experiments import Experiment
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.shared_defaults import DEFAULT_ENGAGEMENT_DAYS, DEFAULT_TRAFFIC_MINUTES
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.client_protocols import CloudFormationClient, DynamoDbClient, PagedClient, S3Client
from alsolike.runtime.http import route_key
from alsolike.runtime.polling import Polling
from alsolike.schema.fields import Fields
from alsolike.schema.queries import read_query
from functions.observe.cost import Cost
from functions.observe.drift import drift, latest_report
from functions.observe.engagement import engagement
from functions.observe.experiments import experiments
from functions.observe.holdout_report import increments
from functions.observe.metric_reader import MetricReader
from functions.observe.metrics import CACHED_S, Exporter
from functions.observe.quarantine import quarantine
from functions.observe.settings import Settings
from functions.observe.traffic import traffic
from operations.alarms import alarms
from operations.prometheus.families import Resource
from operations.prometheus.openmetrics import CONTENT_TYPE

ANSWER_MS = 6_000
"""Time in milliseconds reserved for the response."""
CACHE_BYTES = 20_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class ViewRequest:
    query: Mapping[str, Any]
    now_ms: int
    remaining_ms: Callable[[], float]

    def has_time(self) -> bool:
        return self.remaining_ms() > ANSWER_MS


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """Function that computes a response, and the time for which the response to a query is cached.

    Consoles poll the views every few seconds, and CloudWatch bills every metric that is read.
    """

    answer: Callable[[ViewRequest], dict[str, Any] | bytes]
    keep_s: int = 0
    query: Fields | None = None
    content_type: str = "application/json"


class Routes:
    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._cache = BoundedCache[bytes, tuple[int, bytes]](CACHE_BYTES)

    def answer(self, event: Mapping[str, Any], *, now_ms: int, remaining_ms: Callable[[], float]) -> tuple[bytes, str]:
        key = route_key(event)
        route = self.routes[key]
        query = {} if route.query is None else read_query(event, route.query)
        cache_key = orjson.dumps([key, query], option=orjson.OPT_SORT_KEYS)
        cached = self._cache.get(cache_key)
        if cached is not None and now_ms < cached[0]:
            return cached[1], route.content_type
        answer = route.answer(ViewRequest(query, now_ms, remaining_ms))
        document = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        self._cache.put(cache_key, (now_ms + route.keep_s * 1000, document), size_bytes=len(document))
        return document, route.content_type


def routes(
    settings: Settings,
    *,
    cloudwatch: PagedClient,
    s3: S3Client,
    dynamodb: DynamoDbClient,
    cloudformation: CloudFormationClient,
) -> Routes:
    metrics = MetricReader(
        cloudwatch, own_namespace=settings.powertools_metrics_namespace, private_api=bool(settings.private_api)
    )
    configuration = ConfigurationReader(s3, settings.artefact_bucket, polling=Polling(settings.configuration_check_s))
    cost = Cost(
        metrics=metrics,
        cloudformation=cloudformation,
        s3=s3,
        bucket=settings.artefact_bucket,
        dynamodb=dynamodb,
        users_table=settings.users_table,
        stacks=settings.stacks.split(","),
    )

    def experiments_of(request: ViewRequest) -> Iterable[Experiment]:
        return configuration.current(now_ms=request.now_ms).experiments.values()

    def show_engagement(request: ViewRequest) -> dict[str, Any]:
        days, by = request.query.get("days", DEFAULT_ENGAGEMENT_DAYS), request.query.get("by", BY[0])
        return engagement(s3, settings.lake_bucket, days=days, by=by, now_ms=request.now_ms)

    exporter = Exporter(
        metrics,
        resources={Resource.API: settings.api_id, Resource.STREAM: settings.stream_name},
        kafka=any(stack.endswith("-kafka") for stack in settings.stacks.split(",")),
        alarms=lambda: alarms(cloudwatch, deployment=settings.deployment),
        drift=lambda: latest_report(s3, settings.artefact_bucket),
        engagement=lambda now_ms: engagement(s3, settings.lake_bucket, days=2, by=BY[0], now_ms=now_ms),
        cost=lambda now_ms: cost.bill({}, now_ms=now_ms),
    )

    return Routes(
        {
            "GET /operator/traffic": Route(
                lambda request: traffic(
                    cloudwatch,
                    metrics,
                    settings,
                    minutes=request.query.get("minutes", DEFAULT_TRAFFIC_MINUTES),
                    now_ms=request.now_ms,
                ),
                keep_s=20,
                query=TRAFFIC_QUERY,
            ),
            "GET /operator/alarms": Route(
                lambda request: alarms(cloudwatch, deployment=settings.deployment), keep_s=10
            ),
            "GET /operator/engagement": Route(show_engagement, keep_s=60, query=ENGAGEMENT_QUERY),
            "GET /operator/increments": Route(
                lambda request: increments(s3, settings.lake_bucket, experiments_of(request), now_ms=request.now_ms),
                keep_s=60,
            ),
            "GET /operator/drift": Route(
                lambda request: drift(s3, settings.artefact_bucket, metrics, now_ms=request.now_ms), keep_s=60
            ),
            "GET /operator/quarantine": Route(
                lambda request: quarantine(s3, settings.lake_bucket, has_time=request.has_time), keep_s=30
            ),
            "GET /operator/experiments": Route(
                lambda request: experiments(
                    s3, settings.lake_bucket, experiments_of(request), has_time=request.has_time, now_ms=request.now_ms
                ),
                keep_s=60,
            ),
            "GET /operator/cost": Route(
                lambda request: cost.bill(request.query, now_ms=request.now_ms), keep_s=60, query=COST_QUERY
            ),
            "GET /metrics": Route(
                lambda request: exporter.read(now_ms=request.now_ms), keep_s=CACHED_S, content_type=CONTENT_TYPE
            ),
        }
    )
