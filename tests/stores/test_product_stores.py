"""Stores of the product, in memory and on moto."""

import dataclasses

import pytest

from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.events.identity import Login
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.store import ProfileStore
from alsolike.registry.registry import Registry, model_prefix
from alsolike.runtime.errors import ConcurrentUpdate, NotFound
from alsolike.runtime.s3 import UNCHANGED, Content, S3Object, delete_objects, download, folders, listed, upload
from functions.personalize.store import DELETING_MS, Resource, ResourceStore
from operations.configuration.configuration_store import ConfigurationStore
from tests.builders.lambda_events import NOW_MS, interaction
from tests.fakes.places import BUCKET, create_profiles_table, create_table

MIB = 1024 * 1024


def seen(second):
    return RecentInteraction(NOW_MS + second * 1000, f"e{second}", "pear", "view")


@pytest.fixture
def profiles(aws):
    return ProfileStore(aws("dynamodb"), create_profiles_table(aws("dynamodb"), "profiles"))


@pytest.fixture
def catalogue(aws):
    return CatalogueStore(aws("dynamodb"), create_table(aws("dynamodb"), "catalogue", key="item_id"))


@pytest.fixture
def resources(aws):
    aws("dynamodb").create_table(
        TableName="resources",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        BillingMode="PAY_PER_REQUEST",
    )
    return ResourceStore(aws("dynamodb"), "resources")


def test_resource_is_inserted_once_and_updated_until_its_deletion(resources):
    created = Resource("Campaign", "home", "home", {"minProvisionedTPS": 1}, NOW_MS)
    updated = dataclasses.replace(created, request={}, progress={"status": "ACTIVE"}, updated_ms=NOW_MS + 1)

    assert [resources.insert(created), resources.insert(created)] == [True, False]
    assert [resources.update(updated), resources.save_progress(updated)] == [True, True]
    assert resources.all("Campaign", "Filter", now_ms=NOW_MS) == [updated]
    assert resources.delete("Campaign", "home", now_ms=NOW_MS + 2)
    assert not resources.update(updated)
    assert not resources.save_progress(updated)
    assert resources.get("Campaign", "home", now_ms=NOW_MS + 2) == dataclasses.replace(updated, deleted_ms=NOW_MS + 2)
    assert resources.get("Campaign", "home", now_ms=NOW_MS + 2 + DELETING_MS) is None


def test_profile_keeps_interactions_of_several_writers(profiles, aws):
    remembering = ProfileStore(aws("dynamodb"), "profiles", remember_bytes=1000)
    for store, second in ((remembering, 1), (profiles, 2), (remembering, 3), (profiles, 1)):
        store.add("u#ann", [seen(second)], now_ms=NOW_MS)

    assert profiles.read("u#ann", consistent=True).recent == (seen(1), seen(2), seen(3))


def test_session_joins_its_user_once(profiles):
    profiles.add("s#s1", [seen(1), seen(9)], now_ms=NOW_MS)

    for user in ("ann", "bob"):
        profiles.join("s1", Login(NOW_MS + 5_000, "e5", user), now_ms=NOW_MS)

    assert profiles.read("u#ann").recent == (seen(1),)
    assert profiles.read("u#bob").recent == ()


def test_erased_profile_stays_empty(profiles):
    profiles.add("u#ann", [seen(1)], now_ms=NOW_MS)

    for _ in range(2):
        profiles.erase("u#ann", now_ms=NOW_MS)
    profiles.add("u#ann", [seen(2)], now_ms=NOW_MS)

    found = profiles.read_many(["u#ann", "u#bob"])
    assert (found["u#ann"].erased, found["u#ann"].recent) == (True, ())


def test_rows_are_put_updated_deleted_and_listed_in_pages(catalogue):
    catalogue.put_batches((Item(f"i{number:02}", {"n": number}) for number in range(30)), now_ms=5)
    catalogue.update("i00", lambda properties: {**properties, "title": "Pear"}, now_ms=6)
    catalogue.delete("i01", now_ms=7)

    found, token = catalogue.page(limit=20)
    rest, last = catalogue.page(limit=20, token=token)

    assert sorted(stored.row.item_id for stored in [*found, *rest]) == ["i00", *(f"i{n:02}" for n in range(2, 30))]
    assert last is None
    assert catalogue.get("i00").row == Item("i00", {"n": 0, "title": "Pear"})
    with pytest.raises(NotFound):
        catalogue.get("i01")
    assert sum(1 for segment in range(3) for _ in catalogue.scan(segment=segment, segments=3)) == 29


def test_row_is_inserted_once(catalogue):
    assert catalogue.insert(Item("pear", {"v": 1}), now_ms=5)
    assert not catalogue.insert(Item("pear", {"v": 2}), now_ms=6)

    assert list(catalogue.scan()) == [Item("pear", {"v": 1})]


def test_champion_is_replaced_only_if_unchanged_since_it_was_read(s3):
    registry = Registry(s3, BUCKET)
    for version in ("v1", "v2", "v3"):
        s3.put_object(Bucket=BUCKET, Key=f"{model_prefix(version)}manifest.json", Body=b"{}")
    first = registry.promote("v1", reason="a test", now_ms=1)
    registry.replace(first, "v2", reason="a test", now_ms=2)

    with pytest.raises(ConcurrentUpdate):
        registry.replace(first, "v3", reason="a test", now_ms=3)

    champion = registry.champion()
    assert (champion.version, champion.previous) == ("v2", "v1")


def test_configuration_is_applied_only_if_unchanged_since_it_was_read(s3):
    store = ConfigurationStore(s3, BUCKET)
    base = store.current()
    mine, theirs = ({"format": 1, "events": {"view": {"weight": weight}}} for weight in (2, 3))
    store.apply(base, mine, text="", by="ann", reason="", now_ms=1)

    with pytest.raises(ConcurrentUpdate):
        store.apply(base, theirs, text="", by="bob", reason="", now_ms=2)

    assert store.current().configuration().events["view"].weight == 2
    assert [version.by for version in store.history(limit=9)] == ["ann"]


def test_tombstone_keeps_its_first_time(s3):
    assert add_tombstone(s3, BUCKET, "a" * 64, now_ms=5) == 5
    assert add_tombstone(s3, BUCKET, "b" * 64, now_ms=6) == 6
    assert add_tombstone(s3, BUCKET, "a" * 64, now_ms=7) == 5


def test_multipart_file_is_unchanged_after_upload_and_download(s3, tmp_path):
    (tmp_path / "sent").write_bytes(bytes(range(256)) * (20 * MIB // 256))

    upload(s3, BUCKET, "models/file", tmp_path / "sent")
    download(s3, BUCKET, "models/file", tmp_path / "received")

    assert (tmp_path / "received").read_bytes() == (tmp_path / "sent").read_bytes()


def test_events_are_written_to_the_stream(aws):
    aws("kinesis").create_stream(StreamName="events", ShardCount=1)

    EventStream(aws("kinesis"), "events").put([interaction("e1")], remaining_ms=lambda: 1_000)

    shard = aws("kinesis").list_shards(StreamName="events")["Shards"][0]["ShardId"]
    iterator = aws("kinesis").get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    (record,) = aws("kinesis").get_records(ShardIterator=iterator)["Records"]
    assert (record["Data"], record["PartitionKey"]) == (interaction("e1").to_record(), "u#anna")


def test_object_is_created_read_and_deleted_by_its_etag(s3):
    stored = S3Object(s3, BUCKET, "a")
    assert (stored.read(), stored.etag(), stored.read_if_changed(None)) == (None, None, None)

    assert stored.create(b"1")
    assert not stored.create(b"2")

    content = stored.read()
    assert content is not None
    assert content == Content(b"1", str(stored.etag()))
    assert stored.read_if_changed(content.etag) is UNCHANGED
    assert stored.read_if_changed('"0"') == stored.read_if_unchanged(content.etag) == content
    assert stored.read_if_unchanged('"0"') is None
    assert stored.delete(etag=content.etag)
    assert stored.read_if_changed(content.etag) is None
    assert stored.read_if_unchanged(content.etag) is None


def test_update_is_repeated_after_a_concurrent_write(s3):
    stored = S3Object(s3, BUCKET, "a")
    read: list[bytes | None] = []

    def append(content):
        read.append(content.body if content else None)
        if len(read) == 1:
            stored.write(b"theirs,")
        return "appended", (content.body if content else b"") + b"ours"

    assert stored.update(append, attempts=2) == "appended"

    assert read == [None, b"theirs,"]
    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"theirs,ours"


def test_update_with_repeated_conflicts_fails(s3):
    stored = S3Object(s3, BUCKET, "a")
    writes = iter((b"1", b"2"))

    def lose(content):
        stored.write(next(writes))
        return None, b"ours"

    with pytest.raises(ConcurrentUpdate, match="s3://artefacts/a changed 2 times while it was updated"):
        stored.update(lose, attempts=2)


def test_objects_of_a_prefix_are_listed_with_sizes_and_deleted(s3):
    for key in ("x/1/a", "x/1/b", "x/2/a", "y"):
        S3Object(s3, BUCKET, key).write(b"pear")

    assert folders(s3, BUCKET, "x/") == ["x/1/", "x/2/"]
    assert [(entry.key, entry.size_bytes) for entry in listed(s3, BUCKET, "x/1/")] == [("x/1/a", 4), ("x/1/b", 4)]

    delete_objects(s3, BUCKET, ["x/1/a", "x/1/b", "x/2/a", "absent"])

    assert [entry.key for entry in listed(s3, BUCKET, "")] == ["y"]
