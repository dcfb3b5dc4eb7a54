"""The deployment's alarms, those that ring first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors

_PREFIX = "alsolike"
_ORDER = ("ALARM", "INSUFFICIENT_DATA", "OK")
_RUNBOOK = re.compile(r"docs/runbooks/([a-z-]+)\.md")


def alarms(client: Any, *, deployment: str) -> dict[str, Any]:
    """Return the response.

    CloudFormation names alarms after their stacks, and composite ones after their constructs, without hyphens. Their
    descriptions identify those of this deployment among equal prefixes.
    """
    said_of = f"Alsolike {deployment}: "
    alarms = [
        _alarm(alarm, composite=composite, said_of=said_of)
        for alarm, composite in _read(client)
        if alarm.get("AlarmDescription", "").startswith(said_of)
    ]
    alarms.sort(key=lambda alarm: (_ORDER.index(alarm["state"]), -alarm["changedMs"], alarm["name"]))
    return {"alarms": alarms}


def _read(client: Any) -> Iterator[tuple[Mapping[str, Any], bool]]:
    with translate_aws_errors("CloudWatch does not answer with alarms"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=_PREFIX, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            for kind, composite in (("MetricAlarms", False), ("CompositeAlarms", True)):
                for alarm in page.get(kind, ()):
                    yield alarm, composite


def _alarm(alarm: Mapping[str, Any], *, composite: bool, said_of: str) -> dict[str, Any]:
    description: str = alarm["AlarmDescription"].removeprefix(said_of)
    runbook = _RUNBOOK.search(description)
    return {
        "name": alarm["AlarmName"],
        "state": alarm["StateValue"],
        "composite": composite,
        "reason": alarm.get("StateReason", ""),
        "changedMs": round(alarm["StateUpdatedTimestamp"].timestamp() * 1000),
        "description": description,
        "runbook": runbook[1] if runbook else None,
    }
