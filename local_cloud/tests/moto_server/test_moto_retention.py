"""moto keeps a bounded number of lines, notifications, executions, iterators and processed stream records."""

import gc
import json
import time
import weakref
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodbstreams.models import dynamodbstreams_backends
from moto.kinesis.models import kinesis_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from builders import create_table
from local_cloud.moto_changes import retention, stores, tables
from local_cloud.storage.recorder import Recorder

REGION, ACCOUNT = "us-east-1", "123456789012"


@pytest.fixture(autouse=True)
def changed_moto(undone_changes):
    runtime: Any = SimpleNamespace()
    for change in (*retention.CHANGES,):
        change(runtime)
    stores.forget_objects()
    stores._keep_every_stream_record(runtime)
    tables._size_stream_records(runtime)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


def client(service):
    return boto3.client(service, region_name=REGION)


def test_overwritten_objects_are_released_from_memory():
    s3 = client("s3")
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="k", Body=b"first")
    first = weakref.ref(s3_backends[ACCOUNT]["aws"].buckets["shop"].keys["k"])

    s3.put_object(Bucket="shop", Key="k", Body=b"second")
    gc.collect()

    assert first() is None


def test_log_group_keeps_its_newest_lines(monkeypatch):
    monkeypatch.setattr(retention, "LOG_GROUP_BYTES", 100_000)
    logs, now_ms = client("logs"), int(time.time() * 1_000)
    logs.create_log_group(logGroupName="group")
    for stream in ("a", "b"):
        logs.create_log_stream(logGroupName="group", logStreamName=stream)
    for number in range(300):
        events = [{"timestamp": now_ms + number, "message": f"{number:0500d}"}]
        logs.put_log_events(logGroupName="group", logStreamName="ab"[number % 2], logEvents=events)

    kept = sorted(int(event["message"]) for event in logs.filter_log_events(logGroupName="group")["events"])

    assert kept == list(range(kept[0], 300))
    assert 70 <= len(kept) <= 100
    group: Any = logs_backends[ACCOUNT][REGION].groups["group"]
    assert group.size_bytes == sum(1_000 for stream in group.streams.values() for _ in stream.events)


def test_line_as_large_as_the_limit_leaves_the_group_empty(monkeypatch):
    monkeypatch.setattr(retention, "LOG_GROUP_BYTES", 1_000)
    logs, event = client("logs"), {"timestamp": int(time.time() * 1_000), "message": "x" * 2_000}
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="a")

    logs.put_log_events(logGroupName="group", logStreamName="a", logEvents=[event])
    logs.put_log_events(logGroupName="group", logStreamName="a", logEvents=[event | {"message": "next"}])

    assert [found["message"] for found in logs.filter_log_events(logGroupName="group")["events"]] == ["next"]


def test_topic_and_alarm_keep_their_newest_entries():
    sns, cloudwatch = client("sns"), client("cloudwatch")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    cloudwatch.put_metric_alarm(
        AlarmName="alarm", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=1,
        MetricName="m", Namespace="n", Period=60, Statistic="Sum",
    )  # fmt: skip
    for number in range(120):
        sns.publish(TopicArn=topic, Message=str(number))
        cloudwatch.set_alarm_state(AlarmName="alarm", StateValue="OK", StateReason=str(number))

    notifications = sns_backends[ACCOUNT][REGION].topics[topic].sent_notifications
    assert [notification[1] for notification in notifications] == [str(number) for number in range(20, 120)]
    assert len(cloudwatch_backends[ACCOUNT][REGION].alarms["alarm"].history) == 100


def test_state_machine_keeps_its_newest_executions(monkeypatch):
    monkeypatch.setattr(retention, "EXECUTIONS", 5)
    monkeypatch.setattr(retention, "_WITH_MAP_RUNS", 2)
    states = client("stepfunctions")
    machine = states.create_state_machine(
        name="m",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
    )["stateMachineArn"]

    arns = []
    for number in range(8):
        arns.append(states.start_execution(stateMachineArn=machine, name=f"e{number}", input="{}")["executionArn"])
        while states.describe_execution(executionArn=arns[-1])["status"] == "RUNNING":
            pass

    kept = [each["name"] for each in states.list_executions(stateMachineArn=machine)["executions"]]
    assert kept == ["e7", "e6", "e5", "e4", "e3", "e2"]
    events = states.get_execution_history(executionArn=arns[2])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"
    ]  # fmt: skip
    workers = [type(each.exec_worker).__name__ for each in _executions(machine)]
    assert workers == ["StoredWorker"] * 3 + ["ExecutionWorker"] * 3


def _executions(arn):
    backend: Any = stepfunctions_parser_backends[ACCOUNT][REGION]
    return next(machine.executions for machine in backend.state_machines if machine.arn == arn)


def stream_table():
    create_table(REGION, stream="NEW_IMAGE", id="S")
    return dynamodb_backends[ACCOUNT][REGION].tables["things"].stream_shard


def put_things(*names):
    for name in names:
        client("dynamodb").put_item(TableName="things", Item={"id": {"S": name}})


def test_processed_records_of_a_table_are_dropped():
    shard = stream_table()
    first = shard.starting_sequence_number
    put_things(*"abcde")
    shard.forget_records(first + 3)
    shard.forget_records(first + 1)
    put_things("f")

    numbers = [int(record["dynamodb"]["SequenceNumber"]) - first for record in shard.get(first, 10)]

    assert numbers == [3, 4, 5]
    assert shard.items[:3] == [None] * 3
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in shard.get(first + 4, 1)] == ["e"]
    shard.forget_records(first + 100)
    assert shard.get(first, 10) == []
    put_things("g")
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in shard.get(first, 10)] == ["g"]


def test_stream_iterators_are_limited(monkeypatch):
    monkeypatch.setattr(retention, "_ITERATORS", 3)
    stream_table()
    put_things(*"abcde")
    streams = dynamodbstreams_backends[ACCOUNT][REGION]
    (found,) = streams.list_streams("things")
    (shard,) = streams.describe_stream(found["StreamArn"])["Shards"]
    iterator = streams.get_shard_iterator(found["StreamArn"], shard["ShardId"], "TRIM_HORIZON").arn

    seen = []
    for _ in range(5):
        answer = streams.get_records(iterator, 1)
        iterator = answer["NextShardIterator"]
        seen += [record["dynamodb"]["Keys"]["id"]["S"] for record in answer["Records"]]

    assert seen == list("abcde")
    assert len(streams.shard_iterators) == 3


def test_processed_records_of_a_shard_are_dropped_with_their_numbers():
    client("kinesis").create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    shard: Any = next(iter(stream.shards.values()))
    for _ in range(5):
        stream.put_record("key", "", "")

    shard.forget_records(3)
    assert list(shard.records) == [3, 4, 5]
    shard.forget_records(100)
    stream.put_record("key", "", "")
    assert list(shard.records) == [6]
    assert [record.sequence_number for record in shard.get_records("0", None)[0]] == [6]


def test_slowest_mapping_decides_which_records_are_dropped(monkeypatch):
    from local_cloud import moto_streams

    monkeypatch.setattr(moto_streams, "_PROCESSED_RECORDS", 1)
    shard = stream_table()
    recorder = Recorder(None, region=REGION, account=ACCOUNT)
    fast, slow = (
        moto_streams.Position(recorder, "dynamodb/things", SimpleNamespace(uuid=name), shard)  # type: ignore[arg-type]
        for name in ("fast", "slow")
    )
    first = fast.start(shard.starting_sequence_number)
    slow.start(first)
    put_things(*"abcde")

    fast.advance(str(first + 4))
    untouched = list(shard.items)
    slow.advance(str(first + 2))

    assert None not in untouched
    assert [item is None for item in shard.items] == [True, True, False, False, False]
