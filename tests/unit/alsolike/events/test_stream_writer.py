import pytest
from botocore.exceptions import ConnectTimeoutError

from alsolike.events.stream import partition_key
from alsolike.events.stream_writer import MAX_ATTEMPTS, EventStream
from alsolike.runtime.errors import Unavailable
from tests.builders.lambda_events import interaction


class FakeKinesis:
    """Stream that rejects a record as often as `refusals` states for the record's partition key."""

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
