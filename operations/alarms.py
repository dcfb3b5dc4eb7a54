"""Alarms of a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.declarations.alarm_severity import severity
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import PagedClient

_PREFIX = "alsolike"
_ORDER = ("ALARM", "INSUFFICIENT_DATA", "OK")
_RUNBOOK = re.compile(r"docs/runbooks/([a-z-]+)\.md")
_COMBINED = re.compile(r'ALARM\("?(?:arn:[^")]+:alarm:)?([^")]+)"?\)')
_ID = re.compile(r"(?:^|-)[a-z0-9]*?([A-Z][A-Za-z]*?)[0-9A-F]{8}(?:-[^-]+)?$")
"""Pattern of a CDK construct's ID in an alarm name such as `alsolike-prod-serving-ApiSlow37D8505C-549c2a36`."""


def alarms(client: PagedClient, *, deployment: str) -> dict[str, Any]:
    # CloudFormation prefixes the names of metric alarms with the stack's name, but not those of composite alarms. So
    # the start of the description selects the alarms.
    prefix = f"Alsolike {deployment}: "
    alarms = [
        _alarm(alarm, composite=composite, prefix=prefix)
        for alarm, composite in _read(client)
        if alarm.get("AlarmDescription", "").startswith(prefix)
    ]
    alarms.sort(key=lambda alarm: (_ORDER.index(alarm["state"]), -alarm["changedMs"], alarm["name"]))
    return {"alarms": alarms}


def _read(client: PagedClient) -> Iterator[tuple[Mapping[str, Any], bool]]:
    with translate_aws_errors("CloudWatch does not answer with alarms"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=_PREFIX, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            for kind, composite in (("MetricAlarms", False), ("CompositeAlarms", True)):
                for alarm in page.get(kind, ()):
                    yield alarm, composite


def _alarm(alarm: Mapping[str, Any], *, composite: bool, prefix: str) -> dict[str, Any]:
    description: str = alarm["AlarmDescription"].removeprefix(prefix)
    runbook = _RUNBOOK.search(description)
    return {
        "id": _id(alarm["AlarmName"]),
        "name": alarm["AlarmName"],
        "state": alarm["StateValue"],
        "severity": severity(runbook and runbook[1]),
        "condition": None if composite else _condition(alarm),
        "combines": [_id(name) for name in _COMBINED.findall(alarm.get("AlarmRule", ""))],
        "reason": alarm.get("StateReason", ""),
        "changedMs": round(alarm["StateUpdatedTimestamp"].timestamp() * 1000),
        "description": description,
        "runbook": runbook[1] if runbook else None,
    }


def _id(name: str) -> str:
    found = _ID.search(name)
    return found[1] if found else name


def _condition(alarm: Mapping[str, Any]) -> dict[str, Any]:
    # All alarms use GreaterThanThreshold: `breaching` of `periods` values are above the threshold.
    returned = [query for query in alarm.get("Metrics", ()) if query.get("ReturnData", True)]
    labels = [query.get("Label") or query["Id"] for query in returned]
    periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
    return {
        "metric": alarm.get("MetricName") or labels[0],
        "threshold": alarm["Threshold"],
        "breaching": alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        "periods": alarm["EvaluationPeriods"],
        "periodS": alarm.get("Period") or max(periods),
    }
