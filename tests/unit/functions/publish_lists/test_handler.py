"""Static lists are written completely or not at all, and follow the champion, the catalogue and the trends."""

import json
import tempfile
import time
from typing import Any

import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from alsolike.trends.counters import NOTHING_COUNTED, Event
from alsolike.trends.store import TrendsStore, trends_key
from functions.publish_lists import champion_lists, handler, service
from tests.builders.bundles import without_later_files
from tests.fakes.places import create_bucket, objects

PUBLIC = {"pear": {"plum": 1.0, "fig": 0.1235}, "fig": {"pear": 0.5}}
COLUMNS = {"title": ColumnType.STRING, "inStock": ColumnType.BOOLEAN, "cost": ColumnType.NUMBER}


@pytest.fixture(autouse=True)
def web_bucket(artefact_bucket, aws, set_variables, monkeypatch, tmp_path):
    set_variables(WEB_BUCKET="web-bucket")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return create_bucket(aws("s3"), "web-bucket")


@pytest.fixture
def files(aws, web_bucket):
    return lambda: {key: json.loads(body) for key, body in objects(aws("s3"), web_bucket).items()}


@pytest.fixture
def published(files, context):
    """Return a function that publishes, and returns `lists.json` with the items of all its shards."""

    def publish():
        handler.lambda_handler({}, context)
        stored = files()
        lists = stored["lists/lists.json"]
        items: dict[str, Any] = {}
        for name in lists["shards"]:
            items.update(stored[f"lists/{name}.json"])
        return {**lists, "items": items}

    return publish


@pytest.fixture
def make_champion(world):
    def made(version="v1", *, public=PUBLIC, old=False):
        world.serve(version, public=public, damage=without_later_files if old else None)

    return made


@pytest.fixture
def put_items(aws, artefact_bucket, tmp_path):
    publisher = SnapshotPublisher(SnapshotStore(aws("s3"), artefact_bucket, tmp_path / "snapshot"))

    def put(**items):
        now_ms = time.time_ns() // 1_000_000
        changes = [Change(item_id, now_ms, properties) for item_id, properties in items.items()]
        publisher.publish(changes, columns=COLUMNS, version=1, now_ms=now_ms)

    return put


def test_lists_and_shards_contain_the_champion(make_champion, published):
    make_champion()

    lists = published()

    assert lists["items"] == {
        "pear": {"next": {"plum": 1.0, "fig": 0.1235}}, "fig": {"next": {"pear": 0.5}}, "plum": {}, "kiwi": {},
    }  # fmt: skip
    assert {name: value for name, value in lists.items() if name not in ("items", "shards")} == {
        "format": 1, "model": "v1", "popular": ["fig", "pear", "kiwi"], "trending": [],
        "eventWeights": {"view": 1.0, "purchase": 5.0}, "positionDecay": 0.5, "halfLifeDays": None,
        "excludeSeen": False, "excludeBought": False,
    }  # fmt: skip


def test_shop_without_a_model_or_public_pairs_still_has_lists(make_champion, published):
    assert {name: published()[name] for name in ("popular", "trending", "shards")} == {
        "popular": [], "trending": [], "shards": [],
    }  # fmt: skip
    make_champion("v1", old=True)
    assert (published()["model"], published()["popular"]) == ("v1", [])
    make_champion("v2", public={})
    assert published()["popular"] == ["fig", "pear", "kiwi"]


def test_rollback_publishes_the_earlier_model_again(make_champion, published):
    make_champion("v1")
    first = published()
    make_champion("v2", public={"plum": {"kiwi": 1.0}})
    assert published()["items"]["plum"] == {"next": {"kiwi": 1.0}}
    make_champion("v1")

    assert published() == first


def test_repeated_call_writes_nothing(make_champion, published, aws, monkeypatch):
    make_champion()
    first = published()
    monkeypatch.setattr(type(aws("s3")), "put_object", None)

    assert published() == first


def test_shards_of_the_earlier_lists_are_kept_once(make_champion, published, files):
    shards = []
    for number, score in enumerate((0.1, 0.2, 0.3)):
        make_champion(f"v{number}", public={"pear": {"plum": score}})
        shards.append(published()["shards"])

    assert set(files()) == {"lists/lists.json", *(f"lists/{name}.json" for name in (*shards[1], *shards[2]))}


def test_interrupted_call_leaves_the_earlier_lists(make_champion, published, files, context, monkeypatch):
    make_champion("v1")
    first = published()
    make_champion("v2", public={"plum": {"kiwi": 1.0}})
    with monkeypatch.context() as patch:
        patch.setattr(S3Object, "replace", lambda *_, **__: (_ for _ in ()).throw(ConcurrentUpdate("other")))
        with pytest.raises(ConcurrentUpdate):
            handler.lambda_handler({}, context)

    stored = files()
    assert stored["lists/lists.json"]["model"] == "v1"
    assert {f"lists/{name}.json" for name in first["shards"]} <= set(stored)
    assert published()["model"] == "v2"


def test_call_with_an_earlier_champion_does_not_replace_newer_lists(make_champion, published, context, monkeypatch):
    make_champion("v1")
    published()
    make_champion("v2", public={"plum": {"kiwi": 1.0}})
    read = champion_lists.read_champion

    def read_slowly(*arguments):
        champion = read(*arguments)
        monkeypatch.setattr(handler, "read_champion", read)
        make_champion("v3", public={})
        handler.lambda_handler({}, context)
        return champion

    monkeypatch.setattr(handler, "read_champion", read_slowly)
    with pytest.raises(ConcurrentUpdate):
        handler.lambda_handler({}, context)

    assert published()["model"] == "v3"


def test_deleted_and_filtered_items_are_left_out(make_champion, put_items, published, configure):
    configure(
        {
            "items": {"columns": {"IN_STOCK": "boolean"}},
            "filters": {"in-stock": "INCLUDE ItemID WHERE Items.IN_STOCK = true"},
            "recommenders": {"for-you": {"filter": "in-stock"}},
        }
    )
    make_champion()
    put_items(pear={"inStock": True}, plum={"inStock": False}, fig={"inStock": True}, kiwi=None)

    lists = published()

    assert lists["items"] == {"pear": {"next": {"fig": 0.1235}}, "fig": {"next": {"pear": 0.5}}}
    assert lists["popular"] == ["fig", "pear"]  # `popular` has no filter, but kiwi is deleted


def test_only_columns_of_sessions_are_published(make_champion, put_items, published, configure):
    configure({"sessions": {"columns": ["TITLE", "SIZES"]}})
    make_champion(public={})
    put_items(pear={"title": "A pear", "sizes": ["S", "M"], "cost": 2}, plum={"title": "x" * 4_000}, fig={"cost": 3})

    items = published()["items"]

    assert items == {"pear": {"columns": {"title": "A pear", "sizes": "S|M"}}, "plum": {}, "fig": {}, "kiwi": {}}


def test_trending_items_are_listed_without_a_model(published, aws, artefact_bucket):
    now_ms = time.time_ns() // 1_000_000
    events = [Event(number, "kiwi", now_ms, 1.0) for number in range(1, 31)]
    counts = NOTHING_COUNTED.add(events, sequence=30, arrived_ms=now_ms)
    TrendsStore(aws("s3"), artefact_bucket).write(trends_key("shard"), counts, replaces=None)

    lists = published()

    assert (lists["trending"], lists["items"]) == (["kiwi"], {"kiwi": {}})


def test_shards_have_at_most_fifty_kilobytes():
    entries = {f"item-{number}": b'"%s"' % (b"x" * 4_000) for number in range(400)}

    shards = service._shards(entries)

    assert max(map(len, shards)) <= 50_000
    assert {item_id for shard in shards for item_id in json.loads(shard)} == set(entries)
    assert sum(map(len, shards)) / len(shards) > 4_000


def test_item_of_more_than_fifty_kilobytes_has_a_shard_of_its_own():
    shards = service._shards({"large": json.dumps("x" * 60_000).encode(), "other": b"1", "third": b"2"})

    assert sorted(item_id for shard in shards for item_id in json.loads(shard)) == ["large", "other", "third"]
    assert [list(json.loads(shard)) for shard in shards if len(shard) > 50_000] == [["large"]]


def test_hash_is_fnv_1a():
    assert [service._fnv(text) for text in ("", "a", "foobar", "ä")] == [
        0x811C9DC5, 0xE40C292C, 0xBF9CF968, service._fnv("\u00e4"),
    ]  # fmt: skip


def test_damaged_bundle_fails_and_leaves_the_lists(make_champion, published, aws, artefact_bucket, context, files):
    make_champion("v1")
    published()
    make_champion("v2")
    for name, body in (("public.tensors", b"no tensors"), ("ids.blob", b""), ("manifest.json", b"{")):
        aws("s3").put_object(Bucket=artefact_bucket, Key=f"models/v2/{name}", Body=body)
        with pytest.raises(InvalidBundle):
            handler.lambda_handler({}, context)

    assert files()["lists/lists.json"]["model"] == "v1"
