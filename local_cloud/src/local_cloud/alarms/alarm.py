"""Alarm of a template, and its state for given datapoints.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html, on missing data and M of N.
"""

import graphlib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from local_cloud.alarms.expressions import Expression, Value, read_math
from local_cloud.alarms.series import Series, SeriesStore, check_statistic, series_of

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARISONS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanThreshold": (operator.gt, "above"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "at least"),
    "LessThanThreshold": (operator.lt, "below"),
    "LessThanOrEqualToThreshold": (operator.le, "at most"),
}


@dataclass(frozen=True, slots=True)
class _Look:
    series: Series
    statistic: str
    period: timedelta


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """Alarm on the latest `periods` periods. `looks` contains the metric and statistic of each query, by query ID."""

    name: str
    looks: Mapping[str, _Look]
    datapoints: Callable[[Mapping[str, Value]], Value]
    comparison: str
    threshold: float
    periods: int
    breaching_to_alarm: int
    missing: str

    @property
    def watched(self) -> Mapping[Series, timedelta]:
        """Time range that the alarm requires of each series."""
        return {look.series: look.period * self.periods for look in self.looks.values()}

    def judge(self, store: SeriesStore, *, now: datetime) -> tuple[str, str] | None:
        """Return the state and its reason, or None if missing data keeps the state (`TreatMissingData: ignore`)."""
        period = max(look.period for look in self.looks.values())
        points: list[Value] = []
        for back in range(self.periods):
            end = now - back * period
            found = {
                name: store.statistic(look.series, look.statistic, start=end - look.period, end=end)
                for name, look in self.looks.items()
            }
            points.append(self.datapoints(found))
        return self.state_of(points)

    def state_of(self, points: Sequence[Value]) -> tuple[str, str] | None:
        known = [point for point in points if point is not None]
        if not known and self.missing == "missing":
            return INSUFFICIENT_DATA, f"The metric has no data in {_latest(self.periods)}."
        if not known and self.missing == "ignore":
            return None
        breaches, words = _COMPARISONS[self.comparison]
        breaching = [point for point in known if breaches(point, self.threshold)]
        count = len(breaching) + (len(points) - len(known) if self.missing == "breaching" else 0)
        shown = ", ".join("no data" if point is None else f"{point:g}" for point in points)
        reason = (
            f"The metric was {words} {self.threshold:g}{' or without data' * (self.missing == 'breaching')} in {count} "
            f"of {_latest(self.periods)}; the alarm needs {self.breaching_to_alarm}. Values, the latest first: {shown}."
        )
        return (ALARM if count >= self.breaching_to_alarm else OK), reason


def _latest(periods: int) -> str:
    return "the latest period" if periods == 1 else f"the latest {periods} periods"


def read_alarm(name: str, properties: Mapping[str, Any]) -> MetricAlarm:
    """Read the properties of an `AWS::CloudWatch::Alarm`. Raise ValueError if they are unsupported or invalid."""
    comparison = properties["ComparisonOperator"]
    if comparison not in _COMPARISONS:
        raise ValueError(f"ComparisonOperator {comparison!r} is not implemented here")
    looks: dict[str, _Look] = {}
    math: dict[str, Expression] = {}
    returned = ""
    for query in properties.get("Metrics") or [_only_query(properties)]:
        if query.get("ReturnData", True):
            returned = query["Id"]
        if "Expression" in query:
            math[query["Id"]] = read_math(query["Expression"])
        else:
            looks[query["Id"]] = _look(query["MetricStat"])
    periods = int(properties["EvaluationPeriods"])
    return MetricAlarm(
        name=name,
        looks=looks,
        datapoints=_returning(returned, math, looks),
        comparison=comparison,
        threshold=float(properties["Threshold"]),
        periods=periods,
        breaching_to_alarm=int(properties.get("DatapointsToAlarm") or periods),
        missing=properties.get("TreatMissingData", "missing"),
    )


def _only_query(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
    return {"Id": "m", "MetricStat": {"Metric": properties, "Stat": statistic, "Period": properties["Period"]}}


def _look(stated: Mapping[str, Any]) -> _Look:
    check_statistic(stated["Stat"])
    metric = stated["Metric"]
    if unit := stated.get("Unit", metric.get("Unit")):
        raise ValueError(f"Unit {unit!r} selects no metrics here")
    series = series_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", ()))
    return _Look(series, stated["Stat"], timedelta(seconds=float(stated["Period"])))


def _returning(
    wanted: str, math: Mapping[str, Expression], looks: Mapping[str, _Look]
) -> Callable[[Mapping[str, Value]], Value]:
    """Return a function that computes the query `wanted`. Raise ValueError for unknown IDs and circular references."""
    used = {wanted}.union(*(expression.ids for expression in math.values()))
    if unknown := sorted(used - math.keys() - looks.keys()):
        raise ValueError(f"no query has the ID {unknown[0]!r}")
    try:
        order = list(graphlib.TopologicalSorter({name: math[name].ids for name in math}).static_order())
    except graphlib.CycleError as error:
        raise ValueError(f"the expressions {', '.join(sorted(set(error.args[1])))} refer to each other") from error

    def compute(values: Mapping[str, Value]) -> Value:
        known = dict(values)
        for name in order:
            if name in math:
                known[name] = math[name](known)
        return known[wanted]

    return compute
