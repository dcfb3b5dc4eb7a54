"""Metrics of `GET /metrics`, with the CloudWatch metrics of their series.

Counters and histograms are sums since the start of the month in UTC, when they reset. Therefore no state is stored.
Prometheus' `rate` and `increase` handle the reset like a restarted process.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
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


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """Metric with its series.

    `name` has no suffix of samples, such as `_total`, and ends with the unit, if there is one. `scale` is the factor
    from CloudWatch's unit to this unit. A family with `labels` has no `series`, because label values are known only
    when metrics are read.
    """

    name: str
    kind: Kind
    about: str
    series: tuple[Series, ...] = (Series(),)
    origin: Origin = Origin.CLOUDWATCH
    scale: float = 1.0
    labels: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        return next((unit for unit in ("seconds", "ratio", "dollars") if self.name.endswith(f"_{unit}")), "")

    @property
    def sample(self) -> str:
        """Name of the samples, or of the bucket samples for a histogram."""
        return self.name + {Kind.COUNTER: "_total", Kind.GAUGE: "", Kind.HISTOGRAM: "_bucket"}[self.kind]


def _api(metric: str) -> Source:
    return Source(metric, resource=Resource.API)


def _own(metric: Metric, service: str, statistic: str = "Sum", **dimensions: str) -> Source:
    return Source(metric, statistic, dimensions=(*dimensions.items(), ("service", service)))


def _looked(metric: Metric, statistic: str = "Maximum", **dimensions: str) -> Source:
    return _own(metric, "monitor_models", statistic, **dimensions)


def _rate(metric: Metric) -> Source:
    return _own(metric, "attribute_outcomes", "Average", dimension="all", name="all")


def _family(
    name: str,
    kind: Kind,
    about: str,
    source: Source | None = None,
    *,
    origin: Origin = Origin.CLOUDWATCH,
    scale: float = 1.0,
    **by: Mapping[str, Source],
) -> Family:
    """Return a family with one series from `source`, or one per value of a label. `by` maps the values to sources."""
    labelled = [Series(((label, value),), each) for label, sources in by.items() for value, each in sources.items()]
    return Family(f"{PREFIX}{name}", kind, about, tuple(labelled) or (Series(source=source),), origin, scale)


FAMILIES: Final[tuple[Family, ...]] = (
    _family("api_requests", Kind.COUNTER, "Requests to the API.", _api("Count")),
    _family("api_errors", Kind.COUNTER, "Requests answered with an error.",
            status={status: _api(status) for status in ("4xx", "5xx")}),
    _family("api_latency_seconds", Kind.HISTOGRAM, "Time until the API's response.", _api("Latency"), scale=1e-3),
    _family("events_accepted", Kind.COUNTER, "Events accepted by the API.", _own(Metric.EVENTS_ACCEPTED, "collect")),
    _family("kafka_events_accepted", Kind.COUNTER, "Events accepted from Kafka.",
            _own(Metric.EVENTS_ACCEPTED, READ_KAFKA)),
    _family("interactions_archived", Kind.COUNTER, "Events written to the lake.",
            _own(Metric.INTERACTIONS_ARCHIVED, "archive_events")),
    _family("records_quarantined", Kind.COUNTER, "Unreadable records by the function that quarantined them.",
            function={name: _own(Metric.RECORDS_QUARANTINED, name)
                      for name in ("archive_events", "archive_served", READ_KAFKA)}),
    _family("recommendations_served", Kind.COUNTER, "Responses with recommendations.",
            _own(Metric.RECOMMENDATIONS_SERVED, "recommend")),
    _family("recommendations_degraded", Kind.COUNTER, "Responses from a fallback.",
            _own(Metric.RECOMMENDATIONS_DEGRADED, "recommend")),
    _family("stream_lag_seconds", Kind.GAUGE, "Age of the record that the slowest consumer of the stream reads.",
            Source("GetRecords.IteratorAgeMilliseconds", "Maximum", Resource.STREAM), scale=1e-3),
    _family("champion_age_seconds", Kind.GAUGE, "Age of the champion's last event at the last monitoring.",
            _looked(Metric.CHAMPION_AGE_HOURS), origin=Origin.DRIFT, scale=3_600),
    _family("lake_silent_seconds", Kind.GAUGE, "Age of the lake's last event at the last monitoring.",
            _looked(Metric.LAKE_SILENT_HOURS), origin=Origin.DRIFT, scale=3_600),
    _family("figures_drifted", Kind.GAUGE, "Drift figures above the threshold.",
            _looked(Metric.FIGURES_DRIFTED), origin=Origin.DRIFT),
    _family("checks_failed", Kind.GAUGE, "Failed checks of the data.",
            _looked(Metric.CHECKS_FAILED), origin=Origin.DRIFT),
    _family("drift_psi", Kind.GAUGE, "Population stability index of a figure.", origin=Origin.DRIFT,
            figure={figure: _looked(Metric.DRIFT_PSI, "Average", figure=figure) for figure in Drift}),
    *(
        _family(f"engagement_{name}", Kind.GAUGE, f"{about}, yesterday.", _rate(metric), origin=Origin.ENGAGEMENT)
        for name, metric, about in (
            ("click_through_ratio", Metric.CLICK_THROUGH, "Clicks per impression"),
            ("conversion_ratio", Metric.CONVERSION, "Share of responses with a purchase"),
            ("revenue_per_thousand", Metric.REVENUE_PER_THOUSAND, "Revenue per thousand responses"),
            ("coverage_ratio", Metric.COVERAGE, "Recommended share of the catalogue"),
            ("novelty", Metric.NOVELTY, "Mean novelty of recommended items in bits"),
            ("new_item_ratio", Metric.NEW_ITEM_SHARE, "Share of new items"),
            ("degraded_ratio", Metric.DEGRADED_SHARE, "Share of degraded responses"),
        )
    ),
    _family("monthly_cost_dollars", Kind.GAUGE, "Monthly cost of the deployment at the load of the last 24 hours.",
            origin=Origin.COST),
    Family(f"{PREFIX}alarm_active", Kind.GAUGE, "1 while an alarm of CloudWatch is active.", (), Origin.ALARMS,
           labels=("alarm", "runbook")),
    Family(f"{PREFIX}source_up", Kind.GAUGE, "0 if the metrics of a source could not be read.", (),
           labels=("source",)),
)  # fmt: skip
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
