import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.lake.duplicates import deduplicate
from alsolike.profiles.profile_table import ProfileStore
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.runtime.errors import InvalidInput
from operations.ingest import csv_rows, files
from tests.builders.world import configure
from tests.unit.cli.imported import GOOD, lake_objects, lake_rows, load, write, write_parquet


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
