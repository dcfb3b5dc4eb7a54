"""Items from the API through the table's stream to the snapshot and the change log.

Some tests need the state that earlier tests left.
"""

import json

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.runtime.polling import Polling
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.reader import SnapshotReader
from tests.booted.shop import eventually, failed_invocations


@pytest.fixture(scope="module")
def items(shop, tmp_path_factory):
    directory = tmp_path_factory.mktemp("snapshot")
    reader = SnapshotReader(shop.cloud.client("s3"), shop.name("artefact-bucket"), directory, polling=Polling(0))
    return lambda: dict(reader.current(now_ms=0).items())


def put(shop, **items):
    rows = [{"itemId": item_id, "properties": json.dumps(properties)} for item_id, properties in items.items()]
    return shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows})


def manifest(shop):
    s3 = shop.cloud.client("s3")
    return Manifest.from_json(s3.get_object(Bucket=shop.name("artefact-bucket"), Key=SNAPSHOT_KEY)["Body"].read())


def logged(shop, kind):
    s3, bucket = shop.cloud.client("s3"), shop.name("lake-bucket")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=kind.prefix).get("Contents", [])]
    changes = [
        change
        for key in keys
        for change in change_log.decode(kind, s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    ]
    return {entity_id: change.properties for entity_id, change in change_log.newest(changes).items()}


def test_posted_items_are_in_the_snapshot_within_seconds(shop, items):
    assert put(shop, lamp={"price": 20, "colour": "red"}, chair={"price": 70}).status == 200

    found = eventually(items, holds=lambda found: {"lamp", "chair"} <= found.keys())

    assert found["lamp"] == {"price": 20, "colour": "red"}
    assert found["chair"] == {"price": 70}


def test_changed_price_writes_one_new_segment(shop, items):
    before = {entry.key for entry in manifest(shop).segments}

    assert shop.administer("PATCH", "/items/lamp", {"price": 15}).status == 200

    assert eventually(items, holds=lambda found: found["lamp"]["price"] == 15)["lamp"] == {"price": 15, "colour": "red"}
    assert len({entry.key for entry in manifest(shop).segments} - before) == 1


def test_deleted_item_is_removed_from_the_snapshot(shop, items):
    assert shop.administer("DELETE", "/items/chair").status == 200

    assert "chair" not in eventually(items, holds=lambda found: "chair" not in found)


def test_item_row_deleted_from_the_table_is_removed_from_the_snapshot(shop, items):
    put(shop, stool={"price": 5})
    eventually(items, holds=lambda found: "stool" in found)

    shop.cloud.client("dynamodb").delete_item(TableName=shop.name("catalogue-table"), Key={"item_id": {"S": "stool"}})

    assert "stool" not in eventually(items, holds=lambda found: "stool" not in found)


def test_change_log_has_the_latest_state_of_every_item(shop, items):
    log = eventually(lambda: logged(shop, ChangeKind.ITEM), holds=lambda log: log.get("stool", 0) is None)

    assert {item_id: properties for item_id, properties in log.items() if properties is not None} == items()
    assert (log["lamp"], log["chair"], log["stool"]) == ({"price": 15, "colour": "red"}, None, None)


def test_users_are_written_to_the_change_log(shop):
    rows = [{"userId": "ada", "properties": json.dumps({"ageGroup": "30s"})}]
    call = {"datasetArn": shop.name("users-dataset-arn"), "users": rows}
    assert shop.post("/users", call).status == 200

    log = eventually(lambda: logged(shop, ChangeKind.USER), holds=lambda log: "ada" in log)

    assert log["ada"] == {"ageGroup": "30s"}


def test_declared_column_is_typed_in_the_snapshot(shop, tmp_path):
    (tmp_path / "alsolike.yaml").write_text("format: 1\nitems:\n  columns:\n    PRICE: number\n    COLOUR: string\n")

    shop.alsolike("config", "apply", tmp_path / "alsolike.yaml")

    columns = eventually(lambda: manifest(shop).columns, holds=lambda columns: len(columns) == 2)
    assert columns == {"price": ColumnType.NUMBER, "colour": ColumnType.STRING}


def test_catalogue_publisher_has_no_failed_invocation(shop, items):
    assert "lamp" in items()
    assert failed_invocations(shop, "PublishCatalog") == 0
