"""Metrics of `GET /metrics`, with the CloudWatch metrics of their series.

Counters and histograms are sums since the start of the month in UTC, when they reset. Therefore no state is stored.
Prometheus' `rate` and `increase` handle the reset like a restarted process.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from alsolike.declarations.metrics import Metric
from alsolike.training.monitoring import Drift

PREFIX: Final = "alsolike_"
READ_KAFKA: Final = "read_kafka"
"""Function that reads a Kafka topic, if the deployment has one."""
BUCKETS_MS: Final = (50, 100, 250, 500, 1_000, 2_500)
"""Upper bounds of the histogram buckets, in milliseconds."""


class Kind(StrEnum):
    """Metric types of OpenMetrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Origin(StrEnum):
    """Sources of metrics. A metric that several sources store is read from the cheapest one."""

    CLOUDWATCH = "cloudwatch"
    ALARMS = "alarms"
    DRIFT = "drift"
    ENGAGEMENT = "engagement"
    COST = "cost"


REST_API_NAMES: Final = MappingProxyType({"ApiId": "ApiName", "4xx": "4XXError", "5xx": "5XXError"})
"""Names of the dimension and the metrics of a private REST API, by their names in the public HTTP API."""


class Resource(StrEnum):
    """AWS resources whose metrics are exported. The value is the name of the dimension with the resource's ID."""

    API = "ApiId"
    STREAM = "StreamName"

    @property
    def namespace(self) -> str:
        return {Resource.API: "AWS/ApiGateway", Resource.STREAM: "AWS/Kinesis"}[self]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """CloudWatch metric of a resource or of a function. `dimensions` exclude the resource's ID."""

    metric: str
    statistic: str = "Sum"
    resource: Resource | None = None
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """Series of a family. `source` is None if CloudWatch does not store the series."""

    labels: tuple[tuple[str, str], ...] = ()
    source: Source | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Metric with its series.

    `name` has no suffix of samples, such as `_total`, and ends with `unit`. `scale` converts CloudWatch's unit to
    `unit`. A family with `labels` has no `series`, because label values are known only when metrics are read.
    """

    name: str
    kind: Kind
    about: str
    origin: Origin = Origin.CLOUDWATCH
    unit: str = ""
    scale: float = 1.0
    series: tuple[Series, ...] = (Series(),)
    labels: tuple[str, ...] = ()

    @property
    def sample(self) -> str:
        """Name of the samples, or of the bucket samples for a histogram."""
        return self.name + {Kind.COUNTER: "_total", Kind.GAUGE: "", Kind.HISTOGRAM: "_bucket"}[self.kind]


def _api(metric: str) -> Source:
    return Source(metric=metric, resource=Resource.API)


def _own(metric: Metric, service: str, statistic: str = "Sum", **dimensions: str) -> Source:
    return Source(metric=metric, statistic=statistic, dimensions=(*dimensions.items(), ("service", service)))


def _counter(name: str, about: str, *series: Series) -> Family:
    return Family(name=f"{PREFIX}{name}", kind=Kind.COUNTER, about=about, series=series)


def _gauge(name: str, about: str, origin: Origin, source: Source | None, unit: str = "", scale: float = 1.0) -> Family:
    return Family(
        name=f"{PREFIX}{name}",
        kind=Kind.GAUGE,
        about=about,
        origin=origin,
        unit=unit,
        scale=scale,
        series=(Series(source=source),),
    )


def _looked(metric: Metric, statistic: str = "Maximum", **dimensions: str) -> Source:
    return _own(metric, "monitor_models", statistic, **dimensions)


def _rate(metric: Metric) -> Source:
    return _own(metric, "attribute_outcomes", "Average", dimension="all", name="all")


FAMILIES: Final[tuple[Family, ...]] = (
    _counter("api_requests", "Requests to the API.", Series(source=_api("Count"))),
    _counter(
        "api_errors",
        "Requests answered with an error.",
        *(Series((("status", status),), _api(status)) for status in ("4xx", "5xx")),
    ),
    Family(
        name=f"{PREFIX}api_latency_seconds",
        kind=Kind.HISTOGRAM,
        about="Time until the API's response.",
        unit="seconds",
        scale=1e-3,
        series=(Series(source=_api("Latency")),),
    ),
    _counter("events_accepted", "Events accepted by the API.", Series(source=_own(Metric.EVENTS_ACCEPTED, "collect"))),
    _counter(
        "kafka_events_accepted", "Events accepted from Kafka.", Series(source=_own(Metric.EVENTS_ACCEPTED, READ_KAFKA))
    ),
    _counter(
        "interactions_archived",
        "Events written to the lake.",
        Series(source=_own(Metric.INTERACTIONS_ARCHIVED, "archive_events")),
    ),
    _counter(
        "records_quarantined",
        "Unreadable records by the function that quarantined them.",
        *(
            Series((("function", name),), _own(Metric.RECORDS_QUARANTINED, name))
            for name in ("archive_events", "archive_served", READ_KAFKA)
        ),
    ),
    _counter(
        "recommendations_served",
        "Responses with recommendations.",
        Series(source=_own(Metric.RECOMMENDATIONS_SERVED, "recommend")),
    ),
    _counter(
        "recommendations_degraded",
        "Responses from a fallback.",
        Series(source=_own(Metric.RECOMMENDATIONS_DEGRADED, "recommend")),
    ),
    _gauge(
        "stream_lag_seconds",
        "Age of the record that the slowest consumer of the stream reads.",
        Origin.CLOUDWATCH,
        Source(metric="GetRecords.IteratorAgeMilliseconds", statistic="Maximum", resource=Resource.STREAM),
        "seconds",
        1e-3,
    ),
    _gauge(
        "champion_age_seconds",
        "Age of the champion's last event at the last monitoring.",
        Origin.DRIFT,
        _looked(Metric.CHAMPION_AGE_HOURS),
        "seconds",
        3_600,
    ),
    _gauge(
        "lake_silent_seconds",
        "Age of the lake's last event at the last monitoring.",
        Origin.DRIFT,
        _looked(Metric.LAKE_SILENT_HOURS),
        "seconds",
        3_600,
    ),
    _gauge("figures_drifted", "Drift figures above the threshold.", Origin.DRIFT, _looked(Metric.FIGURES_DRIFTED)),
    _gauge("checks_failed", "Failed checks of the data.", Origin.DRIFT, _looked(Metric.CHECKS_FAILED)),
    Family(
        name=f"{PREFIX}drift_psi",
        kind=Kind.GAUGE,
        about="Population stability index of a figure.",
        origin=Origin.DRIFT,
        series=tuple(
            Series((("figure", figure),), _looked(Metric.DRIFT_PSI, "Average", figure=figure)) for figure in Drift
        ),
    ),
    *(
        _gauge(f"engagement_{name}", f"{about}, yesterday.", Origin.ENGAGEMENT, _rate(metric), unit)
        for name, metric, about, unit in (
            ("click_through_ratio", Metric.CLICK_THROUGH, "Clicks per impression", "ratio"),
            ("conversion_ratio", Metric.CONVERSION, "Share of responses with a purchase", "ratio"),
            ("revenue_per_thousand", Metric.REVENUE_PER_THOUSAND, "Revenue per thousand responses", ""),
            ("coverage_ratio", Metric.COVERAGE, "Recommended share of the catalogue", "ratio"),
            ("novelty", Metric.NOVELTY, "Mean novelty of recommended items in bits", ""),
            ("new_item_ratio", Metric.NEW_ITEM_SHARE, "Share of new items", "ratio"),
            ("degraded_ratio", Metric.DEGRADED_SHARE, "Share of degraded responses", "ratio"),
        )
    ),
    _gauge(
        "monthly_cost_dollars",
        "Monthly cost of the deployment at the load of the last 24 hours.",
        Origin.COST,
        None,
        "dollars",
    ),
    Family(
        name=f"{PREFIX}alarm_active",
        kind=Kind.GAUGE,
        about="1 while an alarm of CloudWatch is active.",
        origin=Origin.ALARMS,
        series=(),
        labels=("alarm", "runbook"),
    ),
    Family(
        name=f"{PREFIX}source_up",
        kind=Kind.GAUGE,
        about="0 if the metrics of a source could not be read.",
        series=(),
        labels=("source",),
    ),
)
"""All exported metrics. A test checks that metrics of functions occur in `operations.metric_writers`."""


def statistics(family: Family) -> tuple[str, ...]:
    """Return the CloudWatch statistics that a series of the family requires."""
    if family.kind is not Kind.HISTOGRAM:
        return tuple({series.source.statistic: None for series in family.series if series.source is not None})
    return (*(f"TC(:{bound})" for bound in BUCKETS_MS), "SampleCount", "Sum")


def is_read(series: Series, *, kafka: bool) -> bool:
    """Return true if CloudWatch stores the series. Series of `read_kafka` require a deployment with a Kafka topic."""
    return series.source is not None and (kafka or ("service", READ_KAFKA) not in series.source.dimensions)


def metrics_read(*, kafka: bool) -> int:
    """Return the number of metrics that a scrape reads from CloudWatch. Each statistic counts as a metric."""
    return sum(
        is_read(series, kafka=kafka) * len(statistics(family))
        for family in FAMILIES
        if family.origin is Origin.CLOUDWATCH
        for series in family.series
    )
