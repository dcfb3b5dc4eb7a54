from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models.utilities import dynamo_to_dict

from builders import create_table
from local_cloud.moto_changes import tables
from local_cloud.moto_streams import open_shards
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.storage.recorder import Recorder

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ATTRIBUTES = {
    "text": {"S": "café"},
    "number": {"N": "1.50"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "data": {"B": b"\x00\xff"},
    "tags": {"SS": ["a"]},
    "list": {"L": [{"N": "1"}, {"M": {"deep": {"B": b"\x01"}}}]},
    "map": {"M": {"inner": {"L": [{"S": "x"}]}}},
}


@pytest.fixture
def dynamodb(monkeypatch, undone_changes):
    monkeypatch.setattr("moto.dynamodb.responses.dynamo_to_dict", dynamo_to_dict)
    runtime: Any = SimpleNamespace(recorder=Recorder(None, region=REGION, account=ACCOUNT))
    for change in tables.CHANGES:
        change(runtime)
    with mock_aws():
        yield boto3.client("dynamodb", region_name=REGION)


def create_things(*, range_key=False):
    keys = {"id": "S"} | ({"number": "N"} if range_key else {})
    return create_table(REGION, stream="NEW_AND_OLD_IMAGES", **keys)["LatestStreamArn"]


@pytest.mark.parametrize("range_key", [False, True])
def test_scan_pages_have_each_item_once_in_key_order(dynamodb, range_key):
    create_things(range_key=range_key)
    for number in (10, 9, 2, 33, 1):
        for name in ("b", "a") if range_key else (f"{number}",):
            dynamodb.put_item(TableName="things", Item={"id": {"S": name}, "number": {"N": str(number)}})
    paginator = dynamodb.get_paginator("scan")
    pages = paginator.paginate(TableName="things", PaginationConfig={"PageSize": 2})
    found = [(item["id"]["S"], int(item["number"]["N"])) for page in pages for item in page["Items"]]
    expected = [(name, number) for name in "ab" for number in (1, 2, 9, 10, 33)]
    assert found == (expected if range_key else sorted((str(number), number) for number in (10, 9, 2, 33, 1)))


def test_page_can_start_after_a_deleted_item(dynamodb):
    create_things()
    for name in "abc":
        dynamodb.put_item(TableName="things", Item={"id": {"S": name}})
    page = dynamodb.scan(TableName="things", Limit=2)
    dynamodb.delete_item(TableName="things", Key=page["LastEvaluatedKey"])
    rest = dynamodb.scan(TableName="things", ExclusiveStartKey=page["LastEvaluatedKey"])
    assert [item["id"]["S"] for item in rest["Items"]] == ["c"]


def test_scan_segments_partition_the_items(dynamodb):
    create_things()
    names = {str(number) for number in range(40)}
    for name in names:
        dynamodb.put_item(TableName="things", Item={"id": {"S": name}})
    found = []
    for segment in range(3):
        pages = dynamodb.get_paginator("scan").paginate(
            TableName="things", Segment=segment, TotalSegments=3, PaginationConfig={"PageSize": 4}
        )
        found.append([item["id"]["S"] for page in pages for item in page["Items"]])
    assert all(found)
    assert sorted(name for part in found for name in part) == sorted(names)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_is_unchanged_after_write_and_read(dynamodb, name):
    create_things()
    item = {"id": {"S": "1"}, name: ATTRIBUTES[name]}
    dynamodb.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": item}}]})
    assert dynamodb.get_item(TableName="things", Key={"id": {"S": "1"}})["Item"] == item
    assert dynamodb.scan(TableName="things")["Items"] == [item]


def test_wrong_attribute_type_is_refused(dynamodb):
    create_things()
    with pytest.raises(dynamodb.exceptions.ClientError, match="cannot be converted to a numeric value"):
        dynamodb.put_item(TableName="things", Item={"id": {"S": "1"}, "number": {"N": "one"}})


@pytest.mark.parametrize("range_key", [False, True])
def test_batch_stores_and_streams_like_single_writes(dynamodb, range_key):
    arn = create_things(range_key=range_key)
    items = [{"id": {"S": name}, "number": {"N": "1.50"}, "text": {"S": "café"}} for name in "aba"]
    for item in items:
        dynamodb.put_item(TableName="things", Item=item)
    single = stream_events(arn)

    for item in items:
        dynamodb.delete_item(TableName="things", Key={key: item[key] for key in ("id", "number")[: 1 + range_key]})
    before = len(stream_events(arn))
    for batch in (items[:2], items[2:]):
        assert not put_batch(dynamodb, *batch)["UnprocessedItems"]

    assert [without_ids(event) for event in stream_events(arn)[before:]] == [without_ids(event) for event in single]
    assert dynamodb.scan(TableName="things")["Items"] == items[:2]


def test_batch_is_stored_atomically(dynamodb):
    arn = create_things()
    good = {"id": {"S": "1"}}
    for bad, reason in (
        ({"id": {"S": ""}}, "empty string"),
        ({"id": {"S": "1"}}, "duplicates"),
        ({"id": {"S": "2"}, "text": {"S": "x" * 410_000}}, "Item size"),
    ):
        with pytest.raises(dynamodb.exceptions.ClientError, match=reason):
            put_batch(dynamodb, good, bad)
    assert dynamodb.scan(TableName="things")["Items"] == []
    assert stream_events(arn) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"other": {"S": "1"}},
        {"id": {"N": "1"}},
        {"id": {"S": "x" * 2049}},
        {"id": {"S": "1"}, "number": {"N": "one"}},
        {"id": {"S": "1"}, "number": {"N": "1E+127"}},
    ],
)
def test_batch_with_an_invalid_item_is_refused(dynamodb, bad):
    create_things()
    with pytest.raises(dynamodb.exceptions.ClientError):
        put_batch(dynamodb, bad)
    assert dynamodb.scan(TableName="things")["Items"] == []


def test_batch_may_combine_writes_and_deletions(dynamodb):
    create_things()
    put_batch(dynamodb, {"id": {"S": "1"}})
    requests = [{"PutRequest": {"Item": {"id": {"S": "2"}}}}, {"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]
    dynamodb.batch_write_item(RequestItems={"things": requests})
    assert dynamodb.scan(TableName="things")["Items"] == [{"id": {"S": "2"}}]


def put_batch(dynamodb, *items):
    return dynamodb.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": item}} for item in items]})


def stream_events(arn):
    mapping = EventSourceMapping("uuid", arn, "arn:aws:lambda:eu-west-1:123456789012:function:f", batch_size=10)
    recorder = Recorder(None, region=REGION, account=ACCOUNT)
    (shard,) = open_shards(mapping, recorder=recorder)
    return [dict(record.event) for record in shard.read(100)]


def without_ids(event):
    own = ("SequenceNumber", "ApproximateCreationDateTime")
    change = {name: value for name, value in event["dynamodb"].items() if name not in own}
    return {**event, "dynamodb": change, "eventID": None}


def test_stream_record_is_the_event_of_lambda(dynamodb):
    arn = create_things()
    mapping = EventSourceMapping("uuid", arn, "arn:aws:lambda:eu-west-1:123456789012:function:f", batch_size=10)
    (shard,) = open_shards(mapping, recorder=Recorder(None, region=REGION, account=ACCOUNT))
    dynamodb.put_item(TableName="things", Item={"id": {"S": "1"}, "data": {"B": b"\x00\xff"}})
    dynamodb.put_item(TableName="things", Item={"id": {"S": "1"}, "list": ATTRIBUTES["list"]})
    dynamodb.delete_item(TableName="things", Key={"id": {"S": "1"}})
    (first,), (second, third) = shard.read(1), shard.read(10)
    assert shard.read(10) == []
    inserted = first.event["dynamodb"]
    assert first.event["eventName"] == "INSERT"
    assert (first.event["eventSourceARN"], first.event["awsRegion"]) == (arn, REGION)
    assert inserted["Keys"] == {"id": {"S": "1"}}
    assert inserted["NewImage"] == {"id": {"S": "1"}, "data": {"B": "AP8="}}
    # The key has 3 bytes, name and value. The attributes of the image have 3 and 6.
    assert inserted["SizeBytes"] == 3 + 3 + 6
    assert inserted["ApproximateCreationDateTime"] == first.arrival_s
    assert second.event["dynamodb"]["OldImage"] == inserted["NewImage"]
    assert second.event["dynamodb"]["NewImage"]["list"] == {"L": [{"N": "1"}, {"M": {"deep": {"B": "AQ=="}}}]}
    assert third.event["eventName"] == "REMOVE"
    assert "NewImage" not in third.event["dynamodb"]
    assert int(first.sequence_number) < int(second.sequence_number) < int(third.sequence_number)


def test_latest_position_skips_existing_records(dynamodb):
    arn = create_things()
    dynamodb.put_item(TableName="things", Item={"id": {"S": "before"}})
    mapping = EventSourceMapping(
        "uuid", arn, "arn:aws:lambda:eu-west-1:123456789012:function:f", batch_size=10, starting_position="LATEST"
    )
    (shard,) = open_shards(mapping, recorder=Recorder(None, region=REGION, account=ACCOUNT))
    dynamodb.put_item(TableName="things", Item={"id": {"S": "after"}})
    assert [record.event["dynamodb"]["Keys"]["id"]["S"] for record in shard.read(10)] == ["after"]
