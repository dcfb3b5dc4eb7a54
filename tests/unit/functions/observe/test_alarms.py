"""The deployment's alarms, active ones first."""

import pytest
from jsonschema import Draft202012Validator

from alsolike.api.observe_responses import ANSWERS

RULE = 'ALARM("arn:aws:cloudwatch:eu-central-1:1:alarm:alsolike-test-lake-Upkeep12345678-X1") OR ALARM("plain")'


@pytest.fixture
def put_alarm(aws):
    def put(name, description, *, state="OK", composite=False, metric=None):
        client = aws("cloudwatch")
        if composite:
            client.put_composite_alarm(AlarmName=name, AlarmDescription=description, AlarmRule=RULE)
        else:
            client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=description,
                EvaluationPeriods=3,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
                **(metric or {"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60}),
            )
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=f"{name} is {state}")

    return put


def test_active_alarms_come_first_with_their_runbooks(observe, put_alarm):
    quarantine, errors = "alsolike-test-lake-Quarantine23FF09FE-455f8327", "alsoliketestErrors8534EEDC"
    put_alarm(quarantine, "Alsolike test: Many cannot be read: docs/runbooks/quarantine.md")
    put_alarm(errors, "Alsolike test: Errors: docs/runbooks/errors.md", state="ALARM", composite=True)
    put_alarm("alsolike-test-own", "Alsolike test: Upkeep fails: docs/lake.md", state="INSUFFICIENT_DATA")

    document = observe("alarms")

    Draft202012Validator(ANSWERS["Alarms"]).validate(document)
    changed = [alarm.pop("changedMs") for alarm in document["alarms"]]
    assert all(time > 1_700_000_000_000 for time in changed)
    condition = {"metric": "m", "threshold": 1, "breaching": 3, "periods": 3, "periodS": 60}
    metric_alarm = {"severity": "warning", "condition": condition, "combines": []}
    assert document["alarms"] == [
        {
            "id": "Errors", "name": errors, "state": "ALARM", "severity": "critical", "condition": None,
            "combines": ["Upkeep", "plain"], "reason": f"{errors} is ALARM",
            "description": "Errors: docs/runbooks/errors.md", "runbook": "errors",
        },
        {
            **metric_alarm, "id": "alsolike-test-own", "name": "alsolike-test-own", "state": "INSUFFICIENT_DATA",
            "reason": "alsolike-test-own is INSUFFICIENT_DATA", "description": "Upkeep fails: docs/lake.md",
            "runbook": None,
        },
        {
            **metric_alarm, "id": "Quarantine", "name": quarantine, "state": "OK", "reason": f"{quarantine} is OK",
            "description": "Many cannot be read: docs/runbooks/quarantine.md", "runbook": "quarantine",
        },
    ]  # fmt: skip


def test_alarm_condition_of_an_expression_has_its_label(observe, put_alarm):
    latency = {"Namespace": "n", "MetricName": "Latency", "Dimensions": []}
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": latency, "Period": 300, "Stat": "p99"}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 1", "Label": "p99 latency, ms", "ReturnData": True},
    ]
    metric = {"Metrics": queries, "DatapointsToAlarm": 2}
    put_alarm("alsolike-test-x-ApiSlow37D8505C-1", "Alsolike test: Slow", metric=metric)

    (alarm,) = observe("alarms")["alarms"]

    expected = {"metric": "p99 latency, ms", "threshold": 1, "breaching": 2, "periods": 3, "periodS": 300}
    assert (alarm["id"], alarm["condition"]) == ("ApiSlow", expected)


def test_alarms_of_other_deployments_are_not_shown(observe, put_alarm):
    for name in ("test-two", "prod"):
        put_alarm(f"alsolike-{name}-lake-Quarantine", f"Alsolike {name}: Unreadable: docs/runbooks/quarantine.md")

    assert observe("alarms") == {"alarms": []}
