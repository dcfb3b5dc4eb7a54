"""The deployment's own alarms, those that ring first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alsolike.api.operator_query_answers import ANSWERS
from tests.unit.functions.observe.asking import Observe


@pytest.fixture
def put_alarm(aws: Callable[[str], Any]) -> Callable[..., None]:
    def put(name: str, description: str, *, state: str = "OK", composite: bool = False) -> None:
        client = aws("cloudwatch")
        if composite:
            client.put_composite_alarm(AlarmName=name, AlarmDescription=description, AlarmRule="ALARM(x)")
        else:
            client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=description,
                MetricName="m",
                Namespace="n",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=f"{name} is {state}")

    return put


def test_alarms_that_ring_come_first_each_with_its_runbook(observe: Observe, put_alarm: Callable[..., None]) -> None:
    put_alarm("alsolike-test-lake-Quarantine", "Alsolike test: Many cannot be read: docs/runbooks/quarantine.md")
    put_alarm("alsoliketestErrors", "Alsolike test: Errors: docs/runbooks/errors.md", state="ALARM", composite=True)
    put_alarm("alsolike-test-lake-Upkeep", "Alsolike test: Upkeep fails: docs/lake.md", state="INSUFFICIENT_DATA")

    document = observe("alarms")

    Draft202012Validator(ANSWERS["Alarms"]).validate(document)
    changed = [alarm.pop("changedMs") for alarm in document["alarms"]]
    assert all(time > 1_700_000_000_000 for time in changed)
    assert document["alarms"] == [
        {
            "name": "alsoliketestErrors",
            "state": "ALARM",
            "composite": True,
            "reason": "alsoliketestErrors is ALARM",
            "description": "Errors: docs/runbooks/errors.md",
            "runbook": "errors",
        },
        {
            "name": "alsolike-test-lake-Upkeep",
            "state": "INSUFFICIENT_DATA",
            "composite": False,
            "reason": "alsolike-test-lake-Upkeep is INSUFFICIENT_DATA",
            "description": "Upkeep fails: docs/lake.md",
            "runbook": None,
        },
        {
            "name": "alsolike-test-lake-Quarantine",
            "state": "OK",
            "composite": False,
            "reason": "alsolike-test-lake-Quarantine is OK",
            "description": "Many cannot be read: docs/runbooks/quarantine.md",
            "runbook": "quarantine",
        },
    ]


def test_alarms_of_other_deployments_are_not_shown(observe: Observe, put_alarm: Callable[..., None]) -> None:
    put_alarm(
        "alsolike-test-two-lake-Quarantine", "Alsolike test-two: Many cannot be read: docs/runbooks/quarantine.md"
    )
    put_alarm("alsolike-prod-lake-Quarantine", "Alsolike prod: Many cannot be read: docs/runbooks/quarantine.md")

    assert observe("alarms") == {"alarms": []}
