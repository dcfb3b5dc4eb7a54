"""Batches of the stream, and quarantined records."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.stream import StreamRecord, stream_records
from alsolike.lake.dead_letters import QuarantinedRecord
from alsolike.runtime.errors import InvalidInput


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
