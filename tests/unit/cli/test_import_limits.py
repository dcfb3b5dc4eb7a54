"""Limits of imports, unusual input (very long lines, mixed line ends, files with only a header), and dry runs."""

import gzip
import io
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.events.context import context_of
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.runtime.errors import InvalidInput
from operations.ingest import content_limits, csv_blocks, csv_rows, files, load_metadata, profile_files
from operations.ingest.csv_blocks import blocks
from operations.ingest.csv_format import PLAIN
from operations.ingest.interaction_checks import check
from operations.ingest.interaction_file import read
from operations.ingest.load_interactions import profile_rows
from operations.ingest.platforms.converting import convert
from operations.ingest.platforms.formats import FORMATS
from operations.ingest.profile_files import ProfileFiles
from operations.ingest.sources import LocalFile
from operations.ingest.undo import undo
from tests.unit.cli.imported import NOW_MS, lake_objects, load, load_items, rejected, write, write_parquet

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP\n"


class Endless:
    """File with a long line that is generated while the file is read."""

    def __init__(self, start, length, end):
        self._start, self._left, self._end = start, length, end

    def read(self, size, /):
        if self._start:
            start, self._start = self._start, b""
            return start
        if self._left:
            taken = min(size, self._left)
            self._left -= taken
            return b"x" * taken
        end, self._end = self._end, b""
        return end


def test_long_line_is_rejected_with_little_memory(monkeypatch):
    monkeypatch.setattr(csv_blocks, "MAX_LINE_BYTES", 1 << 20)
    file = Endless(b"a\nb", 200 << 20, b"\nc\n")
    tracemalloc.start()

    read = list(blocks(file, block_bytes=1 << 20, columns=1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [(block.first_line, block.data) for block in read] == [(1, b"a\n"), (2, b"\n"), (3, b"c\n")]
    (malformed,) = read[1].malformed
    assert (malformed.line, malformed.reason) == (2, "has more than 1,048,576 bytes")
    assert malformed.text == "b" + "x" * 999
    assert peak < 16 << 20


@given(
    st.lists(st.sampled_from([b"a", b"bb", b"c" * 40, b"d" * 90, b""]), max_size=8),
    st.sampled_from([b"\n", b"\r", b"\r\n"]),
    st.integers(1, 50),
)
def test_lines_around_long_ones_keep_their_numbers(lines, end, block_bytes):
    longest = csv_blocks.MAX_LINE_BYTES
    csv_blocks.MAX_LINE_BYTES = 60
    try:
        read = list(blocks(io.BytesIO(end.join([*lines, b"last"]) + end), block_bytes=block_bytes, columns=1))
    finally:
        csv_blocks.MAX_LINE_BYTES = longest

    kept = {
        block.first_line + place: line for block in read for place, line in enumerate(block.data.splitlines()) if line
    }
    set_aside = {row.line for block in read for row in block.malformed}
    expected = {number: line for number, line in enumerate([*lines, b"last"], start=1) if line}
    # A long line that ends in the block in which it starts needs no additional memory, so it may be kept.
    assert {number: line for number, line in expected.items() if number not in set_aside} == kept
    assert all(len(expected[number]) > 60 for number in set_aside)


def test_line_ends_may_be_mixed(deployment, tmp_path):
    rows = b"1,a,1500000000\n2,b,1500000000\r3,c,1500000000\r\n,d,1\n"
    path = write(tmp_path / "p.csv", b"USER_ID,ITEM_ID,TIMESTAMP\r\n" + rows)

    assert load(deployment, path).imported == 3
    assert rejected(path) == [(5, "USER_ID is missing")]


def test_file_with_only_a_header_has_no_rows_and_no_rejects(deployment, tmp_path):
    plain = write(tmp_path / "p.csv", HEADER)
    columns = dict.fromkeys(("USER_ID", "ITEM_ID", "TIMESTAMP"), pa.array([], pa.string()))

    for path in (plain, write_parquet(tmp_path / "p.parquet", columns)):
        summary = load(deployment, path)

        assert (summary.imported, summary.rejected, summary.objects, summary.profiles) == (0, 0, 0, 0)
    assert not list(tmp_path.glob("*.rejected.csv"))


def test_rows_before_a_damaged_place_of_a_parquet_file_are_kept(deployment, tmp_path):
    users = [f"user{row}" for row in range(2_000)]
    columns = {"USER_ID": users, "ITEM_ID": users, "TIMESTAMP": [1_500_000_000] * 2_000}
    path = write_parquet(tmp_path / "p.parquet", columns, row_group_size=1_000, compression="zstd")
    second = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = second.dictionary_page_offset
    data[start : start + 2_000] = b"\xff" * 2_000
    path.write_bytes(data)

    summary = load(deployment, path)

    (file,) = summary.files
    assert (file.imported, file.cut_off) == (1_000, True)
    assert sum(file.rejected.values()) == 1


def test_dry_run_counts_and_writes_nothing(deployment, tmp_path):
    rows = b"1,a,1500000000\n1,b,1500086400\n2,a,1500000000\n,a,1500000000\n3,,1500000000\n"
    path = write(tmp_path / "p.csv", HEADER + rows)

    summary = load(deployment, path, dry_run=True)

    assert (summary.imported, summary.days, summary.objects, summary.profiles) == (3, 2, 2, 2)
    assert dict(summary.files[0].rejected) == {"USER_ID is missing": 1, "ITEM_ID is missing": 1}
    assert list(tmp_path.iterdir()) == [path]
    for bucket in ("lake", "artefacts"):
        assert "Contents" not in deployment.client("s3").list_objects_v2(Bucket=bucket)
    assert deployment.client("dynamodb").scan(TableName="profiles")["Items"] == []


def test_chunks_end_at_the_byte_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", 1_000)
    path = write(tmp_path / "p.csv", HEADER + b"1,%b,1500000000\n" % (b"i" * 200) * 1_000)

    chunks = list(files.open_file(LocalFile(path)).chunks())

    assert sum(len(chunk.rows) for chunk in chunks) == 1_000
    assert max(chunk.rows.nbytes for chunk in chunks) < 20_000


@pytest.mark.parametrize(("count", "max_rows"), [(1, 500), (1, 500_000), (7, 500_000)])
@pytest.mark.parametrize("stated", [False, True])
def test_profiles_do_not_depend_on_the_number_of_files_and_rows(tmp_path, monkeypatch, count, max_rows, stated):
    monkeypatch.setattr(profile_files, "MAX_ROWS", max_rows)
    random = np.random.default_rng(7)
    rows = 3_000
    table = pa.table(
        {
            "USER_ID": [f"u{user}" for user in random.zipf(1.5, rows) % 50],
            "ITEM_ID": [f"i{item}" for item in random.integers(0, 5, rows)],
            "TIMESTAMP": random.integers(1, 400, rows),  # The range is small, so that some rows are equal.
            "DEVICE": [("Phone", "", "TV")[device] for device in random.integers(0, 3, rows)],
            **({"EVENT_ID": [f"e{event}" for event in random.integers(0, 150, rows)]} if stated else {}),
        }
    )
    expected: dict[str, list[RecentInteraction]] = {}
    gathered = ProfileFiles(tmp_path, files=count)
    for start in range(0, rows, 250):
        good = check(table.slice(start, 250), default_event_type="view", now_ms=NOW_MS).good
        gathered.add(profile_rows(good, context=["device"]))
        for row in good.table().to_pylist():
            user = f"u#{row['user_id']}"
            fields = {name: row[name] for name in ("event_time_ms", "event_id", "item_id", "event_type")}
            event = RecentInteraction(**fields, context=context_of(row["properties"], ["device"]))
            expected.setdefault(user, []).append(event)
    found = {profile.profile_id: profile for profile in gathered.profiles()}

    assert found == {user: Profile(user).merge(events) for user, events in expected.items()}
    assert max(len(profile.recent) for profile in found.values()) == HISTORY_LENGTH


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


def test_parquet_file_of_repeated_rows_is_refused_before_any_write(deployment, tmp_path):
    good, path = write(tmp_path / "good.csv", HEADER + ROW), repeated(tmp_path / "p.parquet", 2_000_000)
    maximum = 1_000_000 + 8 * path.stat().st_size

    with pytest.raises(InvalidInput) as caught:
        load(deployment, good, path)

    assert str(caught.value) == (
        f"{path} has 2,000,000 rows or more in {path.stat().st_size:,} bytes, expected at most {maximum:,}. "
        "Remove repeated rows; if all are real, import them as CSV without compression"
    )
    assert not lake_objects(deployment)
    for refused in (lambda: read(path), lambda: load_items(deployment, path)):
        with pytest.raises(InvalidInput, match="Remove repeated rows"):
            refused()


def test_million_equal_rows_are_accepted(tmp_path):
    assert len(read(repeated(tmp_path / "p.parquet", 1_000_000)).interactions) == 1_000_000


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
