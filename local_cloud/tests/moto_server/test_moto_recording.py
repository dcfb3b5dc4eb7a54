"""Changes of moto's stores that must be stored together while another thread commits."""

import pickle
import sqlite3
import threading
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.kinesis.models import kinesis_backends
from moto.sqs.models import Queue
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

from builders import create_table
from local_cloud.moto_changes import recording, stores, tables
from local_cloud.storage.collections import Collection
from local_cloud.storage.executions import has_ended
from local_cloud.storage.journal import DataError, Journal
from local_cloud.storage.recorder import Recorder

REGION, ACCOUNT = "us-east-1", "123456789012"


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


@pytest.fixture
def recorder(journal, undone_changes):
    with mock_aws():
        recorder = Recorder(journal, region=REGION, account=ACCOUNT)
        runtime: Any = SimpleNamespace(recorder=recorder)
        recording._record_items(runtime)
        recording._record_objects(runtime)
        recording._record_streams(runtime)
        stores._keep_every_stream_record(runtime)
        tables._put_batches_in_one_pass(runtime)
        recorder.start()
        yield recorder


def committing_after(call, journal, stored, *kinds):
    """Wrap a call.

    After each call, a thread tries to commit for 0.2 s, and `stored` receives the names in the journal.
    """

    def calling(*arguments):
        answer = call(*arguments)
        commit = threading.Thread(target=journal.commit, daemon=True)
        commit.start()
        commit.join(0.2)
        stored.append([name for kind in kinds for _, name, _ in journal.read(kind)])
        return answer

    return calling


def create_things(*, stream=None):
    create_table(REGION, stream=stream, id="S")
    return boto3.client("dynamodb", region_name=REGION)


def test_transaction_is_stored_atomically(journal, recorder, monkeypatch):
    dynamodb, stored = create_things(), list[list[str]]()
    monkeypatch.setattr(recorder, "items", committing_after(recorder.items, journal, stored, "item"))

    puts = [{"Put": {"TableName": "things", "Item": {"id": {"S": name}}}} for name in "abc"]
    dynamodb.transact_write_items(TransactItems=puts)
    journal.commit()

    assert stored == [[], [], []]
    assert [name for _, name, _ in journal.read("item")] == ["S1:a", "S1:b", "S1:c"]


def test_batch_is_stored_with_its_stream_records(journal, recorder, monkeypatch):
    dynamodb, stored = create_things(stream="NEW_IMAGE"), list[list[str]]()
    monkeypatch.setattr(journal, "put", committing_after(journal.put, journal, stored, "item", "record"))

    puts = [{"PutRequest": {"Item": {"id": {"S": name}}}} for name in "abc"]
    dynamodb.batch_write_item(RequestItems={"things": puts})
    journal.commit()

    assert stored == [[]] * 4
    assert [name for _, name, _ in journal.read("item")] == ["S1:a", "S1:b", "S1:c"]
    ((_, _, records),) = journal.read("record")
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in pickle.loads(records)] == ["a", "b", "c"]


def test_stream_records_of_batches_are_restored_with_their_numbers(journal, recorder):
    dynamodb = create_things(stream="NEW_IMAGE")
    for names in ("abc", "de"):
        puts = [{"PutRequest": {"Item": {"id": {"S": name}}}} for name in names]
        dynamodb.batch_write_item(RequestItems={"things": puts})
    journal.commit()
    shard: Any = dynamodb_backends[ACCOUNT][REGION].tables["things"].stream_shard
    written, shard.items = [item.record for item in shard.items], []

    Recorder(journal, region=REGION, account=ACCOUNT).restore()

    assert [item.record for item in shard.items] == written
    first = shard.starting_sequence_number
    assert [int(record["dynamodb"]["SequenceNumber"]) for record in written] == list(range(first, first + 5))


def test_item_is_stored_together_with_its_stream_record(journal, recorder, monkeypatch):
    dynamodb, stored = create_things(stream="NEW_IMAGE"), list[list[str]]()
    monkeypatch.setattr(journal, "put", committing_after(journal.put, journal, stored, "item", "record"))

    dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}})
    journal.commit()

    assert stored == [[], []]
    assert (len(list(journal.read("item"))), len(list(journal.read("record")))) == (1, 1)


def test_concurrent_commit_leaves_no_gap_in_a_shard(journal, recorder, monkeypatch):
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    is_put, goes_on, record = threading.Event(), threading.Event(), recorder.stream_record

    def slow_first(*arguments):
        if threading.current_thread().name == "first":
            is_put.set()
            assert goes_on.wait(60)
        record(*arguments)

    def put_and_commit():
        stream.put_record("key", "", "")
        journal.commit()

    monkeypatch.setattr(recorder, "stream_record", slow_first)
    first, second = (threading.Thread(target=put_and_commit, name=name, daemon=True) for name in ("first", "second"))
    first.start()
    assert is_put.wait(60)
    second.start()
    second.join(0.2)
    before = [int(name) for _, name, _ in journal.read("record")]
    goes_on.set()
    first.join(60)
    second.join(60)

    assert before == []
    assert [int(name) for _, name, _ in journal.read("record")] == [1, 2]


def test_shard_with_a_gap_is_read_to_its_end(recorder):
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="events", ShardCount=1)
    (stream,) = kinesis_backends[ACCOUNT][REGION].streams.values()
    for _ in range(4):
        stream.put_record("key", "", "")
    (shard,) = stream.shards.values()
    del shard.records[3]

    records, position, _ = shard.get_records("1", None)

    assert ([record.sequence_number for record in records], position) == ([2, 4], 4)


def test_execution_is_recorded_with_its_output(journal, recorder, monkeypatch):
    execution = SimpleNamespace(exec_status=ExecutionStatus.RUNNING, output=None)
    executions = Collection(
        "executions",
        "states",
        entries=lambda: [("one", execution)],
        restore=lambda name, value: None,
        write=lambda value: str(value.output).encode(),
        is_final=has_ended,
    )

    request = threading.Thread(target=recorder.changed, args=["states"], daemon=True)

    def end(_):
        execution.exec_status = ExecutionStatus.SUCCEEDED
        request.start()
        request.join(0.2)
        execution.output = "{}"

    monkeypatch.setattr(recorder, "_collections", (executions,))
    monkeypatch.setitem(recorder._known, "executions", {})
    monkeypatch.setattr(Queue, "add_message", Queue.add_message)
    monkeypatch.setattr(BaseExecutionWorkerCommunication, "_reflect_execution_status", end)
    runtime: Any = SimpleNamespace(recorder=recorder)
    recording._record_messages_and_executions(runtime)
    communication: Any = BaseExecutionWorkerCommunication
    communication._reflect_execution_status(None)
    request.join()

    assert list(journal.read("entry")) == [("executions", "one", b"{}")]


def test_object_above_the_database_limit_is_refused_and_others_stored(journal, recorder):
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="shop")
    journal._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)

    with pytest.raises(ClientError, match=r"\(EntityTooLarge\) .* stores objects of up to 98,976 bytes"):
        s3.put_object(Bucket="shop", Key="large", Body=b"1" * 100_000)
    s3.put_object(Bucket="shop", Key="largest", Body=b"1" * 98_976)
    recorder.commit()

    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="shop")["Contents"]] == ["largest"]
    assert len(list(journal.read("object"))) == 1


def test_request_after_the_end_of_the_recorder_fails(recorder):
    recorder.close()

    with pytest.raises(DataError, match="has stopped"):
        recorder.request({})


def test_failed_background_write_is_reported_and_stored_later(journal, recorder, monkeypatch):
    reports: list[str] = []
    monkeypatch.setattr(recorder, "_report", reports.append)
    place = "kinesis/events/shardId-000000000000"
    recorder.position(place, "mapping", 1)
    journal._database.execute("PRAGMA query_only = ON")

    recorder.advance(place, "mapping", 2)
    journal._database.execute("PRAGMA query_only = OFF")
    recorder.commit()

    assert len(reports) == 1
    assert [int(data) for _, _, data in journal.read("position")] == [2]
