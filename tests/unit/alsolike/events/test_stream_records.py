import base64

import orjson
import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.stream_records import StreamRecord, partition_key, stream_records
from alsolike.events.stream_writer import MAX_ATTEMPTS, EventStream
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.runtime.errors import InvalidInput, Unavailable
from tests.builders.lambda_events import interaction


def lambda_record(sequence, data, arrived_s=1_700_000_000.123):
    return {
        "eventID": f"shardId-000000000006:{sequence}",
        "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
        "kinesis": {
            "partitionKey": "u#anna",
            "sequenceNumber": sequence,
            "approximateArrivalTimestamp": arrived_s,
            "data": base64.b64encode(data).decode(),
        },
    }


def test_batch_is_read_in_order():
    event = {"Records": [lambda_record("9", b"a"), lambda_record("10", b"\xff\x00")]}

    assert stream_records(event) == [
        StreamRecord("events", "shardId-000000000006", "9", 1_700_000_000_123, b"a", "u#anna"),
        StreamRecord("events", "shardId-000000000006", "10", 1_700_000_000_123, b"\xff\x00", "u#anna"),
    ]


def test_shard_is_named_with_its_region_on_request():
    event = {"Records": [lambda_record("9", b"a")]}

    (record,) = stream_records(event, with_region=True)

    assert record.shard_id == "eu-west-1-shardId-000000000006"


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])))
def test_quarantined_record_is_unchanged_after_write_and_read(data, reason):
    written = QuarantinedRecord(StreamRecord("events", "shardId-0", "7", 1_700_000_000_123, data), reason)

    assert QuarantinedRecord.from_json(written.to_json()) == written
    assert written.key == "quarantine/dt=2023-11-14/shardId-0-7.json"


def test_quarantined_record_without_a_partition_key_is_readable():
    written = QuarantinedRecord(StreamRecord("events", "shardId-0", "7", 1_700_000_000_123, b"x", "u#anna"), "bad")
    document = orjson.loads(written.to_json())
    assert document.pop("partition_key") == "u#anna"

    read = QuarantinedRecord.from_json(orjson.dumps(document))

    assert read.record == written.record._replace(partition_key=None)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"reason": "x", "data": "?"}', b'{"reason": "x", "data": ""}']
)
def test_other_document_is_not_a_quarantined_record(document):
    with pytest.raises(InvalidInput, match=r"^not a quarantined record: "):
        QuarantinedRecord.from_json(document)


class FakeKinesis:
    def __init__(self, refusals):
        self.refusals = refusals
        self.taken: list[str] = []
        self.calls = 0

    def put_records(self, *, StreamName, Records):  # noqa: N803
        self.calls += 1
        results: list[dict[str, str]] = []
        for record in Records:
            key = record["PartitionKey"]
            if self.refusals.get(key, 0) > 0:
                self.refusals[key] -= 1
                results.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"})
            else:
                self.taken.append(key)
                results.append({"SequenceNumber": "1", "ShardId": "shardId-000000000000"})
        return {"Records": results, "FailedRecordCount": sum("ErrorCode" in result for result in results)}


def plenty():
    return 60_000


def put(kinesis, *, remaining_ms=plenty):
    pauses: list[float] = []
    stream = EventStream(kinesis, "events", sleep=pauses.append)
    stream.put([interaction("e1", user_id="anna"), interaction("e2", user_id="ben")], remaining_ms=remaining_ms)
    return pauses


def test_only_refused_records_are_retried():
    kinesis = FakeKinesis({"u#ben": 2})

    pauses = put(kinesis)

    assert kinesis.taken == ["u#anna", "u#ben"]
    assert pauses == [0.05, 0.1]


def test_continuously_refused_records_raise_unavailable():
    kinesis = FakeKinesis({"u#ben": 99})

    with pytest.raises(Unavailable, match=r"1 of 2 events could not be stored .*ThroughputExceeded.*5 attempts"):
        put(kinesis)

    assert kinesis.calls == MAX_ATTEMPTS


def test_retry_is_skipped_if_the_remaining_time_is_short():
    kinesis = FakeKinesis({"u#ben": 99})

    with pytest.raises(Unavailable, match="after 1 attempts"):
        put(kinesis, remaining_ms=lambda: 1_040)

    assert kinesis.calls == 1


def test_unreachable_stream_raises_unavailable():
    class Unreachable:
        def put_records(self, **_):
            raise ConnectTimeoutError(endpoint_url="https://kinesis")

    with pytest.raises(Unavailable, match="does not answer"):
        put(Unreachable())


def test_partition_key_is_the_profile_id_or_its_hash():
    assert partition_key("u#anna") == "u#anna"
    assert len(partition_key("u#" + "x" * 256)) == 64
    assert partition_key("u#" + "x" * 256) != partition_key("u#" + "x" * 255 + "y")
