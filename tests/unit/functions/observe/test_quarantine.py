"""Quarantined records by reason. Responses do not contain the records' values."""

import orjson
import pytest
from jsonschema import Draft202012Validator

from alsolike.api.observe_responses import ANSWERS
from alsolike.declarations.times import DAY_MS
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord, short_id
from functions.observe import quarantine
from tests.builders.lambda_events import NOW_MS, kinesis_event


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

    Draft202012Validator(ANSWERS["QuarantineReport"]).validate(document)
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
