"""The deployment's metrics as OpenMetrics text, for Prometheus."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import AlsolikeError, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.training.monitoring import DriftReport
from functions.observe.metric_reader import MetricReader, Statistic, Values
from operations.prometheus.families import (
    BUCKETS_MS,
    FAMILIES,
    PREFIX,
    Family,
    Kind,
    Origin,
    Resource,
    Source,
    is_read,
    statistics,
)
from operations.prometheus.openmetrics import Sample, exposition, histogram

CACHED_S = 50
"""Duration of caching in seconds. A cached response is younger than a scrape interval of a minute, so no scrape returns
older counts than the previous scrape, even from another process.
"""

HOURLY = Polling(interval_s=3_600)
RETRY_S = 300
_GAUGE_MS, _GAUGE_PERIOD_S = 15 * 60_000, 60
_RATES = {
    "click_through_ratio": "clickThrough",
    "conversion_ratio": "conversion",
    "revenue_per_thousand": "revenuePerThousand",
    "coverage_ratio": "coverage",
    "novelty": "novelty",
    "new_item_ratio": "newItemShare",
    "degraded_ratio": "degradedShare",
}

Samples = Mapping[str, Iterable[Sample]]


class Exporter:
    def __init__(
        self,
        reader: MetricReader,
        *,
        resources: Mapping[Resource, str],
        kafka: bool,
        alarms: Callable[[], dict[str, Any]],
        drift: Callable[[], DriftReport | None],
        engagement: Callable[[int], dict[str, Any]],
        cost: Callable[[int], dict[str, Any]],
    ) -> None:
        self._reader = reader
        self._resources = resources
        self._kafka = kafka
        self._alarms = alarms
        self._drift = drift
        self._now_ms = 0
        # The default lets `PolledValue` wait before it repeats a failed read.
        self._engagement: PolledValue[dict[str, Any]] = PolledValue(
            lambda _: engagement(self._now_ms), name="engagement", polling=HOURLY, default={}
        )
        self._cost: PolledValue[dict[str, Any]] = PolledValue(
            lambda _: cost(self._now_ms), name="cost", polling=HOURLY, default={}
        )

    def read(self, *, now_ms: int) -> bytes:
        """Return the metrics as text. A source that does not respond is omitted, and its `source_up` is 0."""
        self._now_ms = now_ms
        samples: dict[str, Iterable[Sample]] = {}
        up: list[Sample] = []
        for origin, read in (
            (Origin.CLOUDWATCH, self._from_cloudwatch),
            (Origin.ALARMS, self._from_alarms),
            (Origin.DRIFT, self._from_drift),
            (Origin.ENGAGEMENT, self._from_engagement),
            (Origin.COST, self._from_cost),
        ):
            try:
                samples |= read(now_ms)
                answered = 1
            except AlsolikeError:
                logger.exception("metrics of a source are left out", source=origin)
                answered = 0
            up.append(Sample(answered, {"source": origin}))
        samples[f"{PREFIX}source_up"] = up
        return exposition((family, samples.get(family.name, ())) for family in FAMILIES)

    def _from_cloudwatch(self, now_ms: int) -> Samples:
        families = [family for family in FAMILIES if family.origin is Origin.CLOUDWATCH]
        gauges = {family.name for family in families if family.kind is Kind.GAUGE}
        requested = {
            (family.name, index, statistic): self._statistic(series.source, statistic)
            for family in families
            for index, series in enumerate(family.series)
            if series.source is not None and is_read(series, kafka=self._kafka)
            for statistic in statistics(family)
        }
        month = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).replace(day=1, hour=0, minute=0, second=0)
        values = self._reader.read(
            {key: [value] for key, value in requested.items() if key[0] not in gauges},
            from_ms=int(month.timestamp()) * 1000,
            until_ms=now_ms // DAY_MS * DAY_MS + DAY_MS,
            period_s=DAY_MS // 1000,
        )
        until_ms = now_ms // 60_000 * 60_000 + 60_000
        values |= self._reader.read(
            {key: [value] for key, value in requested.items() if key[0] in gauges},
            from_ms=until_ms - _GAUGE_MS,
            until_ms=until_ms,
            period_s=_GAUGE_PERIOD_S,
        )
        return {family.name: [*_samples(family, values)] for family in families}

    def _statistic(self, source: Source, statistic: str) -> Statistic:
        if source.resource is None:
            return Statistic(None, source.metric, statistic, source.dimensions)
        own_id = (source.resource.value, self._resources[source.resource])
        return Statistic(source.resource.namespace, source.metric, statistic, (own_id, *source.dimensions))

    def _from_alarms(self, now_ms: int) -> Samples:
        return {
            f"{PREFIX}alarm_active": [
                Sample(
                    int(alarm["state"] == "ALARM"),
                    {"alarm": alarm["description"].partition(": docs/")[0], "runbook": alarm["runbook"] or ""},
                )
                for alarm in self._alarms()["alarms"]
                if alarm["condition"] is not None
            ]
        }

    def _from_drift(self, now_ms: int) -> Samples:
        report = self._drift()
        if report is None:
            return {}
        values = {
            "champion_age_seconds": _seconds(report.champion_age_h),
            "lake_silent_seconds": _seconds(report.lake_silent_h),
            "figures_drifted": len(report.drifted),
            "checks_failed": sum(check.failed for check in report.checks),
        }
        psi = {figure.name: figure.value for figure in report.figures if figure.value is not None}
        return {
            **{f"{PREFIX}{name}": [Sample(value)] for name, value in values.items() if value is not None},
            f"{PREFIX}drift_psi": [Sample(value, {"figure": name}) for name, value in psi.items()],
        }

    def _from_engagement(self, now_ms: int) -> Samples:
        yesterday = _latest(self._engagement, now_ms)["days"][0]["rows"]
        return {
            f"{PREFIX}engagement_{name}": [Sample(row[field]) for row in yesterday if row[field] is not None]
            for name, field in _RATES.items()
        }

    def _from_cost(self, now_ms: int) -> Samples:
        return {f"{PREFIX}monthly_cost_dollars": [Sample(_latest(self._cost, now_ms)["dollars"])]}


def _latest(polled: PolledValue[dict[str, Any]], now_ms: int) -> dict[str, Any]:
    """Return the value of the last read. Raise `Unavailable` if that read failed."""
    value = polled.refresh(now_ms=now_ms, min_age_s=RETRY_S) if polled.degraded else polled.current(now_ms=now_ms)
    if polled.degraded:
        raise Unavailable(f"the last read failed: {polled.degraded}")
    return value


def _seconds(hours: float | None) -> float | None:
    return None if hours is None else hours * 3_600


def _samples(family: Family, values_by_series: Mapping[Any, Values]) -> Iterator[Sample]:
    for index, series in enumerate(family.series):
        if (family.name, index, statistics(family)[0]) not in values_by_series:
            continue
        values = [values_by_series[family.name, index, statistic] for statistic in statistics(family)]
        labels = dict(series.labels)
        match family.kind:
            case Kind.COUNTER:
                yield Sample(_sum(values[0]), labels, "_total")
            case Kind.GAUGE if values[0]:
                yield Sample(values[0][max(values[0])] * family.scale, labels)
            case Kind.HISTOGRAM:
                *buckets, count, total = map(_sum, values)
                bounds = [bound * family.scale for bound in BUCKETS_MS]
                yield from histogram(bounds, buckets, count=count, total=total * family.scale)


def _sum(values: Values) -> float:
    return float(sum(values.values()))
