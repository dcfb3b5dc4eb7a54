"""Lists, details, replays and deletion of quarantined records."""

from __future__ import annotations

import base64
import functools
import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from alsolike.events.interactions import parse_record
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord, original_key, read_dead_letter
from alsolike.runtime.errors import Unavailable
from operations.quarantine.replay import MAX_ATTEMPTS, Replayer
from operations.quarantine.store import Entry, QuarantineStore, Selection
from tests.unit.cli import command_line
from tests.unit.cli.shop import NAMES

BATCH_KEY = "aws/lambda/0d1-mapping/shardId-000000000000/2026/09/21/2026-09-21T10.11.12-uuid"
ARRIVED_MS = 1_790_000_000_000


def event(event_id="e1", **fields):
    record = {
        "event_id": event_id, "user_id": "anna", "session_id": None, "item_id": "pear", "event_type": "view",
        "event_value": None, "event_time_ms": ARRIVED_MS, "recommendation_id": None, "impression": [],
        "properties": "{}", "received_time_ms": ARRIVED_MS, "schema_version": 1,
    }  # fmt: skip
    return json.dumps({**record, **fields}).encode()


def hold(shop, data, reason="bad", sequence=1, arrived_ms=ARRIVED_MS, **fields):
    record = StreamRecord("events", "shardId-000000000000", str(sequence), arrived_ms, data, **fields)
    quarantined = QuarantinedRecord(record, reason)
    put(shop, quarantined.key, quarantined.to_json())
    return quarantined.key


def hold_batch(shop, *data, key=BATCH_KEY, **changes):
    """Store a batch as Lambda does: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
    records = [
        {
            "kinesis": {
                "partitionKey": "u#anna", "sequenceNumber": str(10 + index), "data": base64.b64encode(each).decode(),
                "approximateArrivalTimestamp": ARRIVED_MS / 1000,
            },
            "eventID": f"shardId-000000000000:{10 + index}",
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
        }
        for index, each in enumerate(data)
    ]  # fmt: skip
    document = {
        "requestContext": {
            "requestId": "r", "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:archive:live",
            "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-09-21T10:11:12.345Z",
        "KinesisBatchInfo": {"shardId": "shardId-000000000000", "batchSize": len(data)},
        "payload": json.dumps({"Records": records}),
        **changes,
    }  # fmt: skip
    put(shop, key, json.dumps({name: value for name, value in document.items() if value is not None}).encode())
    return key


def put(shop, key, body):
    shop.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=body)


def keys(shop):
    listed = shop.client("s3").list_objects_v2(Bucket=NAMES.lake_bucket).get("Contents", [])
    return [entry["Key"] for entry in listed]


def on_the_stream(shop):
    kinesis = shop.client("kinesis")
    found = []
    for shard in kinesis.list_shards(StreamName=NAMES.stream_name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=NAMES.stream_name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
        found += [(each["PartitionKey"], each["Data"]) for each in records]
    return found


run = functools.partial(command_line.run, "quarantine", catch_exceptions=True)
document = functools.partial(command_line.run_json, "quarantine")


@pytest.fixture
def shop(deployment, select):
    deployment.client("kinesis").create_stream(StreamName=NAMES.stream_name, ShardCount=1)
    return select(deployment)


def reasons(*options):
    return [each["reason"] for each in document("list", *options)]


def test_records_and_failed_batches_are_listed_with_reasons(shop):
    hold(shop, b"poison", reason="record is not valid JSON")
    hold_batch(shop, event("e1"), event("e2"))

    listed = {each["kind"]: each for each in document("list")}

    assert listed["record"]["reason"] == "record is not valid JSON"
    assert listed["record"]["data"] == "poison"
    batch = listed["failed batch"]
    assert batch["reason"] == "archive gave up: RetryAttemptsExhausted (Unhandled error after 3 calls)"
    assert batch["given_up_ms"] == datetime(2026, 9, 21, 10, 11, 12, 345_000, UTC).timestamp() * 1000
    assert [json.loads(each["data"])["event_id"] for each in batch["records"]] == ["e1", "e2"]
    assert "failed batch of 2" in run("list").stdout


def test_latest_records_are_listed_first(shop):
    for index in range(3):
        hold(shop, b"poison", reason=f"reason {index}", sequence=index, arrived_ms=ARRIVED_MS + index)

    assert reasons() == ["reason 2", "reason 1", "reason 0"]
    assert reasons("--limit", "1") == ["reason 2"]


def test_list_and_drop_are_filtered_by_reason_and_time(shop):
    hold(shop, b"a", reason="item_id is missing", sequence=1, arrived_ms=ARRIVED_MS)
    hold(shop, b"b", reason="event_type is 'x'", sequence=2, arrived_ms=ARRIVED_MS + 3_600_000)

    assert [each["data"] for each in document("list", "--reason", "ITEM_id")] == ["a"]
    since = datetime.fromtimestamp(ARRIVED_MS / 1000 + 1, UTC).isoformat()
    assert [each["data"] for each in document("list", "--since", since)] == ["b"]
    assert run("list", "--reason", "nothing like it").stdout == "no quarantined record matches\n"
    assert [each["reason"] for each in document("drop", "--since", since, "--yes")["dropped"]] == ["event_type is 'x'"]


def test_since_within_a_second_keeps_objects_written_in_this_second(shop, monkeypatch):
    written = [Entry(9_000, "early"), Entry(10_000, "same")]
    store = QuarantineStore(shop)
    monkeypatch.setattr(store, "entries", lambda: written)

    assert Selection(since_ms=10_500).entries(store) == written[1:]


def test_totals_count_reasons_without_values(shop):
    hold(shop, b"a", reason="event_time_ms is 123, more than 5 minutes in the future", sequence=1)
    hold(shop, b"b", reason="event_time_ms is 456, more than 5 minutes in the future", sequence=2)
    hold(shop, b"c", reason="event_type is 'vew', expected one of view", sequence=3)
    hold_batch(shop, event("e1"), event("e2"))

    totals = [(total["objects"], total["records"], total["kind"]) for total in document("list", "--totals")]
    assert totals == [(2, 2, "record"), (1, 1, "record"), (1, 2, "failed batch")]
    assert reasons("--totals") == [
        "event_time_ms is …, more than … minutes in the future",
        "event_type is …, expected one of view",
        "archive gave up: RetryAttemptsExhausted (Unhandled error after … calls)",
    ]


def test_record_is_shown_in_full_by_id_prefix_or_key(shop):
    key = hold(shop, b"\xff" + b"x" * 300, partition_key="u#anna")
    (listed,) = document("list")

    for name in (key, listed["id"], listed["id"][:4]):
        shown = document("show", name)
        assert (shown["key"], shown["partition_key"], shown["data_base64"][:4]) == (key, "u#anna", "/3h4")
    text = run("show", key).stdout
    assert "x" * 300 in text
    assert "partition key u#anna" in text


def test_drop_asks_for_confirmation_and_prints_reasons(shop):
    key = hold(shop, b"poison", reason="record is not valid JSON")

    refused = run("drop", "--all", input="n\n")
    assert (refused.exit_code, keys(shop)) == (1, [key])

    dropped = run("drop", "--all", input="y\n")
    assert f"{key}: record is not valid JSON" in dropped.stdout
    assert "dropped: 1 object with 1 record" in dropped.stdout
    assert keys(shop) == []

    hold(shop, b"poison", reason="again")
    assert document("drop", "--all", "--yes")["dropped"][0]["reason"] == "again"
    assert keys(shop) == []


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"requestContext": {}}', b"\xff", b'{"reason": "x", "data": "?"}']
)
def test_unknown_object_is_listed_as_unreadable(content):
    for key in ("quarantine/dt=2026-09-21/x.json", BATCH_KEY):
        held = read_dead_letter(key, content, written_ms=5)
        assert (held.kind, held.records, held.time_ms) == ("unknown", (), 5)
        assert held.reason.startswith("unreadable: ")


def test_replayed_records_are_unchanged_and_removed_from_quarantine(shop):
    key = hold(shop, event("e1", event_type="wish"), reason="event_type is 'wish'", sequence=1, partition_key="own")
    hold(shop, event("e2"), reason="other", sequence=2)

    assert document("replay", key) == {"objects": 1, "records": 1, "not_replayable": 0, "dry_run": False}

    assert on_the_stream(shop) == [("own", event("e1", event_type="wish"))]
    assert reasons() == ["other"]


def test_records_of_failed_batches_are_replayed(shop):
    hold_batch(shop, event("e1"), b"poison")

    result = run("replay", "--all")

    assert "put 2 records of 1 object on the stream" in result.stdout
    assert on_the_stream(shop) == [("u#anna", event("e1")), ("u#anna", b"poison")]
    assert keys(shop) == []


def test_replay_accepts_a_reason_as_printed_by_the_totals(shop):
    hold(shop, event("e1"), reason="event_type is 'wish', expected one of view", sequence=1)
    hold(shop, event("e2"), reason="no item", sequence=2)
    printed = next(reason for reason in reasons("--totals") if "event_type" in reason)

    assert "…" in printed
    assert document("replay", "--reason", printed)["records"] == 1
    assert reasons() == ["no item"]


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_reason_without_matches_is_refused_with_the_existing_reasons(shop, verb):
    hold(shop, event("e1"), reason="event_type is 'wish'", sequence=1)
    hold(shop, event("e2"), reason="event_type is 'vew'", sequence=2)

    result = run(verb, "--reason", "clock", "--yes") if verb == "drop" else run(verb, "--reason", "clock")

    assert result.exit_code == 1
    assert str(result.exception) == ("Nothing in quarantine was selected. Existing reasons:\n  2 x event_type is …")


def test_replay_of_an_empty_quarantine_succeeds(shop):
    assert document("replay", "--all")["records"] == 0


def test_dry_run_counts_and_changes_nothing(shop):
    hold(shop, event("e1"))
    before = keys(shop)

    counts = document("replay", "--all", "--dry-run")
    assert counts == {"objects": 1, "records": 1, "not_replayable": 0, "dry_run": True}
    assert document("drop", "--all", "--dry-run")["dropped"][0]["reason"] == "bad"

    assert (keys(shop), on_the_stream(shop)) == (before, [])


def test_objects_that_cannot_be_replayed_are_kept_and_counted(shop):
    put(shop, "quarantine/dt=2026-09-21/notes.json", b"{}")
    hold_batch(shop, b"a row", key=f"{BATCH_KEY}-table", DDBStreamBatchInfo={}, KinesisBatchInfo=None)
    hold(shop, event("e1"))

    counts = document("replay", "--all")

    assert (counts["objects"], counts["not_replayable"]) == (1, 2)
    assert len(keys(shop)) == 2
    assert {each["kind"] for each in document("list")} == {"unknown", "failed batch"}


def test_log_line_is_shown_and_not_replayed(shop):
    line = StreamRecord("recommend-log", "served-0123456789abcdef", "7", ARRIVED_MS, b'{"served": {}}')
    held = QuarantinedRecord(line, "served.recommendation_id is missing")
    put(shop, held.key, held.to_json())

    (listed,) = document("list")
    counts = document("replay", "--all")

    assert (listed["kind"], listed["data"]) == ("line of a log", '{"served": {}}')
    assert (counts["objects"], counts["not_replayable"], keys(shop)) == (0, 1, [held.key])


def test_replay_interrupted_before_the_deletion_repeats_the_record(shop):
    hold(shop, event("e1"))

    class Stopped(QuarantineStore):
        def delete(self, held):
            raise KeyboardInterrupt

    store = Stopped(shop)
    with pytest.raises(KeyboardInterrupt):
        Replayer(shop, store).replay(store.read(store.entries()))
    assert document("replay", "--all")["records"] == 1

    twice = on_the_stream(shop)
    # Readers count one event, because the IDs are equal.
    assert [json.loads(data)["event_id"] for _, data in twice] == ["e1", "e1"]
    assert len({parse_record(data, arrived_ms=ARRIVED_MS).event_id for _, data in twice}) == 1
    assert keys(shop) == []


def test_records_refused_by_the_stream_are_retried_and_others_kept(shop):
    for n in range(3):
        hold(shop, event(f"e{n}"), sequence=n)

    class Throttling:
        def __init__(self, refusals):
            self.refusals = refusals

        def put_records(self, **call):
            self.refusals -= 1
            if self.refusals < 0:
                return shop.client("kinesis").put_records(**call)
            refused = [{"ErrorCode": "ProvisionedThroughputExceededException"} for _ in call["Records"]]
            taken = shop.client("kinesis").put_records(StreamName=call["StreamName"], Records=call["Records"][:1])
            return {"Records": [*taken["Records"], *refused[1:]]}

    def replayer(refusals):
        made = Replayer(shop, store, sleep=pauses.append)
        made._client = Throttling(refusals)
        return made

    store, pauses = QuarantineStore(shop), list[float]()
    refused = replayer(0)
    refused._client.put_records = lambda **call: {"Records": [{"ErrorCode": "Busy"} for _ in call["Records"]]}
    with pytest.raises(Unavailable, match=rf"rejected 3 records in {MAX_ATTEMPTS} attempts \(Busy\)"):
        refused.replay(store.read(store.entries()))
    assert len(keys(shop)) == 3

    patient = replayer(2)
    patient.replay(store.read(store.entries()))

    assert (patient.counts.records, keys(shop)) == (3, [])
    assert sorted(json.loads(data)["event_id"] for _, data in on_the_stream(shop)) == ["e0", "e1", "e2"]
    assert pauses[-2:] == [0.1, 0.2]


def test_many_records_are_put_in_calls_of_500(shop):
    hold_batch(shop, *(event(f"e{n}") for n in range(501)))
    sizes = []
    store = QuarantineStore(shop)
    replayer = Replayer(shop, store)

    class Counting:
        def put_records(self, **call):
            sizes.append(len(call["Records"]))
            return {"Records": [{} for _ in call["Records"]]}

    replayer._client = Counting()
    replayer.replay(held for held in Selection().read(store, store.entries()) if held is not None)

    assert sizes == [500, 1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event(user_id="anna"), "u#anna"),
        (event(user_id=None, session_id="s1"), "s#s1"),
        (event(user_id=7, session_id="s1"), "s#s1"),
        (b"not JSON", r"[0-9a-f]{32}"),
        (b"[1]", r"[0-9a-f]{32}"),
        (event(user_id="x" * 300), r"[0-9a-f]{64}"),
    ],
)
def test_record_without_a_partition_key_gets_the_key_of_its_producer(data, expected):
    assert re.fullmatch(expected, original_key(StreamRecord("events", "s", "1", 1, data)))


def test_refused_deletion_raises_an_error():
    refused = {"Errors": [{"Key": "quarantine/b", "Message": "Access Denied"}]}
    s3 = SimpleNamespace(delete_objects=lambda **_: refused)
    deployment: Any = SimpleNamespace(client=lambda _: s3, names=SimpleNamespace(lake_bucket="lake"))
    held: Any = [SimpleNamespace(key="quarantine/a"), SimpleNamespace(key="quarantine/b")]

    with pytest.raises(Unavailable, match="s3://lake/quarantine/b cannot be deleted: Access Denied"):
        QuarantineStore(deployment).delete(held)
