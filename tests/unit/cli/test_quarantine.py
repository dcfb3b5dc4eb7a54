"""Listing, showing, replaying and dropping what is held back."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alsolike.errors import Unavailable
from alsolike.interactions import parse_record
from alsolike.quarantine import QuarantinedRecord
from alsolike.stream import StreamRecord
from cli import deployment as deployments
from cli import main as command
from cli.deployment import Deployment
from cli.quarantine.held import original_key, read_held
from cli.quarantine.replay import MAX_ATTEMPTS, Replayer
from cli.quarantine.selection import Selection
from cli.quarantine.store import QuarantineStore
from tests.unit.cli.shop import NAMES

BATCH_KEY = "aws/lambda/0d1-mapping/shardId-000000000000/2026/09/21/2026-09-21T10.11.12-uuid"
ARRIVED_MS = 1_790_000_000_000


@pytest.fixture
def shop(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    deployment.client("kinesis").create_stream(StreamName=NAMES.stream_name, ShardCount=1)
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)
    return deployment


def event(event_id: str = "e1", **fields: Any) -> bytes:
    record: dict[str, Any] = {
        "event_id": event_id, "user_id": "anna", "session_id": None, "item_id": "pear", "event_type": "view",
        "event_value": None, "event_time_ms": ARRIVED_MS, "recommendation_id": None, "impression": [],
        "properties": "{}", "received_time_ms": ARRIVED_MS, "schema_version": 1,
    }  # fmt: skip
    return json.dumps({**record, **fields}).encode()


def hold(
    shop: Deployment,
    data: bytes,
    *,
    reason: str = "bad",
    sequence: int = 1,
    arrived_ms: int = ARRIVED_MS,
    **fields: Any,
) -> str:
    record = StreamRecord("events", "shardId-000000000000", str(sequence), arrived_ms, data, **fields)
    quarantined = QuarantinedRecord(record, reason)
    put(shop, quarantined.key, quarantined.to_json())
    return quarantined.key


def hold_batch(shop: Deployment, *data: bytes, key: str = BATCH_KEY, **changes: Any) -> str:
    """As Lambda writes it: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
    records = [
        {
            "kinesis": {
                "partitionKey": "u#anna",
                "sequenceNumber": str(10 + index),
                "data": _base64(each),
                "approximateArrivalTimestamp": ARRIVED_MS / 1000,
            },
            "eventID": f"shardId-000000000000:{10 + index}",
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
        }
        for index, each in enumerate(data)
    ]
    document = {
        "requestContext": {
            "requestId": "r",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:archive:live",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-09-21T10:11:12.345Z",
        "KinesisBatchInfo": {"shardId": "shardId-000000000000", "batchSize": len(data)},
        "payload": json.dumps({"Records": records}),
        **changes,
    }
    put(shop, key, json.dumps({name: value for name, value in document.items() if value is not None}).encode())
    return key


def put(shop: Deployment, key: str, body: bytes) -> None:
    shop.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=body)


def keys(shop: Deployment) -> list[str]:
    listed = shop.client("s3").list_objects_v2(Bucket=NAMES.lake_bucket).get("Contents", [])
    return [entry["Key"] for entry in listed]


def on_the_stream(shop: Deployment) -> list[tuple[str, bytes]]:
    kinesis = shop.client("kinesis")
    found = []
    for shard in kinesis.list_shards(StreamName=NAMES.stream_name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=NAMES.stream_name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += [
            (each["PartitionKey"], each["Data"]) for each in kinesis.get_records(ShardIterator=iterator)["Records"]
        ]
    return found


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(command.app, ["quarantine", *arguments], **options)


def document(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_records_and_failed_batches_are_listed_with_their_reasons(shop: Deployment) -> None:
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


def test_listing_is_filtered_by_reason_and_time(shop: Deployment) -> None:
    hold(shop, b"a", reason="item_id is missing", sequence=1, arrived_ms=ARRIVED_MS)
    hold(shop, b"b", reason="event_type is 'x'", sequence=2, arrived_ms=ARRIVED_MS + 3_600_000)

    assert [each["data"] for each in document("list", "--reason", "ITEM_id")] == ["a"]
    since = datetime.fromtimestamp(ARRIVED_MS / 1000 + 1, UTC).isoformat()
    assert [each["data"] for each in document("list", "--since", since)] == ["b"]
    assert run("list", "--reason", "nothing like it").stdout == "nothing in quarantine is meant\n"


@pytest.mark.parametrize("since", ["yesterday", "3", "2026-01-01T00:00:00", "-3d"])
def test_time_that_is_none_is_refused(shop: Deployment, since: str) -> None:
    result = run("list", f"--since={since}")

    assert result.exit_code == 1
    assert f"--since is {since!r}" in str(result.exception)
    assert "or an age such as 90m, 6h or 3d" in str(result.exception)


def test_totals_count_reasons_without_their_values(shop: Deployment) -> None:
    hold(shop, b"a", reason="event_time_ms is 123, more than 5 minutes in the future", sequence=1)
    hold(shop, b"b", reason="event_time_ms is 456, more than 5 minutes in the future", sequence=2)
    hold(shop, b"c", reason="event_type is 'vew', expected one of view", sequence=3)
    hold_batch(shop, event("e1"), event("e2"))

    assert document("list", "--totals") == [
        {
            "objects": 2,
            "records": 2,
            "kind": "record",
            "reason": "event_time_ms is …, more than … minutes in the future",
        },
        {"objects": 1, "records": 1, "kind": "record", "reason": "event_type is …, expected one of view"},
        {
            "objects": 1,
            "records": 2,
            "kind": "failed batch",
            "reason": "archive gave up: RetryAttemptsExhausted (Unhandled error after … calls)",
        },
    ]


def test_one_is_shown_whole_by_id_beginning_or_key(shop: Deployment) -> None:
    key = hold(shop, b"\xff" + b"x" * 300, partition_key="u#anna")
    (listed,) = document("list")

    for name in (key, listed["id"], listed["id"][:4]):
        shown = document("show", name)
        assert (shown["key"], shown["partition_key"], shown["data_base64"][:4]) == (key, "u#anna", "/3h4")
    text = run("show", key).stdout
    assert "x" * 300 in text
    assert "partition key u#anna" in text


def test_unknown_id_is_named(shop: Deployment) -> None:
    result = run("show", "cafe")

    assert "nothing with the id or key 'cafe' is in quarantine" in str(result.exception)


def test_replayed_records_are_on_the_stream_as_they_came_and_no_longer_in_quarantine(shop: Deployment) -> None:
    key = hold(shop, event("e1", event_type="wish"), reason="event_type is 'wish'", sequence=1, partition_key="own")
    hold(shop, event("e2"), reason="other", sequence=2)

    assert document("replay", key) == {"objects": 1, "records": 1, "not_replayable": 0, "dry_run": False}

    assert on_the_stream(shop) == [("own", event("e1", event_type="wish"))]
    assert [each["reason"] for each in document("list")] == ["other"]


def test_records_of_failed_batches_are_redriven(shop: Deployment) -> None:
    hold_batch(shop, event("e1"), b"poison")

    result = run("replay", "--all")

    assert "2 records of 1 objects were put on the stream" in result.stdout
    assert on_the_stream(shop) == [("u#anna", event("e1")), ("u#anna", b"poison")]
    assert keys(shop) == []


def test_replay_takes_what_reason_and_time_select(shop: Deployment) -> None:
    hold(shop, event("e1"), reason="clock ahead", sequence=1)
    hold(shop, event("e2"), reason="no item", sequence=2)

    assert document("replay", "--reason", "clock", "--since", "2020-01-01T00:00:00Z")["records"] == 1

    assert [each["reason"] for each in document("list")] == ["no item"]


def test_dry_run_counts_and_changes_nothing(shop: Deployment) -> None:
    hold(shop, event("e1"))
    before = keys(shop)

    assert document("replay", "--all", "--dry-run") == {
        "objects": 1,
        "records": 1,
        "not_replayable": 0,
        "dry_run": True,
    }
    assert document("drop", "--all", "--dry-run")["dropped"][0]["reason"] == "bad"

    assert (keys(shop), on_the_stream(shop)) == (before, [])


def test_what_cannot_be_replayed_stays_and_is_counted(shop: Deployment) -> None:
    put(shop, "quarantine/dt=2026-09-21/notes.json", b"{}")
    hold_batch(shop, b"a row", key=f"{BATCH_KEY}-table", DDBStreamBatchInfo={}, KinesisBatchInfo=None)
    hold(shop, event("e1"))

    counts = document("replay", "--all")

    assert (counts["objects"], counts["not_replayable"]) == (1, 2)
    assert len(keys(shop)) == 2
    assert {each["kind"] for each in document("list")} == {"unknown", "failed batch"}


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_verbs_that_change_something_have_to_be_told_of_what(shop: Deployment, verb: str) -> None:
    hold(shop, event("e1"))

    assert "nothing is selected: give ids, --reason, --since or --all" in str(run(verb).exception)
    assert "not both" in str(run(verb, "abc", "--all").exception)
    assert len(keys(shop)) == 1


def test_drop_asks_and_says_of_each_why_it_was_there(shop: Deployment) -> None:
    key = hold(shop, b"poison", reason="record is not valid JSON")

    refused = run("drop", "--all", input="n\n")
    assert (refused.exit_code, keys(shop)) == (1, [key])

    dropped = run("drop", "--all", input="y\n")
    assert f"{key}: record is not valid JSON" in dropped.stdout
    assert "dropped: 1 objects with 1 records" in dropped.stdout
    assert keys(shop) == []

    hold(shop, b"poison", reason="again")
    assert document("drop", "--all", "--yes")["dropped"][0]["reason"] == "again"
    assert keys(shop) == []


def test_replay_stopped_before_the_deletion_repeats_the_record_and_loses_none(shop: Deployment) -> None:
    hold(shop, event("e1"))

    class Stopped(QuarantineStore):
        def delete(self, held: Any) -> None:
            raise KeyboardInterrupt

    store = Stopped(shop)
    with pytest.raises(KeyboardInterrupt):
        Replayer(shop, store).replay(store.read(store.entries()))
    assert document("replay", "--all")["records"] == 1

    twice = on_the_stream(shop)
    assert [json.loads(data)["event_id"] for _, data in twice] == ["e1", "e1"]  # one event, as every reader counts
    assert len({parse_record(data, arrived_ms=ARRIVED_MS).event_id for _, data in twice}) == 1
    assert keys(shop) == []


def test_records_that_the_stream_refuses_are_offered_again_and_those_left_stay(shop: Deployment) -> None:
    for n in range(3):
        hold(shop, event(f"e{n}"), sequence=n)

    class Throttling:
        def __init__(self, refusals: int) -> None:
            self.refusals = refusals

        def put_records(self, **call: Any) -> Any:
            self.refusals -= 1
            if self.refusals < 0:
                return shop.client("kinesis").put_records(**call)
            refused = [{"ErrorCode": "ProvisionedThroughputExceededException"} for _ in call["Records"]]
            taken = shop.client("kinesis").put_records(StreamName=call["StreamName"], Records=call["Records"][:1])
            return {"Records": [*taken["Records"], *refused[1:]]}

    def replayer(refusals: int) -> Replayer:
        made = Replayer(shop, store, sleep=pauses.append)
        made._client = Throttling(refusals)
        return made

    store, pauses = QuarantineStore(shop), list[float]()
    refused = replayer(0)
    refused._client.put_records = lambda **call: {"Records": [{"ErrorCode": "Busy"} for _ in call["Records"]]}
    with pytest.raises(Unavailable, match=rf"did not take 3 records in {MAX_ATTEMPTS} attempts \(Busy\)"):
        refused.replay(store.read(store.entries()))
    assert len(keys(shop)) == 3

    patient = replayer(2)
    patient.replay(store.read(store.entries()))

    assert (patient.counts.records, keys(shop)) == (3, [])
    assert sorted(json.loads(data)["event_id"] for _, data in on_the_stream(shop)) == ["e0", "e1", "e2"]
    assert pauses[-2:] == [0.1, 0.2]


def test_many_records_go_in_calls_that_kinesis_takes(shop: Deployment) -> None:
    hold_batch(shop, *(event(f"e{n}") for n in range(501)))
    sizes = []
    store = QuarantineStore(shop)
    replayer = Replayer(shop, store)

    class Counting:
        def put_records(self, **call: Any) -> Any:
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
def test_record_without_a_kept_partition_key_gets_what_its_producer_would_give(data: bytes, expected: str) -> None:
    assert re.fullmatch(expected, original_key(StreamRecord("events", "s", "1", 1, data)))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"requestContext": {}}', b"\xff", b'{"reason": "x", "data": "?"}']
)
def test_object_that_nobody_of_ours_wrote_is_listed_as_that(content: bytes) -> None:
    for key in ("quarantine/dt=2026-09-21/x.json", BATCH_KEY):
        held = read_held(key, content, written_ms=5)
        assert (held.kind, held.records, held.time_ms) == ("unknown", (), 5)
        assert held.reason.startswith("unreadable: ")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
