from typing import Any

from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from functions.publish_catalog.table_stream import read_batch


def record(item_id, sequence, *, key="item_id", event="MODIFY", **image):
    dynamodb: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_790_000_000,
        "Keys": {key: {"S": item_id}},
        "SequenceNumber": str(sequence),
    }
    if event != "REMOVE":
        dynamodb["NewImage"] = {key: {"S": item_id}, **image}
    return {"eventID": f"event-{sequence}", "eventName": event, "eventSource": "aws:dynamodb", "dynamodb": dynamodb}


def test_table_stream_records_become_changes():
    batch = read_batch(
        {
            "Records": [
                record("a", 1, event="INSERT", properties={"S": '{"price":1}'}, updated_at_ms={"N": "5"}),
                record("b", 2, deleted={"BOOL": True}, updated_at_ms={"N": "6"}),
                record("c", 3, event="REMOVE"),
            ]
        }
    )

    assert batch.changes == (Change("a", 5, {"price": 1}), Change("b", 6, None), Change("c", 1_790_000_000_999, None))
    assert (batch.kind, batch.shard, batch.first_sequence, batch.last_sequence) == (
        ChangeKind.ITEM,
        "event-1",
        "1",
        "3",
    )
    assert batch.unreadable == 0


def test_removed_user_row_is_not_a_change():
    mark = record("v", 2, key="user_id", deleted={"BOOL": True}, updated_at_ms={"N": "6"})

    batch = read_batch({"Records": [record("u", 1, key="user_id", event="REMOVE"), mark]})

    assert (batch.kind, batch.changes) == (ChangeKind.USER, (Change("v", 6, None),))


def test_invalid_rows_are_counted_and_other_rows_are_read():
    good = record("z", 9, properties={"S": "{}"}, updated_at_ms={"N": "5"})
    bad = [
        record("a", 1, properties={"S": "{}"}),
        record("b", 2, updated_at_ms={"N": "5"}),
        record("c", 3, properties={"S": "[1]"}, updated_at_ms={"N": "5"}),
        record("d", 4, properties={"S": "{"}, updated_at_ms={"N": "5"}),
        record("e", 5, properties={"M": {}}, updated_at_ms={"N": "soon"}),
    ]

    batch = read_batch({"Records": [*bad, good]})

    assert (batch.changes, batch.unreadable) == ((Change("z", 5, {}),), 5)


def test_other_events_are_not_a_batch():
    assert read_batch({"detail-type": "Object Created"}) is None
    assert read_batch({"Records": []}) is None
