"""Imports of interactions from files and from S3, by the API's rules about erased users and hashed IDs."""

import dataclasses
import gzip
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.lake.duplicates import deduplicate
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.profile_table import ProfileStore
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations.ingest import csv_rows, files
from operations.ingest.load_interactions import InteractionsImport
from operations.ingest.sources import SourceObject, find
from tests.builders.world import configure
from tests.fakes.places import create_bucket
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.imported import (
    GOOD,
    lake_objects,
    lake_rows,
    load,
    load_users,
    rejected,
    stored_users,
    write,
    write_parquet,
)


def test_rows_are_written_to_the_partition_of_their_date(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", GOOD))

    keys = sorted(lake_objects(deployment))
    assert [key.rsplit("/", 1)[0] for key in keys] == [
        "interactions/event_date=2017-07-14",
        "interactions/event_date=2017-07-15",
    ]
    rows = lake_rows(deployment)
    assert list(rows.columns) == list(INTERACTIONS_COLUMNS)
    assert rows[["user_id", "item_id", "event_type", "event_time_ms"]].to_numpy().tolist() == [
        ["1", "a", "purchase", 1_500_000_000_000],
        ["1", "b", "cart", 1_500_086_400_000],
    ]
    assert rows.event_value[0] == 2.5
    assert pd.isna(rows.event_value[1])
    assert rows.properties.tolist() == ["{}", "{}"]


def test_object_contains_no_values_of_another_partition(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\nann,a,1500000000\nbob,b,1500086400\n"))

    first, second = (data for _, data in sorted(lake_objects(deployment).items()))
    # An object with a value of bob but no row of bob would survive the erasure of bob.
    assert [b"ann" in first, b"bob" in first] == [True, False]
    assert [b"ann" in second, b"bob" in second] == [False, True]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "USER_ID,ITEM,TS\n1,a,1\n", r"p\.csv misses ITEM_ID, TIMESTAMP; its columns are USER_ID, ITEM, TS"),
        ("p.csv", "USER_ID,ITEM_ID,TIMESTAMP,user_id\n1,a,1,2\n", "column USER_ID more than once"),
        ("p.csv", "", "cannot be read"),
        ("p.txt", "USER_ID,ITEM_ID,TIMESTAMP\n", "unknown extension"),
    ],
)
def test_invalid_file_is_refused_before_any_write(deployment, tmp_path, name, text, message):
    good = write(tmp_path / "good.csv", GOOD)

    with pytest.raises(InvalidInput, match=message):
        load(deployment, good, write(tmp_path / name, text))

    assert lake_objects(deployment) == {}
    assert not list(tmp_path.glob("*.rejected.csv"))


def test_wrong_parquet_type_error_names_the_column(deployment, tmp_path):
    path = write_parquet(tmp_path / "p.parquet", {"USER_ID": [1.5], "ITEM_ID": ["a"], "TIMESTAMP": [1]})

    with pytest.raises(InvalidInput, match="USER_ID has type double, expected text or an integer"):
        load(deployment, path)


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_any_parquet_string_type_is_read(deployment, tmp_path, kind):
    names = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "SHELF")
    cells = {name: pa.array(["7", "8"]).cast(kind) for name in names}
    cells["EVENT_TYPE"] = pa.array(["view", "rent"]).cast(kind)

    summary = load(deployment, write_parquet(tmp_path / "p.parquet", cells))

    assert (summary.imported, summary.rejected) == (1, 1)
    assert lake_rows(deployment).properties.tolist() == ['{"shelf":"7"}']


def test_repeated_import_overwrites_its_objects(deployment, tmp_path):
    path = write(tmp_path / "p.csv", GOOD)
    load(deployment, path)
    before = lake_objects(deployment)

    load(deployment, path)

    assert lake_objects(deployment) == before
    assert len(before) == 2
    profile = ProfileStore(deployment.client("dynamodb"), "profiles").read("u#1")
    assert [recent.item_id for recent in profile.recent] == ["a", "b"]


def test_csv_gzip_and_parquet_give_the_same_rows(deployment, tmp_path):
    columns = {
        "USER_ID": [1, 2, 2], "ITEM_ID": ["a", "b", 'c"|é'],
        "TIMESTAMP": [1_500_000_000, 1_500_000_001, 1_500_000_001], "EVENT_TYPE": ["Purchase", None, "view"],
        "EVENT_VALUE": [1.0, None, -0.0], "IMPRESSION": ["a|b", None, None], "OWN_COLUMN": ["phone", "phone", None],
    }  # fmt: skip
    plain, typed = tmp_path / "1.csv", write_parquet(tmp_path / "3.parquet", columns)
    pyarrow.csv.write_csv(pa.table(columns), plain)
    packed = write(tmp_path / "2.csv.gz", plain.read_bytes())

    frames = []
    for path in (plain, packed, typed):
        load(deployment, path)
        frames.append(lake_rows(deployment).astype(str))
        for key in lake_objects(deployment):
            deployment.client("s3").delete_object(Bucket="lake", Key=key)

    pd.testing.assert_frame_equal(frames[0], frames[1])
    pd.testing.assert_frame_equal(frames[0], frames[2])
    assert frames[0].event_type.tolist().count("purchase") == 1
    assert sorted(frames[0].properties) == ['{"ownColumn":"phone"}', '{"ownColumn":"phone"}', "{}"]


def test_event_ids_are_stable_between_versions(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", GOOD))

    # With different IDs, readers would count the events of an earlier import twice.
    assert lake_rows(deployment).event_id.tolist() == [
        "27c8f8f9574dfa68259e0c1f8f403e86",
        "464e1922a23440e3acf69020b638fed5",
    ]


def test_equal_rows_have_one_event_id_and_different_rows_others(deployment, tmp_path):
    text = (
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_VALUE\n"
        "1,a,1500000000,1\n1,a,1500000000,1.0\n"
        "2,a,1500000000,1\n1,b,1500000000,1\n1,a,1500000001,1\n1,a,1500000000,2\n1,a,1500000000,\na,1,1500000000,1\n"
    )

    load(deployment, write(tmp_path / "p.csv", text))

    rows = lake_rows(deployment)
    assert len(rows) == 8
    assert len(deduplicate(rows)) == 7


def test_given_event_id_is_kept(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP,EVENT_ID\n1,a,1500000000,order-7\n"))

    assert lake_rows(deployment).event_id.tolist() == ["order-7"]


def test_profiles_have_the_latest_interactions_of_the_import(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK_ROWS", 40)
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", 400)
    # The times are distinct and in random order.
    times = [1_500_000_000 + (index * 7919) % 301 for index in range(301)]
    rows = [f"1,i{time - 1_500_000_000},{time}\n" for time in times]
    first = write(tmp_path / "1.csv", "".join(["USER_ID,ITEM_ID,TIMESTAMP\n", *rows[:150]]))
    second = write(tmp_path / "2.csv", "".join(["USER_ID,ITEM_ID,TIMESTAMP\n", *rows, "2,x,1500000000\n"]))

    summary = load(deployment, first, second)

    store = ProfileStore(deployment.client("dynamodb"), "profiles")
    assert [recent.item_id for recent in store.read("u#1").recent] == [
        f"i{index}" for index in range(301 - HISTORY_LENGTH, 301)
    ]
    assert [recent.item_id for recent in store.read("u#2").recent] == ["x"]
    assert summary.profiles == 2


def test_live_profiles_have_the_configured_history_length(deployment, tmp_path):
    configure(deployment.client("s3"), deployment.names.artefact_bucket, limits={"history_length": 120})
    rows = "".join(f"1,i{index},{1_500_000_000 + index}\n" for index in range(150))

    load(deployment, write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\n" + rows))

    profile = ProfileStore(deployment.client("dynamodb"), "profiles").read("u#1", length=None)
    assert [recent.item_id for recent in profile.recent] == [f"i{index}" for index in range(30, 150)]


def test_unknown_default_event_type_is_refused(deployment, tmp_path):
    with pytest.raises(InvalidInput, match="eventType is 'bought'"):
        load(deployment, write(tmp_path / "p.csv", GOOD), event_type="bought")


ROWS = b"USER_ID,ITEM_ID,TIMESTAMP\n1,a,1500000000\n,b,1500000000\n"


@pytest.fixture
def shop_bucket(client):
    s3 = client("s3")
    create_bucket(s3, "shop")
    for key, body in {
        "history/2017/a.csv": ROWS,
        "history/2018/a.csv": ROWS.replace(b"1500000000", b"1530000000"),
        "history/2018/b.csv.gz": gzip.compress(ROWS.replace(b"1,a", b"2,c")),
        "history/readme.txt": b"no data",
        "historical/x.csv": ROWS,
    }.items():
        s3.put_object(Bucket="shop", Key=key, Body=body)
    return s3


def names(client, *uris):
    return [source.name for source in find(uris, lambda: client("s3"))]


@pytest.mark.parametrize(
    ("uri", "keys"),
    [
        ("s3://shop/history/2017/a.csv", ["history/2017/a.csv"]),
        ("s3://shop/history/", ["history/2017/a.csv", "history/2018/a.csv", "history/2018/b.csv.gz"]),
        ("s3://shop/history/*/a.csv", ["history/2017/a.csv", "history/2018/a.csv"]),
        ("s3://shop/histor*.csv", ["historical/x.csv", "history/2017/a.csv", "history/2018/a.csv"]),
        ("s3://shop/history/201?/b.csv.gz", ["history/2018/b.csv.gz"]),
    ],
)
def test_keys_prefixes_and_patterns_select_objects(client, shop_bucket, uri, keys):
    assert names(client, uri) == [f"s3://shop/{key}" for key in keys]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://shop/nothing.csv", "s3://shop/nothing.csv is not an object"),
        ("s3://unknown/x.csv", "s3://unknown/x.csv is not an object"),
        ("s3://shop/nothing/", "matches no data file"),
        ("s3://shop/history/readme.txt", "has an unknown extension"),
        ("s3://", "has no bucket"),
    ],
)
def test_address_without_objects_is_refused(client, shop_bucket, uri, message):
    with pytest.raises(InvalidInput, match=message):
        names(client, uri)


def test_objects_are_imported_and_rejects_written_to_the_working_directory(
    deployment, shop_bucket, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    summary = load(deployment, "s3://shop/history/")

    assert (summary.imported, summary.rejected, summary.days) == (3, 3, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "b.csv.gz.rejected.csv",
        "history_2017_a.csv.rejected.csv",  # Two objects have the name a.csv.
        "history_2018_a.csv.rejected.csv",
    ]


def test_parquet_object_is_read_in_ranges(deployment, shop_bucket, tmp_path):
    columns = {"USER_ID": ["1", "2"], "ITEM_ID": ["a", "b"], "TIMESTAMP": [1_500_000_000] * 2}
    body = write_parquet(tmp_path / "p.parquet", columns).read_bytes()
    shop_bucket.put_object(Bucket="shop", Key="p.parquet", Body=body)

    assert load(deployment, "s3://shop/p.parquet").imported == 2


def test_object_changed_during_reading_raises_unavailable(client, shop_bucket):
    (source,) = find(["s3://shop/history/2017/a.csv"], lambda: client("s3"))
    assert isinstance(source, SourceObject)
    shop_bucket.put_object(Bucket="shop", Key="history/2017/a.csv", Body=ROWS + b"3,d,1\n")

    with pytest.raises(Unavailable, match=r"a\.csv changed while it was read; import it again"):
        source.open().read()


def test_rejected_file_name_stays_in_the_working_directory(client):
    tricky = SourceObject(client("s3"), "shop", "../..\\x\n.csv", 1, "e")

    assert tricky.rejected_path(flat=False).name == str(tricky.rejected_path(flat=False))
    assert tricky.rejected_path(flat=True) == Path(".._.._x_.csv.rejected.csv")


EVENTS = "USER_ID,SESSION_ID,ITEM_ID,TIMESTAMP\nann,visit-1,a,1500000000\nbob,,b,1500000000\n"
USERS = "USER_ID,CITY\nann,Graz\nbob,Linz\n,Wien\n"


@pytest.fixture
def hashing(deployment):
    """Return a deployment whose API stores hashes of IDs."""
    return dataclasses.replace(deployment, names=dataclasses.replace(deployment.names, pseudonymise_ids="1"))


def erase(deployment, user_hash):
    add_tombstone(deployment.client("s3"), "artefacts", user_hash, now_ms=1)


def profiles(deployment):
    return {profile.profile_id for profile in ProfileStore(deployment.client("dynamodb"), "profiles").scan()}


@pytest.mark.parametrize("is_hashing", [False, True])
def test_import_of_an_old_file_restores_no_erased_user(deployment, hashing, pseudonyms, tmp_path, is_hashing):
    events, users_file = write(tmp_path / "e.csv", EVENTS), write(tmp_path / "u.csv", USERS)
    shop = hashing if is_hashing else deployment
    ann, bob = (pseudonyms.user(user) if is_hashing else user for user in ("ann", "bob"))
    erase(shop, pseudonyms.erased_user(ann))

    load(shop, events)
    summary = load_users(shop, users_file)

    assert lake_rows(shop).user_id.tolist() == [bob]
    assert (profiles(shop), stored_users(shop)) == ({f"u#{bob}"}, {bob: {"city": "Linz"}})
    assert rejected(events) == [(2, "USER_ID is an erased user's")]
    assert rejected(users_file) == [(2, "USER_ID is an erased user's"), (4, "USER_ID is missing")]
    assert summary.imported == 1


def test_user_erased_during_the_import_gets_no_profile(deployment, pseudonyms, tmp_path, monkeypatch):
    """Hours may pass between reading a row and writing the profiles, so the erasure workflow may have ended."""
    seed = InteractionsImport.seed

    def later(started):
        erase(deployment, pseudonyms.erased_user("ann"))
        with monkeypatch.context() as patch:
            now_s = time.time() + 60
            patch.setattr(time, "time_ns", lambda: int(now_s * 1e9))
            return seed(started)

    monkeypatch.setattr(InteractionsImport, "seed", later)

    load(deployment, write(tmp_path / "e.csv", EVENTS))

    assert profiles(deployment) == {"u#bob"}


def test_pseudonymised_import_stores_no_plain_id(hashing, pseudonyms, tmp_path):
    load(hashing, write(tmp_path / "e.csv", EVENTS))
    load_users(hashing, write(tmp_path / "u.csv", USERS))

    ann, bob = pseudonyms.user("ann"), pseudonyms.user("bob")
    rows = lake_rows(hashing).sort_values("item_id")
    assert rows.user_id.tolist() == [ann, bob]
    assert rows.session_id.fillna("none").tolist() == [pseudonyms.session("visit-1"), "none"]
    assert profiles(hashing) == {f"u#{ann}", f"u#{bob}"}
    assert stored_users(hashing) == {ann: {"city": "Graz"}, bob: {"city": "Linz"}}


def test_profile_command_accepts_the_plain_id(hashing, pseudonyms, tmp_path, select):
    load(select(hashing), write(tmp_path / "e.csv", EVENTS))

    shown = run_json("profile", "ann")

    assert shown["profile_id"] == f"u#{pseudonyms.user('ann')}"
    assert [interaction["item_id"] for interaction in shown["recent"]] == ["a"]


def test_unknown_user_message_suggests_the_session_option(deployment, select):
    select(deployment)

    assert run("profile", "s-1").stderr == "no data about the user 's-1'. If it is a session, add --session\n"
    assert run("profile", "s-1", "--session").stderr == "no data about the session 's-1'\n"
