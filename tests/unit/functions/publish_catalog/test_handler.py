"""Changes are written once to the log, and those of items also to the snapshot, including after failures."""

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import Unavailable
from alsolike.snapshot.store import SnapshotStore
from functions.publish_catalog import handler
from functions.publish_catalog.service import ChangeBatch, read_batch
from tests.unit.functions.publish_catalog.changes import NOW_MS, deletion, deliver, notify, record

DAY = "2026-11-25"


def test_item_changes_are_written_to_snapshot_and_log(context, snapshot, logged_objects, counted):
    deliver(context, record("a", 1, price=1), record("b", 2, price=2))
    deliver(context, record("a", 3, price=9), deletion("b", 4))

    assert dict(snapshot().items()) == {"a": {"price": 9}}
    objects = logged_objects()
    assert list(objects) == [
        f"catalogue/change_date={DAY}/shard1-1-2.jsonl.gz",
        f"catalogue/change_date={DAY}/shard3-3-4.jsonl.gz",
    ]
    changes = [change for data in objects.values() for change in change_log.decode(ChangeKind.ITEM, data)]
    assert changes == [
        Change("a", NOW_MS + 1, {"price": 1}),
        Change("b", NOW_MS + 2, {"price": 2}),
        Change("a", NOW_MS + 3, {"price": 9}),
        Change("b", NOW_MS + 4, None),
    ]
    assert (counts := counted())["ItemsPublished"] == counts["ChangesLogged"] == 4


def test_batch_delivered_ten_times_changes_nothing(context, snapshot, logged_objects):
    first = [record("a", 1, price=1), record("b", 2, price=2)]
    deliver(context, *first)
    deliver(context, record("a", 3, price=3))
    before = logged_objects()

    for _ in range(10):
        deliver(context, *first)

    assert dict(snapshot().items()) == {"a": {"price": 3}, "b": {"price": 2}}
    assert logged_objects() == before


def test_user_changes_are_written_to_the_log_only(context, snapshot, logged_objects):
    deliver(context, record("u", 1, key="user_id", age=7))

    ((key, data),) = logged_objects().items()
    assert key == f"users/change_date={DAY}/shard1-1-1.jsonl.gz"
    assert list(change_log.decode(ChangeKind.USER, data)) == [Change("u", NOW_MS + 1, {"age": 7})]
    assert len(snapshot()) == 0


def test_erased_user_is_not_written_to_the_log(context, logged_objects, erase):
    erase("gone")

    deliver(context, record("gone", 1, key="user_id", age=7), record("u", 2, key="user_id", age=8))
    deliver(context, record("gone", 3))  # An item has the erased user's ID.

    users, items = sorted(logged_objects().items(), reverse=True)
    assert list(change_log.decode(ChangeKind.USER, users[1])) == [Change("u", NOW_MS + 2, {"age": 8})]
    assert list(change_log.decode(ChangeKind.ITEM, items[1])) == [Change("gone", NOW_MS + 3, {})]


def outage(*_, **__):
    raise Unavailable("the artefact bucket is away")


def test_partly_failed_batch_is_completed_by_redelivery(context, snapshot, logged_objects, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(SnapshotStore, "upload", outage)
        with pytest.raises(Unavailable):
            deliver(context, record("a", 1))
    assert len(logged_objects()) == 1

    deliver(context, record("a", 1))

    assert dict(snapshot().items()) == {"a": {}}
    assert len(logged_objects()) == 1


def test_snapshot_above_the_size_limit_is_counted(context, counted, monkeypatch):
    monkeypatch.setenv("MAX_SNAPSHOT_MB", "0")

    deliver(context, record("a", 1))

    assert counted()["SnapshotsTooLarge"] == 1


@pytest.fixture
def declare_colour(configure):
    return lambda: configure({"items": {"columns": {"COLOUR": "string"}}})


def test_applied_configuration_types_existing_columns(context, snapshot, declare_colour):
    deliver(context, record("a", 1, colour="red"))
    assert snapshot().column("colour") is None
    declare_colour()

    notify(context)

    assert snapshot().column_types == {"colour": ColumnType.STRING}


def test_batch_with_a_stale_configuration_keeps_applied_columns(context, snapshot, declare_colour, start_new_process):
    deliver(context, record("a", 1, colour="red"))
    warm = handler._sources()
    declare_colour()
    start_new_process()
    notify(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "_sources", lambda: warm)
        deliver(context, record("b", 2, colour="blue"))

    assert snapshot().column_types == {"colour": ColumnType.STRING}
    assert len(snapshot()) == 2


def test_failed_column_update_raises_for_a_retry(context, monkeypatch, declare_colour):
    deliver(context, record("a", 1, colour="red"))
    declare_colour()
    monkeypatch.setattr(SnapshotStore, "upload", outage)

    with pytest.raises(Unavailable):  # EventBridge repeats the invocation.
        notify(context)


def removal(entity_id, sequence, *, key="item_id"):
    removed = {**record(entity_id, sequence, key=key), "eventName": "REMOVE"}
    del removed["dynamodb"]["NewImage"]
    removed["dynamodb"]["ApproximateCreationDateTime"] = 1_790_000_000
    return removed


def test_table_stream_records_become_changes():
    batch = read_batch({"Records": [record("a", 1, price=1), deletion("b", 2), removal("c", 3)]})

    assert batch == ChangeBatch(
        ChangeKind.ITEM,
        "shard1",
        "1",
        "3",
        (Change("a", NOW_MS + 1, {"price": 1}), Change("b", NOW_MS + 2, None), Change("c", 1_790_000_000_999, None)),
        unreadable=0,
    )


def test_removed_user_row_is_not_a_change():
    batch = read_batch({"Records": [removal("u", 1, key="user_id"), record("v", 2, key="user_id")]})

    assert (batch.kind, batch.changes) == (ChangeKind.USER, (Change("v", NOW_MS + 2, {}),))


def test_invalid_rows_are_counted_and_other_rows_are_published(context, snapshot, counted):
    bad = [record(f"bad-{number}", number) for number in range(5)]
    images = [row["dynamodb"]["NewImage"] for row in bad]
    del images[0]["updated_at_ms"], images[1]["properties"]
    for image, properties in zip(images[2:], ({"S": "[1]"}, {"S": "{"}, {"M": {}}), strict=True):
        image["properties"] = properties

    deliver(context, *bad, record("a", 9))

    assert dict(snapshot().items()) == {"a": {}}
    assert counted()["RecordsUnreadable"] == 5


def test_other_events_are_not_a_batch():
    assert read_batch({"detail-type": "Object Created"}) is None
    assert read_batch({"Records": []}) is None
