from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alsolike import catalogue_log
from alsolike.bundle import CONTENT_FILE
from alsolike.catalogue_change import Change
from alsolike.catalogue_log import ChangeKind
from alsolike.configuration import ColumnType
from alsolike.configuration_store import ConfigurationStore
from alsolike.errors import Unavailable
from alsolike.pseudonyms import pseudonyms_of
from alsolike.registry import Registry
from alsolike.snapshot import Snapshot
from alsolike.snapshot_reader import SnapshotReader
from alsolike.snapshot_store import SnapshotStore
from alsolike.tombstones import add_tombstone
from functions.publish_catalog import handler
from tests.sentence_model import ITEMS, sentence_model
from tests.unit.functions.bundles import upload_bundle, write_bundle
from tests.unit.functions.factories import LambdaContext

DAY = "2026-11-25"
NOW_MS = 1_795_564_800_000  # of that day


@pytest.fixture(autouse=True)
def environment(
    lake_bucket: str, artefact_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    monkeypatch.setenv("LAKE_BUCKET", lake_bucket)
    monkeypatch.setenv("ARTEFACT_BUCKET", artefact_bucket)
    monkeypatch.setenv("SECRET_ARN", "the-key")
    monkeypatch.setenv("MAX_SNAPSHOT_MB", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    handler._sources.cache_clear()
    yield
    handler._sources.cache_clear()


def record(entity_id: str, sequence: int, *, key: str = "item_id", **properties: Any) -> dict[str, Any]:
    return {
        "eventID": f"shard{sequence}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {key: {"S": entity_id}},
            "SequenceNumber": str(sequence),
            "NewImage": {
                key: {"S": entity_id},
                "properties": {"S": json.dumps(properties)},
                "updated_at_ms": {"N": str(NOW_MS + sequence)},
            },
        },
    }


def deletion(item_id: str, sequence: int) -> dict[str, Any]:
    made = record(item_id, sequence)
    made["dynamodb"]["NewImage"] = {
        "item_id": {"S": item_id}, "deleted": {"BOOL": True}, "updated_at_ms": {"N": str(NOW_MS + sequence)},
    }  # fmt: skip
    return made


def deliver(context: LambdaContext, *records: dict[str, Any]) -> None:
    handler.lambda_handler({"Records": list(records)}, context)


@pytest.fixture
def snapshot(aws: Callable[[str], Any], artefact_bucket: str, tmp_path: Path) -> Callable[[], Snapshot]:
    reader = SnapshotReader(aws("s3"), artefact_bucket, tmp_path / "reader", check_s=0)
    return lambda: reader.current(now_ms=NOW_MS)


@pytest.fixture
def logged_objects(aws: Callable[[str], Any], lake_bucket: str) -> Callable[[], dict[str, bytes]]:
    def read() -> dict[str, bytes]:
        s3 = aws("s3")
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=lake_bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=lake_bucket, Key=key)["Body"].read() for key in keys}

    return read


def test_items_reach_the_snapshot_and_the_log(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    logged_objects: Callable[[], dict[str, bytes]],
    counted: Callable[[], dict[str, float]],
) -> None:
    deliver(context, record("a", 1, price=1), record("b", 2, price=2))
    deliver(context, record("a", 3, price=9), deletion("b", 4))

    assert dict(snapshot().items()) == {"a": {"price": 9}}
    objects = logged_objects()
    assert list(objects) == [
        f"catalogue/change_date={DAY}/shard1-1-2.jsonl.gz",
        f"catalogue/change_date={DAY}/shard3-3-4.jsonl.gz",
    ]
    changes = [change for data in objects.values() for change in catalogue_log.decode(ChangeKind.ITEM, data)]
    assert changes == [
        Change("a", NOW_MS + 1, {"price": 1}),
        Change("b", NOW_MS + 2, {"price": 2}),
        Change("a", NOW_MS + 3, {"price": 9}),
        Change("b", NOW_MS + 4, None),
    ]
    assert (counts := counted())["ItemsPublished"] == counts["ChangesLogged"] == 4


def test_batch_delivered_ten_times_changes_nothing_more(
    context: LambdaContext, snapshot: Callable[[], Snapshot], logged_objects: Callable[[], dict[str, bytes]]
) -> None:
    first = [record("a", 1, price=1), record("b", 2, price=2)]
    deliver(context, *first)
    deliver(context, record("a", 3, price=3))
    before = logged_objects()

    for _ in range(10):
        deliver(context, *first)

    assert dict(snapshot().items()) == {"a": {"price": 3}, "b": {"price": 2}}
    assert logged_objects() == before


def test_users_reach_the_log_alone(
    context: LambdaContext, snapshot: Callable[[], Snapshot], logged_objects: Callable[[], dict[str, bytes]]
) -> None:
    deliver(context, record("u", 1, key="user_id", age=7))

    ((key, data),) = logged_objects().items()
    assert key == f"users/change_date={DAY}/shard1-1-1.jsonl.gz"
    assert list(catalogue_log.decode(ChangeKind.USER, data)) == [Change("u", NOW_MS + 1, {"age": 7})]
    assert len(snapshot()) == 0


def test_erased_user_does_not_come_back_into_the_log(
    context: LambdaContext,
    logged_objects: Callable[[], dict[str, bytes]],
    aws: Callable[[str], Any],
    artefact_bucket: str,
) -> None:
    secrets = aws("secretsmanager")
    secrets.create_secret(Name="the-key", SecretString="k" * 64)
    user_hash = pseudonyms_of(secrets, "the-key").erased_user("gone")
    add_tombstone(aws("s3"), artefact_bucket, user_hash, now_ms=NOW_MS)

    deliver(context, record("gone", 1, key="user_id", age=7), record("u", 2, key="user_id", age=8))
    deliver(context, record("gone", 3))  # an item that is called the same

    users, items = sorted(logged_objects().items(), reverse=True)
    assert list(catalogue_log.decode(ChangeKind.USER, users[1])) == [Change("u", NOW_MS + 2, {"age": 8})]
    assert list(catalogue_log.decode(ChangeKind.ITEM, items[1])) == [Change("gone", NOW_MS + 3, {})]


def test_unreadable_row_is_counted_and_costs_the_others_nothing(
    context: LambdaContext, snapshot: Callable[[], Snapshot], counted: Callable[[], dict[str, float]]
) -> None:
    broken = record("x", 1)
    del broken["dynamodb"]["NewImage"]["updated_at_ms"]

    deliver(context, broken, record("a", 2))

    assert dict(snapshot().items()) == {"a": {}}
    assert counted()["RecordsUnreadable"] == 1


def test_batch_that_failed_half_way_is_whole_when_it_comes_again(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    logged_objects: Callable[[], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outage(*_: Any, **__: Any) -> None:
        raise Unavailable("the artefact bucket is away")

    with monkeypatch.context() as patch:
        patch.setattr(SnapshotStore, "upload", outage)
        with pytest.raises(Unavailable):
            deliver(context, record("a", 1))
    assert len(logged_objects()) == 1

    deliver(context, record("a", 1))

    assert dict(snapshot().items()) == {"a": {}}
    assert len(logged_objects()) == 1


def test_applied_configuration_types_the_columns_of_what_is_there(
    context: LambdaContext, snapshot: Callable[[], Snapshot], aws: Callable[[str], Any], artefact_bucket: str
) -> None:
    deliver(context, record("a", 1, colour="red"))
    assert snapshot().column("colour") is None
    store = ConfigurationStore(aws("s3"), artefact_bucket)
    document = {"format": 1, "items": {"columns": {"COLOUR": "string"}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=NOW_MS)

    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

    assert snapshot().column_types == {"colour": ColumnType.STRING}


def test_a_batch_of_an_environment_that_has_not_looked_again_leaves_applied_columns(
    context: LambdaContext, snapshot: Callable[[], Snapshot], aws: Callable[[str], Any], artefact_bucket: str
) -> None:
    deliver(context, record("a", 1, colour="red"))
    warm = handler._sources()
    store = ConfigurationStore(aws("s3"), artefact_bucket)
    document = {"format": 1, "items": {"columns": {"COLOUR": "string"}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=NOW_MS)
    handler._sources.cache_clear()
    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "_sources", lambda: warm)
        deliver(context, record("b", 2, colour="blue"))

    assert snapshot().column_types == {"colour": ColumnType.STRING}
    assert len(snapshot()) == 2


def test_columns_that_cannot_be_brought_about_are_tried_again(
    context: LambdaContext, monkeypatch: pytest.MonkeyPatch, aws: Callable[[str], Any], artefact_bucket: str
) -> None:
    deliver(context, record("a", 1, colour="red"))
    store = ConfigurationStore(aws("s3"), artefact_bucket)
    document = {"format": 1, "items": {"columns": {"COLOUR": "string"}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=NOW_MS)

    def outage(*_: Any, **__: Any) -> None:
        raise Unavailable("the artefact bucket is away")

    monkeypatch.setattr(SnapshotStore, "upload", outage)

    with pytest.raises(Unavailable):  # EventBridge invokes again
        handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)


def test_snapshot_that_readers_refuse_is_counted(
    context: LambdaContext, counted: Callable[[], dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_SNAPSHOT_MB", "0")
    handler._sources.cache_clear()

    deliver(context, record("a", 1))

    assert counted()["SnapshotsTooLarge"] == 1


def crown(s3: Any, bucket: str, directory: Path, *, content: bool = True) -> None:
    """Make a champion that knows a red vase, a red bowl and a blue cup."""
    items = {"vase": {"colour": "red"}, "bowl": {"colour": "red"}, "cup": {"colour": "blue"}, "jug": {"colour": "blue"}}
    write_bundle(directory, item_ids=list(items), popular=["vase"], properties=items)
    if not content:
        (directory / CONTENT_FILE).unlink()
    upload_bundle(s3, bucket, directory, version="v1")
    Registry(s3, bucket).promote("v1", reason="test", now_ms=NOW_MS)


def cold_neighbours(snapshot: Snapshot) -> list[list[int]]:
    found = snapshot.cold
    return [] if found is None else [found.neighbours[row].tolist() for row in range(len(found))]


def test_new_item_comes_with_its_nearest_known_ones(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    counted: Callable[[], dict[str, float]],
    aws: Callable[[str], Any],
    artefact_bucket: str,
    tmp_path: Path,
) -> None:
    crown(aws("s3"), artefact_bucket, tmp_path / "v1")

    deliver(context, record("vase", 1, colour="red"), record("plate", 2, colour="red"))

    assert cold_neighbours(snapshot()) == [[1, 2]]
    assert counted()["ColdItemsCompared"] == 1


def test_news_of_a_champion_makes_what_it_does_not_know_cold(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    aws: Callable[[str], Any],
    artefact_bucket: str,
    tmp_path: Path,
) -> None:
    deliver(context, record("vase", 1, colour="red"), record("plate", 2, colour="blue"))
    assert snapshot().cold is None
    crown(aws("s3"), artefact_bucket, tmp_path / "v1")

    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

    assert cold_neighbours(snapshot()) == [[3, 4]]


def crown_with_titles(s3: Any, bucket: str, directory: Path, *, sentences: bool) -> None:
    """Make a champion that knows a sofa, a lamp, a desk and an item without a title."""
    model = sentence_model(directory / "sentences") if sentences else None
    write_bundle(directory / "v1", item_ids=list(ITEMS), popular=["sofa"], properties=ITEMS, sentences=model)
    upload_bundle(s3, bucket, directory / "v1", version="v1")
    Registry(s3, bucket).promote("v1", reason="test", now_ms=NOW_MS)


@pytest.mark.parametrize(("sentences", "neighbours"), [(True, [1]), (False, [])])
def test_new_item_comes_with_the_known_one_whose_title_means_the_same_where_the_champion_has_a_sentence_model(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    counted: Callable[[], dict[str, float]],
    aws: Callable[[str], Any],
    artefact_bucket: str,
    tmp_path: Path,
    sentences: bool,
    neighbours: list[int],
) -> None:
    crown_with_titles(aws("s3"), artefact_bucket, tmp_path, sentences=sentences)

    deliver(context, record("couch", 1, title="Couch"))

    assert cold_neighbours(snapshot()) == [neighbours]
    assert counted()["ColdItemsCompared"] == 1


def test_changes_are_published_without_neighbours_where_the_sentence_models_library_is_missing(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    counted: Callable[[], dict[str, float]],
    aws: Callable[[str], Any],
    artefact_bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crown_with_titles(aws("s3"), artefact_bucket, tmp_path, sentences=True)
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    deliver(context, record("couch", 1, title="grey couch"))

    assert dict(snapshot().items()) == {"couch": {"title": "grey couch"}}
    assert cold_neighbours(snapshot()) == []
    assert counted()["ColdItemsFailed"] == 1


def test_changes_are_published_though_the_champion_has_no_content_index(
    context: LambdaContext,
    snapshot: Callable[[], Snapshot],
    counted: Callable[[], dict[str, float]],
    aws: Callable[[str], Any],
    artefact_bucket: str,
    tmp_path: Path,
) -> None:
    crown(aws("s3"), artefact_bucket, tmp_path / "v1", content=False)

    deliver(context, record("plate", 1))

    assert dict(snapshot().items()) == {"plate": {}}
    assert counted()["ColdItemsFailed"] == 1
