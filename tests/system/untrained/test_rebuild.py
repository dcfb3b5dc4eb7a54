"""Rebuilds from the lake equal the originals: profiles, catalogue, users, snapshot and dataset."""

import io
import time

import pandas as pd
import pytest

from alsolike.catalogue.items import CatalogueStore
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import SnapshotStore
from tests.booted.shop import eventually

ITEMS = [f"item-{number}" for number in range(12)]
SHOPPERS = [f"shopper-{number}" for number in range(9)]


def profiles(shop):
    """Return the shoppers' profiles without revisions, because the number of writes may differ."""
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return {
        found.profile_id: Profile(found.profile_id, found.recent, joined=found.joined)
        for found in store.scan()
        if "shopper-" in found.profile_id
    }


def catalogue(shop):
    store = CatalogueStore(shop.cloud.client("dynamodb"), shop.name("catalogue-table"))
    return {item.item_id: dict(item.properties) for item in store.scan()}


def snapshot(shop, directory):
    store = SnapshotStore(shop.cloud.client("s3"), shop.name("artefact-bucket"), directory)
    found = Snapshot.open([store.fetch(entry) for entry in store.manifest().manifest.segments], version="1")
    return {found.item_id(row): found.properties(row) for row in found.live_rows()}


def dataset(shop):
    uri = shop.alsolike("rebuild", "dataset")["dataset_s3_uri"]
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    s3 = shop.cloud.client("s3")
    bodies = (
        s3.get_object(Bucket=bucket, Key=prefix + name)["Body"].read()
        for name in ("interactions.parquet", "items.parquet")
    )
    return [pd.read_parquet(io.BytesIO(body)) for body in bodies]


def empty_table(shop, name, key):
    dynamodb = shop.cloud.client("dynamodb")
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ProjectionExpression=key):
        for row in page["Items"]:
            dynamodb.delete_item(TableName=name, Key=row)


def event(shopper, name, kind, sent_at, **fields):
    return {"eventType": kind, "eventId": f"{shopper}-{name}", "sentAt": sent_at, **fields}


@pytest.fixture(scope="module")
def shop_with_data(shop, tmp_path_factory):
    arn = shop.name("items-dataset-arn")
    for first in range(0, len(ITEMS), 10):
        items = [{"itemId": name, "properties": '{"price": 1}'} for name in ITEMS[first : first + 10]]
        assert shop.post("/items", {"datasetArn": arn, "items": items}).status == 200
    assert shop.administer("PATCH", f"/items/{ITEMS[0]}", {"price": 2}).status == 200
    assert shop.administer("DELETE", f"/items/{ITEMS[1]}").status == 200
    start = time.time() - 3_600
    for number, shopper in enumerate(SHOPPERS):
        anonymous = [
            event(shopper, step, "view", start + step, itemId=ITEMS[(number + step) % 12]) for step in range(6)
        ]
        search = event(shopper, "q", "search", start + 7, properties='{"query": "pear"}')
        bought = event(shopper, "p", "purchase", start + 9, itemId=ITEMS[number])
        session = f"session-{shopper}"
        assert shop.post_events([*anonymous, search], session=session).status == 200
        assert shop.post_events([bought], session=session, user=shopper).status == 200
    expected = {f"u#{shopper}" for shopper in SHOPPERS} | {f"s#session-{shopper}" for shopper in SHOPPERS}
    found = eventually(
        lambda: profiles(shop),
        holds=lambda found: expected <= found.keys() and all(len(found[f"u#{each}"].recent) == 7 for each in SHOPPERS),
    )
    assert expected <= found.keys()
    events = {f"{shopper}-{name}" for shopper in SHOPPERS for name in (*range(6), "q", "p")}
    assert eventually(lambda: events <= {row["event_id"] for row in shop.lake_rows("interactions/")})
    directory = tmp_path_factory.mktemp("published")
    published = eventually(lambda: snapshot(shop, directory), holds=lambda found: found == catalogue(shop))
    assert published == catalogue(shop)
    shop.cloud.flush()
    return shop


def test_lost_tables_are_rebuilt_from_the_lake(shop_with_data, tmp_path):
    shop = shop_with_data
    before = (profiles(shop), dataset(shop))
    empty_table(shop, shop.name("profiles-table"), "profile_id, sort_key")
    shop.cloud.client("s3").delete_object(Bucket=shop.name("artefact-bucket"), Key="catalog/current.json")
    assert profiles(shop) == {}

    shop.alsolike("rebuild", "all")

    assert profiles(shop) == before[0]
    found = snapshot(shop, tmp_path)
    assert found == catalogue(shop)
    assert found[ITEMS[0]] == {"price": 2}
    assert ITEMS[1] not in found
    for rebuilt, original in zip(dataset(shop), before[1], strict=True):
        pd.testing.assert_frame_equal(rebuilt, original)


def test_deleted_data_are_restored(shop_with_data):
    shop = shop_with_data
    before = profiles(shop), catalogue(shop)
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    eventually(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > then)
    empty_table(shop, shop.name("catalogue-table"), "item_id")
    empty_table(shop, shop.name("profiles-table"), "profile_id, sort_key")
    lake, s3 = shop.name("lake-bucket"), shop.cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket=lake, Prefix="interactions/")["Contents"]:
        s3.delete_object(Bucket=lake, Key=entry["Key"])
    shop.cloud.flush()

    shop.alsolike("restore", "--to", then, "--yes")

    assert (profiles(shop), catalogue(shop)) == before


def test_rebuild_of_an_intact_shop_changes_nothing(shop_with_data):
    before = profiles(shop_with_data), catalogue(shop_with_data)

    shop_with_data.alsolike("rebuild", "all")

    assert (profiles(shop_with_data), catalogue(shop_with_data)) == before


def test_profile_is_shown_at_a_given_time(shop_with_data):
    now = shop_with_data.alsolike("profile", SHOPPERS[0])
    then = shop_with_data.alsolike("profile", SHOPPERS[0], "--at", "2026-01-01T00:00:00Z")
    again = shop_with_data.alsolike("profile", SHOPPERS[0], "--at", "2100-01-01T00:00:00Z")

    assert [each["event_id"] for each in now["recent"]][:2] == ["shopper-0-p", "shopper-0-5"]
    assert then["recent"] == []
    assert again["recent"] == now["recent"]
