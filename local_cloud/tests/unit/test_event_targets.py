import json
import queue
from typing import Any

import pytest

from local_cloud.delivery import Delivery
from local_cloud.events.targets import Target, TargetQueue, target_input, value_at

EVENT: dict[str, Any] = {
    "source": "shop",
    "time": "2026-01-30T10:00:00Z",
    "detail": {"id": 7, "name": 'a "b"', "tags": ["x", "y"], "odd key": 1, "none": None},
}


def transformer(template, **paths):
    return {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"a": 1}'}, {"a": 1}),
        ({"InputPath": "$.detail.tags"}, ["x", "y"]),
        (
            transformer(
                '{"id": <id>, "tags": <tags>, "name": <name>}',
                id="$.detail.id",
                tags="$.detail.tags",
                name="$.detail.name",
            ),
            {"id": 7, "tags": ["x", "y"], "name": 'a "b"'},
        ),
        (
            transformer(
                '{"text": "<name> is <id>, <none>."}', name="$.detail.name", id="$.detail.id", none="$.detail.none"
            ),
            {"text": 'a "b" is 7, .'},
        ),
        (transformer('"order <id>"', id="$.detail.id"), "order 7"),
        (
            transformer('{"rule": "<aws.events.rule-name>", "event": <aws.events.event.json>}'),
            {"rule": "nightly", "event": EVENT},
        ),
    ],
)
def test_input_of_a_target_follows_its_properties(target, expected):
    assert target_input(target, EVENT, rule_arn="arn:aws:events:r:1:rule/nightly") == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.detail.tags[1]", "y"),
        ("$.detail['odd key']", 1),
        ("$.nothing.here", None),
        ("$.source[0]", None),
    ],
)
def test_path_selects_its_value(path, value):
    assert value_at(EVENT, path) == value


def test_unsupported_path_is_an_error():
    with pytest.raises(ValueError, match=r"only names and positions"):
        value_at(EVENT, "$.detail.tags[?(@.x)]")


def test_message_has_the_parameters_of_its_target():
    target = Target(
        "arn:rule",
        {
            "Arn": "arn:aws:kinesis:r:1:stream/s",
            "KinesisParameters": {"PartitionKeyPath": "$.detail.id"},
            "SqsParameters": {"MessageGroupId": "g"},
        },
    )

    message = target.message(EVENT)

    assert (message.partition_key, message.group_id) == ("7", "g")
    assert json.loads(message.text) == EVENT


def test_attempts_follow_the_retry_policy_up_to_the_local_limit():
    assert Target("r", {"Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": 0}}).max_attempts == 1
    assert Target("r", {"Arn": "a"}).max_attempts == 3
    assert Target("r", {"Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": 185}}).max_attempts == 3


def test_event_without_a_readable_path_is_reported_as_undeliverable():
    properties = {
        "Arn": "arn:aws:sqs:r:1:queue",
        "InputPath": "$.detail.tags[?(@.x)]",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:r:1:dead"},
        "RetryPolicy": {"MaximumRetryAttempts": 0},
    }
    reports: queue.SimpleQueue[str] = queue.SimpleQueue()
    delivery = Delivery(lambda service: None, invoke_later=lambda arn, payload: None)
    targets = TargetQueue(delivery, keep=lambda kind, work: lambda: None, report=reports.put)

    targets.submit(Target("arn:rule", properties), EVENT)

    assert "only names and positions are known here" in reports.get(timeout=60)
    targets.close()
