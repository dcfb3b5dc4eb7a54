"""Changes of moto's stores that must reach the disk together: another thread may commit at any moment."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend
from moto.kinesis.models import KinesisBackend, Shard, Stream, kinesis_backends
from moto.sqs.models import Queue
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

from local_cloud.moto_changes import recording, stores
from local_cloud.storage.collections import Collection
from local_cloud.storage.executions import has_ended
from local_cloud.storage.journal import Journal
from local_cloud.storage.recorder import Recorder

REGION, ACCOUNT = "us-east-1", "123456789012"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@pytest.fixture
def recorder(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Return a recorder that has started, of a moto that is changed for this test."""
    owners = [
        *[(DynamoDBBackend, name) for name in ("put_item", "update_item", "delete_item", "delete_table")],
        (DynamoDBBackend, "transact_write_items"),
        *[(Stream, "put_record"), (KinesisBackend, "delete_stream")],
        *[(Shard, name) for name in ("put_record", "get_records", "get_max_sequence_number")],
    ]
    for owner, name in owners:  # setting each to itself lets the fixture's end undo the changes
        monkeypatch.setattr(owner, name, getattr(owner, name))
    with mock_aws():
        recorder = Recorder(journal, region=REGION, account=ACCOUNT)
        runtime: Any = SimpleNamespace(recorder=recorder)
        recording._record_items(runtime)
        recording._record_streams(runtime)
        stores._keep_every_stream_record(runtime)
        recorder.start()
        yield recorder


def committing_after(call: Callable[..., Any], journal: Journal, stored: list[list[str]], *kinds: str) -> Any:
    """Return a call after which another thread commits, if it may, and which notes what is then on disk."""

    def calling(*arguments: Any) -> Any:
        answer = call(*arguments)
        commit = threading.Thread(target=journal.commit, daemon=True)
        commit.start()
        commit.join(0.2)
        stored.append([name for kind in kinds for _, name, _ in journal.read(kind)])
        return answer

    return calling


def create_table(*, stream: bool = False) -> Any:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}} if stream else {}),
    )
    return dynamodb


def test_transaction_is_on_disk_as_a_whole_or_not_at_all(
    journal: Journal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb, stored = create_table(), list[list[str]]()
    monkeypatch.setattr(recorder, "item", committing_after(recorder.item, journal, stored, "item"))

    puts = [{"Put": {"TableName": "things", "Item": {"id": {"S": name}}}} for name in "abc"]
    dynamodb.transact_write_items(TransactItems=puts)
    journal.commit()

    assert stored == [[], [], []]
    assert [name for _, name, _ in journal.read("item")] == ["S1:a", "S1:b", "S1:c"]


def test_item_is_on_disk_together_with_its_stream_record(
    journal: Journal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb, stored = create_table(stream=True), list[list[str]]()
    monkeypatch.setattr(journal, "put", committing_after(journal.put, journal, stored, "item", "record"))

    dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}})
    journal.commit()

    assert stored == [[], []]
    assert (len(list(journal.read("item"))), len(list(journal.read("record")))) == (1, 1)


def test_commit_of_another_thread_leaves_no_gap_in_a_shard(
    journal: Journal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    is_put, goes_on, record = threading.Event(), threading.Event(), recorder.stream_record

    def slow_first(*arguments: Any) -> None:
        if threading.current_thread().name == "first":
            is_put.set()
            assert goes_on.wait(10)
        record(*arguments)

    def put_and_commit() -> None:
        stream.put_record("key", "", "")
        journal.commit()

    monkeypatch.setattr(recorder, "stream_record", slow_first)
    first, second = (threading.Thread(target=put_and_commit, name=name, daemon=True) for name in ("first", "second"))
    first.start()
    assert is_put.wait(10)
    second.start()
    second.join(0.2)
    before = [int(name) for _, name, _ in journal.read("record")]
    goes_on.set()
    first.join(10)
    second.join(10)

    assert before == []
    assert [int(name) for _, name, _ in journal.read("record")] == [1, 2]


def test_shard_with_a_gap_is_read_to_its_end(recorder: Recorder) -> None:
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    for _ in range(4):
        stream.put_record("key", "", "")
    (shard,) = stream.shards.values()
    del shard.records[3]

    records, position, _ = shard.get_records("1", None)

    assert ([record.sequence_number for record in records], position) == ([2, 4], 4)


def test_execution_is_recorded_with_its_output(
    journal: Journal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = SimpleNamespace(exec_status=ExecutionStatus.RUNNING, output=None)
    executions = Collection(
        "executions",
        "states",
        entries=lambda: [("one", execution)],
        restore=lambda name, value: None,
        write=lambda value: str(value.output).encode(),
        is_final=has_ended,
    )

    def end(_: Any) -> None:
        execution.exec_status = ExecutionStatus.SUCCEEDED
        request = threading.Thread(target=recorder.changed, args=["states"], daemon=True)
        request.start()
        request.join(0.2)
        execution.output = "{}"

    monkeypatch.setattr(recorder, "_collections", (executions,))
    monkeypatch.setitem(recorder._known, "executions", {})
    monkeypatch.setattr(Queue, "add_message", Queue.add_message)
    monkeypatch.setattr(BaseExecutionWorkerCommunication, "_reflect_execution_status", end)
    recording._record_messages_and_executions(SimpleNamespace(recorder=recorder))  # type: ignore[arg-type]
    BaseExecutionWorkerCommunication._reflect_execution_status(None)  # type: ignore[arg-type]

    assert list(journal.read("entry")) == [("executions", "one", b"{}")]
