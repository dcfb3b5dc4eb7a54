import gzip
from pathlib import Path

import pytest

from alsolike.runtime.errors import InvalidInput, Unavailable
from operations.ingest.sources import SourceObject, find
from tests.fakes.places import create_bucket
from tests.unit.cli.imported import load, write_parquet

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
