"""Generator of Prometheus alert rules from a deployment's CloudWatch alarms.

An alarm whose metrics are all exported becomes a rule on these metrics, with equal threshold and periods. Any other
alarm becomes a rule on the exported state of the alarm. The state is also used for an alarm that needs fewer breaching
values than periods, and for an alarm on a quantile whose threshold is not below the last bucket of the histogram.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from alsolike.declarations.alarm_severity import severity
from operations.prometheus.families import BUCKETS_MS, FAMILIES, PREFIX, REST_API_NAMES, Family, Kind, Series

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

_NAME = re.compile(r"alsolike-.+-(?P<stack>[a-z]+)-(?P<id>\w+?)[0-9A-F]{8}-\w+")
_DESCRIPTION = re.compile(r"Alsolike (?P<environment>[^:]+): (?P<summary>.*): docs/runbooks/(?P<runbook>[a-z-]+)\.md")
_IF = re.compile(r"IF\((?P<condition>.+? >= \d+), (?P<value>.+), 0\)")
_FILL = re.compile(r"FILL\((\w+), 0\)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_DOWN_FOR_S = 900
_HTTP_API_NAMES = {rest: http for http, rest in REST_API_NAMES.items()}


def deployed_rules(deployment: Deployment) -> dict[str, Any]:
    from operations.client.aws import translate_aws_errors

    with translate_aws_errors("CloudWatch does not answer with alarms"):
        pages = (
            deployment.client("cloudwatch")
            .get_paginator("describe_alarms")
            .paginate(AlarmNamePrefix=f"alsolike-{deployment.environment}-", AlarmTypes=["MetricAlarm"])
        )
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return rules(alarms, environment=deployment.environment)


def rules(alarms: Iterable[Mapping[str, Any]], *, environment: str) -> dict[str, Any]:
    """Return the content of a rule file. Alarms of other environments are skipped."""
    selector = f'environment="{environment}"'
    rules = [_rule(alarm, selector=selector) for alarm in alarms if _is_of(alarm, environment)]
    down = [
        {
            "alert": "AlsolikeMetricsAbsent",
            "expr": f"absent({PREFIX}source_up{{{selector}}} == 1)",
            "for": _duration(_DOWN_FOR_S),
            "labels": {"environment": environment, "severity": "warning"},
            "annotations": {"summary": "Prometheus receives no metrics"},
        },
        {
            "alert": "AlsolikeSourceDown",
            "expr": f"{PREFIX}source_up{{{selector}}} == 0",
            "for": _duration(_DOWN_FOR_S),
            "labels": {"severity": "warning"},
            "annotations": {"summary": "the metrics of {{ $labels.source }} cannot be read"},
        },
    ]
    ordered = sorted(rules, key=lambda rule: str(rule["alert"]))
    return {"groups": [{"name": f"alsolike-{environment}", "rules": [*ordered, *down]}]}


def _is_of(alarm: Mapping[str, Any], environment: str) -> bool:
    description = _DESCRIPTION.fullmatch(alarm.get("AlarmDescription", ""))
    return description is not None and description["environment"] == environment


def _rule(alarm: Mapping[str, Any], *, selector: str) -> dict[str, Any]:
    name, description = _NAME.fullmatch(alarm["AlarmName"]), _DESCRIPTION.fullmatch(alarm["AlarmDescription"])
    assert name, alarm
    assert description, alarm
    expression = _on_metrics(alarm, selector=selector)
    rule: dict[str, Any] = {
        "alert": f"Alsolike{name['stack'].title()}{name['id']}",
        "expr": expression
        or f"{PREFIX}alarm_active{{alarm={json.dumps(description['summary'], ensure_ascii=False)}, {selector}}} == 1",
    }
    periods = alarm["EvaluationPeriods"] - 1
    if expression and periods:
        rule["for"] = _duration(periods * _period_s(alarm))
    rule["labels"] = {"severity": severity(description["runbook"])}
    rule["annotations"] = {
        "summary": description["summary"],
        "runbook": f"docs/runbooks/{description['runbook']}.md",
    }
    return rule


def _on_metrics(alarm: Mapping[str, Any], *, selector: str) -> str | None:
    """Return the alarm's condition on exported metrics, or None if exported metrics cannot express it."""
    if alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) != alarm["EvaluationPeriods"]:
        return None
    if "MetricName" in alarm:
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        metrics, formula = {"value": ({**alarm, "Period": alarm["Period"]}, statistic)}, "value"
    else:
        (formula,) = (query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
        stated = {query["Id"]: query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query}
        metrics = {name: ({**one["Metric"], "Period": one["Period"]}, one["Stat"]) for name, one in stated.items()}
    expressions: dict[str, str] = {}
    scale = 1.0
    for name, (metric, statistic) in metrics.items():
        found = _exported(metric)
        if found is None or (found[0].kind is Kind.HISTOGRAM and alarm["Threshold"] >= BUCKETS_MS[-1]):
            return None  # histogram_quantile never exceeds the upper bound of the last bucket.
        expressions[name] = _promql(*found, statistic=statistic, period_s=metric["Period"], selector=selector)
        scale *= found[0].scale
    return _condition(formula, expressions, threshold=alarm["Threshold"] * scale)


def _condition(formula: str, expressions: Mapping[str, str], *, threshold: float) -> str:
    """Translate a metric math formula to a Prometheus condition.

    FILL is removed, as counters have no missing values.
    """

    def translated(text: str) -> str:
        return _WORD.sub(lambda word: expressions[word[0]], _FILL.sub(r"\1", text))

    guarded = _IF.fullmatch(formula)
    value = translated(guarded["value"] if guarded else formula)
    above = f"{value} > {threshold:.15g}"
    return f"{above} and {translated(guarded['condition'])}" if guarded else above


def _exported(metric: Mapping[str, Any]) -> tuple[Family, Series] | None:
    name = _HTTP_API_NAMES.get(metric["MetricName"], metric["MetricName"])
    dimensions = {_HTTP_API_NAMES.get(each["Name"], each["Name"]): each["Value"] for each in metric["Dimensions"]}
    for family in FAMILIES:
        for series in family.series:
            source = series.source
            if source is None or source.metric != name:
                continue
            if source.resource is None:
                if dimensions == dict(source.dimensions) and metric["Namespace"].startswith("Alsolike/"):
                    return family, series
            elif metric["Namespace"] == source.resource.namespace and [*dimensions] == [source.resource.value]:
                return family, series
    return None


def _promql(family: Family, series: Series, *, statistic: str, period_s: int, selector: str) -> str:
    matchers = ", ".join([*(f'{name}="{value}"' for name, value in series.labels), selector])
    samples, window = f"{family.sample}{{{matchers}}}", _duration(period_s)
    match family.kind:
        case Kind.GAUGE:
            return samples
        case Kind.COUNTER:
            increase = f"increase({samples}[{window}])"
            names = ", ".join(name for name, _ in series.labels)
            return f"sum without ({names}) ({increase})" if names else increase
        case Kind.HISTOGRAM:
            return f"histogram_quantile({float(statistic.removeprefix('p')) / 100:g}, rate({samples}[{window}]))"


def _period_s(alarm: Mapping[str, Any]) -> int:
    periods = [alarm.get("Period"), *(query.get("MetricStat", {}).get("Period") for query in alarm.get("Metrics", ()))]
    return max(int(period) for period in periods if period)


def _duration(seconds: int) -> str:
    for unit, length in (("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
