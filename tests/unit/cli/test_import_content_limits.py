"""Limits for small files with far more content than real data of their size."""

import gzip

import pyarrow as pa
import pytest

from alsolike.runtime.errors import InvalidInput
from operations.ingest import content_limits, csv_blocks, csv_rows, files, load_metadata
from operations.ingest.csv_format import PLAIN
from operations.ingest.interaction_file import read
from operations.ingest.platforms.converting import convert
from operations.ingest.platforms.formats import FORMATS
from operations.ingest.sources import LocalFile
from operations.ingest.undo import undo
from tests.unit.cli.imported import NOW_MS, lake_objects, load, load_items, write, write_parquet

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP\n"
ROW = b"1,a,1500000000\n"


def repeated(path, rows):
    values = {"USER_ID": "u", "ITEM_ID": "i", "TIMESTAMP": 1_500_000_000}
    return write_parquet(
        path, {name: pa.repeat(pa.scalar(value), rows) for name, value in values.items()}, compression="zstd"
    )


@pytest.fixture
def small_bounds(monkeypatch):
    monkeypatch.setattr(content_limits, "FREE_ROWS", 1_000)
    monkeypatch.setattr(content_limits, "FREE_BYTES", 1 << 20)


def test_parquet_file_of_repeated_rows_is_refused_before_reading(deployment, tmp_path):
    path = repeated(tmp_path / "p.parquet", 2_000_000)
    maximum = 1_000_000 + 8 * path.stat().st_size

    with pytest.raises(InvalidInput) as caught:
        load(deployment, path)

    assert str(caught.value) == (
        f"{path} has 2,000,000 rows or more in {path.stat().st_size:,} bytes, expected at most {maximum:,}. "
        "Remove repeated rows; if all are real, import them as CSV without compression"
    )
    assert not lake_objects(deployment)


def test_refused_file_prevents_the_import_of_other_files(deployment, tmp_path):
    good = write(tmp_path / "good.csv", HEADER + ROW)

    with pytest.raises(InvalidInput, match=r"bad\.parquet has"):
        load(deployment, good, repeated(tmp_path / "bad.parquet", 2_000_000))

    assert not lake_objects(deployment)


def test_million_equal_rows_are_accepted(tmp_path):
    assert len(read(repeated(tmp_path / "p.parquet", 1_000_000)).interactions) == 1_000_000


def test_evaluation_and_items_import_refuse_repeated_rows(deployment, tmp_path):
    path = repeated(tmp_path / "p.parquet", 2_000_000)

    with pytest.raises(InvalidInput, match="Remove repeated rows"):
        read(path)
    with pytest.raises(InvalidInput, match="Remove repeated rows"):
        load_items(deployment, path)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ROW * 60_000, "rows or more in|unpacks to more than"),
        (b"malformed\n" * 60_000, "rows or more in"),
        (b"\n" * (4 << 20), "unpacks to more than 250 times its size"),
        (b"1,a," + b"9" * (4 << 20), "unpacks to more than 250 times its size"),
        (b'1,"' + b"\0" * (4 << 20), "unpacks to more than 250 times its size"),
    ],
    ids=["rows", "malformed rows", "blank lines", "one line", "one cell"],
)
@pytest.mark.parametrize("members", [1, 3])
def test_gzip_file_of_repeated_content_is_refused(deployment, tmp_path, monkeypatch, content, reason, members):
    monkeypatch.setattr(csv_blocks, "MAX_LINE_BYTES", 1 << 16)
    path = tmp_path / "p.csv.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in (HEADER, *[content] * members)))

    with pytest.raises(InvalidInput, match=reason):
        load(deployment, path)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(
    ("name", "platform", "content"),
    [
        ("p.jsonl.gz", "segment", (b" " * 1_000 + b"\n") * 4_000),
        ("p.xml.gz", "google-merchant", b"<rss>" + b" " * (4 << 20)),
        ("p.csv.gz", "shopify", b"Handle\n" + (b"a" * 1_000 + b"\n") * 4_000),
    ],
)
def test_gzip_file_of_a_platform_with_repeated_content_is_refused(tmp_path, name, platform, content):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content))

    with pytest.raises(InvalidInput, match="unpacks to more than 250 times its size"):
        convert(LocalFile(path), FORMATS[platform], PLAIN)


@pytest.fixture
def partly_valid_file(tmp_path, monkeypatch):
    """Write a gzip file. Its second chunk has more content per byte than the limit permits."""
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", 1 << 16)
    for module in (files, load_metadata):
        monkeypatch.setattr(module, "CHUNK_ROWS", 20_000)
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(HEADER + ROW * 30_000) + gzip.compress(ROW * 600_000))
    return path


@pytest.mark.usefixtures("small_bounds")
def test_rows_imported_before_the_limit_are_named_and_can_be_removed(deployment, partly_valid_file):
    with pytest.raises(InvalidInput, match=f"The lake has the rows before. Remove them with .* {NOW_MS}"):
        load(deployment, partly_valid_file)
    assert lake_objects(deployment)

    undo(deployment, NOW_MS)

    assert not lake_objects(deployment)


@pytest.mark.usefixtures("small_bounds")
def test_items_imported_before_the_limit_are_reported(deployment, partly_valid_file):
    partly_valid_file.write_bytes(
        gzip.compress(b"ITEM_ID\n" + b"an-item\n" * 60_000) + gzip.compress(b"an-item\n" * 600_000)
    )

    with pytest.raises(InvalidInput, match="The rows before are stored"):
        load_items(deployment, partly_valid_file)


@pytest.mark.usefixtures("small_bounds")
def test_dry_run_reports_no_rows_before_the_limit(deployment, partly_valid_file):
    with pytest.raises(InvalidInput, match=r"(expected at most|times its size)[^;]*; if all (is|are) real, [^.]*$"):
        load(deployment, partly_valid_file, dry_run=True)


@pytest.mark.usefixtures("small_bounds")
def test_csv_file_and_gzip_file_of_different_rows_have_no_limit(deployment, tmp_path):
    rows = b"".join(b"%d,a%d,%d\n" % (row % 97, row * row % 89, 1_500_000_000 + row) for row in range(60_000))

    assert load(deployment, write(tmp_path / "p.csv", HEADER + ROW * 60_000)).imported == 60_000
    assert load(deployment, write(tmp_path / "p.csv.gz", HEADER + rows)).imported == 60_000


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet"])
def test_more_columns_than_the_limit_are_refused(deployment, tmp_path, name):
    path, columns = tmp_path / name, ["USER_ID", "ITEM_ID", "TIMESTAMP", *(f"C{number}" for number in range(998))]
    if name.endswith(".parquet"):
        write_parquet(path, {column: [1] for column in columns})
    else:
        write(path, ",".join(columns) + "\n")

    with pytest.raises(InvalidInput, match="has 1,001 columns, expected at most 1,000"):
        load(deployment, path)
