"""Alarms, drift reports and quarantined records."""

import orjson
import pytest

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord, short_id
from functions.observe import quarantine
from tests.builders.lambda_events import NOW_MS, kinesis_event
from tests.unit.functions.observe.asking import HOUR_MS, OWN_NAMESPACE, REPORT

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


def test_latest_drift_report_has_the_history_of_each_figure(observe, put, aws, artefact_bucket):
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=REPORT.to_json())
    hour_ms = NOW_MS // HOUR_MS * HOUR_MS
    for days, value in ((0, 0.3), (1, 0.2), (13, 0.1), (15, 9.0)):
        dimensions = {"service": "monitor_models", "figure": "item_popularity"}
        put(OWN_NAMESPACE, "DriftPsi", value, at_ms=hour_ms - days * 24 * HOUR_MS, **dimensions)

    document = observe("drift")

    assert document["looked"] == {
        "lookedMs": NOW_MS - HOUR_MS, "champion": "v7", "championAgeHours": 30.5, "lakeSilentHours": 0.25,
        "interactions": 900, "users": 70, "unknownItemShare": 0.1, "unknownUserShare": None, "hours": 6,
        "figures": [
            {
                "name": "item_popularity", "value": 0.3, "byChance": 0.01, "threshold": 0.26, "reason": None,
                "aboveSinceMs": NOW_MS - 3 * HOUR_MS,
                "history": [[hour_ms - 13 * 24 * HOUR_MS, 0.1], [hour_ms - 24 * HOUR_MS, 0.2], [hour_ms, 0.3]],
            },
            {
                "name": "top_score", "value": None, "byChance": None, "threshold": None, "reason": "too few answers",
                "aboveSinceMs": None, "history": [],
            },
        ],
        "checks": [
            {"name": "no user", "share": 0.02, "bound": 0.01, "rows": 900, "failed": True},
            {"name": "no value", "share": None, "bound": 0.5, "rows": 0, "failed": False},
        ],
    }  # fmt: skip


def test_drift_without_a_report_is_null(observe):
    assert observe("drift") == {"looked": None}


def test_unreadable_drift_report_error_names_the_object(observe, aws, artefact_bucket):
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=b"{}")

    assert observe("drift", status=503)["message"].startswith(f"s3://{artefact_bucket}/{MONITORING_LATEST_KEY}: ")


@pytest.fixture
def hold(aws, lake_bucket):
    def write(sequence, reason, *, days=0):
        key, data = "u#anna@shop.example", b'{"user_id": "anna@shop.example"}'
        record = StreamRecord("events", "shardId-0", str(sequence), NOW_MS - days * DAY_MS, data, partition_key=key)
        held = QuarantinedRecord(record, reason)
        aws("s3").put_object(Bucket=lake_bucket, Key=held.key, Body=held.to_json())
        return short_id(held.key)

    return write


@pytest.fixture
def give_up(aws, lake_bucket):
    """Return a function that stores a failed batch as Lambda does and returns the batch's short ID."""

    def write(records):
        key = "aws/lambda/uuid/shardId-0/2026/11/26/batch"
        document = {
            "requestContext": {
                "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:update-profiles:live",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 5,
            },
            "responseContext": {"functionError": "Unhandled"},
            "timestamp": "2026-09-21T14:13:20.000Z",
            "KinesisBatchInfo": {},
            "payload": kinesis_event([b"{}"] * records),
        }
        aws("s3").put_object(Bucket=lake_bucket, Key=key, Body=orjson.dumps(document))
        return short_id(key)

    return write


def test_quarantined_records_are_grouped_by_reason_without_values(observe, hold, give_up):
    hold(1, 'user_id is "anna@shop.example", expected a string', days=2)
    latest = hold(2, 'user_id is "bob@shop.example", expected a string')
    other = hold(3, "item_id is missing", days=1)
    batch = give_up(3)

    document = observe("quarantine")

    assert document == {
        "objects": 4,
        "records": 1 + 1 + 1 + 3,
        "truncated": False,
        "groups": [
            {
                "kind": "failed batch", "records": 3, "oldestMs": NOW_MS, "latestMs": NOW_MS, "exampleId": batch,
                "reason": "update-profiles gave up: RetryAttemptsExhausted (Unhandled error after … calls)",
            },
            {
                "kind": "record", "records": 2, "oldestMs": NOW_MS - 2 * DAY_MS, "latestMs": NOW_MS,
                "exampleId": latest, "reason": "user_id is …, expected a string",
            },
            {
                "kind": "record", "records": 1, "oldestMs": NOW_MS - DAY_MS, "latestMs": NOW_MS - DAY_MS,
                "exampleId": other, "reason": "item_id is missing",
            },
        ],
    }  # fmt: skip


def test_quarantine_above_the_limit_shows_the_latest_days(observe, hold, monkeypatch):
    monkeypatch.setattr(quarantine, "MAX_OBJECTS", 3)
    for number, days in enumerate((3, 2, 1, 0)):
        hold(number, f"item_id is missing on day {'abcd'[days]}", days=days)

    document = observe("quarantine")

    assert (document["objects"], document["truncated"]) == (3, True)
    assert {group["reason"][-1] for group in document["groups"]} == {"a", "b", "c"}


def test_quarantine_read_without_time_is_truncated(observe, hold):
    hold(1, "item_id is missing")

    document = observe("quarantine", remaining_ms=5_999)

    assert (document["objects"], document["truncated"], document["groups"]) == (0, True, [])


def test_empty_quarantine_is_not_truncated(observe):
    assert observe("quarantine") == {"objects": 0, "records": 0, "truncated": False, "groups": []}
