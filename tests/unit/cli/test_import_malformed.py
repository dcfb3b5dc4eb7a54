"""Rejected rows, which are written with reasons to a file next to the input, while other rows are imported."""

import csv
import gzip
import io
import re

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.events import interactions as contract
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from operations.ingest import csv_blocks, csv_rows
from operations.ingest.csv_blocks import BREAK, blocks
from operations.ingest.csv_format import CsvForm
from operations.ingest.interaction_checks import check
from operations.ingest.timestamps import NUMBER
from tests.unit.cli.imported import (
    GOOD,
    NOW_MS,
    lake_rows,
    load,
    load_items,
    rejected,
    stored_items,
    write,
    write_parquet,
)

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP\n"


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz"])
@pytest.mark.parametrize("block_bytes", [10, 60, 1 << 20])
def test_row_with_invalid_utf_8_or_width_is_rejected_individually(deployment, tmp_path, monkeypatch, name, block_bytes):
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", block_bytes)
    rows = b"1,a,1500000000\r\nl\xe9on,i,1500000000,extra\r\n\r\n1,b,1500000000,extra\r\n2,b,1500000000\r\n2,,15\r\n"
    path = write(tmp_path / name, HEADER + rows)

    assert load(deployment, path).imported == 2
    assert rejected(path) == [
        (3, "is not UTF-8 (see --encoding)"),
        (5, "has 4 columns, expected 3"),
        (7, "ITEM_ID is missing"),
    ]


def test_unclosed_quote_rejects_only_its_row(deployment, tmp_path):
    rows = b'1,"a,1500000000\n2,b,1500000000\n3,"c",1500000000\n4,5" tv,1500000000\n5,"6"" tv",1500000000\n6,,1\n'
    path = write(tmp_path / "p.csv", HEADER + rows)

    assert load(deployment, path).imported == 4
    assert rejected(path) == [(2, "has a quote that is not closed in a row of 3 columns"), (7, "ITEM_ID is missing")]


@pytest.mark.parametrize("name", ["i.csv", "i.csv.gz"])
@pytest.mark.parametrize("block_bytes", [1, 7, 30, 1 << 20])
def test_cell_with_line_breaks_is_imported_and_line_numbers_are_kept(
    deployment, tmp_path, monkeypatch, name, block_bytes
):
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", block_bytes)
    rows = b'a,A,x\nb,B,"two\r\nlines"\nc,"a ""C""\n\n,",y\n,D,z\ne,"E\n",x,extra\nf,F,"last\nline"'
    path = write(tmp_path / name, b"ITEM_ID,TITLE,TEXT\n" + rows)

    assert load_items(deployment, path).imported == 4
    assert rejected(path) == [
        (8, "ITEM_ID is missing"),
        (9, "has a quote that is not closed in a row of 3 columns"),
        (10, "has a quote that is not closed in a row of 3 columns"),
    ]
    texts = {item_id: properties["text"] for item_id, properties in stored_items(deployment).items()}
    assert texts == {"a": "x", "b": "two\nlines", "c": "y", "f": "last\nline"}


def test_unclosed_quote_rejects_only_its_row_before_any_content(deployment, tmp_path):
    followed_by_quotes = b'1,"a,1500000000\n2,"b",1500000000\n3,"c\nd",1500000000\n'
    without_others = b'4,"a,1500000000\n' + b"5,b,1500000000\n" * 2_000
    path = write(tmp_path / "p.csv", HEADER + followed_by_quotes + without_others)

    assert load(deployment, path).imported == 2_001
    assert [line for line, _ in rejected(path)] == [2, 4, 6]  # An ID cannot contain a line break.


def test_cell_above_the_line_limit_is_rejected(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "MAX_ROW_LINES", 3)
    path = write(tmp_path / "i.csv", b'ITEM_ID,TEXT\na,"1\n2\n3"\nb,"1\n2\n3\n4"\nc,x\n')

    assert load_items(deployment, path).imported == 2
    assert [line for line, _ in rejected(path)] == [5, 6, 7, 8]


@given(
    st.lists(st.tuples(st.just("x"), st.text('ab;," \n\r\t5', max_size=8), st.text('ab \n"', max_size=5)), max_size=6),
    st.integers(1, 40),
    st.sampled_from(",;"),
    st.sampled_from([csv.excel, csv.unix_dialect]),
)
def test_rows_of_a_csv_writer_are_read(rows, block_bytes, delimiter, dialect):
    text = io.StringIO()
    csv.writer(text, dialect, delimiter=delimiter).writerows([("A", "B", "C"), *rows])
    schema = pa.schema([(name, pa.string()) for name in "ABC"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_BLOCK_BYTES", block_bytes)

        read = list(
            csv_rows.read(io.BytesIO(text.getvalue().encode()), "p.csv", schema, ["B"], CsvForm(delimiter=delimiter))
        )

    assert not [row for part in read for row in part.malformed]
    cells = [tuple(cell or "" for cell in row.values()) for part in read for row in part.table.to_pylist()]
    assert cells == [tuple(re.sub("\r\n|\r", "\n", cell) for cell in row) for row in rows]


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("USER_ID,ITEM_ID,TIMESTAMP,STRAßE\n", "latin-1", r"STRA\\xdfE, expected column names in UTF-8 .*--encoding"),
        ("USER_ID,ITEM_ID,TIMESTAMP\n", "utf-16", r"expected column names in UTF-8 .*\(such as utf-16\)"),
        ("USER_ID,ITEM_ID,TIMESTAMP\n", "utf-16-le", "expected column names in UTF-8"),
        ('USER_ID,ITEM_ID,"TIMESTAMP\n', "utf-8", 'is USER_ID,ITEM_ID,"TIMESTAMP, expected .* closed quotes'),
    ],
)
def test_file_with_an_invalid_header_is_refused(deployment, tmp_path, text, encoding, message):
    path = write(tmp_path / "p.csv", text + "1,a,1\n", encoding)

    with pytest.raises(InvalidInput, match=rf"p\.csv.*{message}"):
        load(deployment, path)

    assert list(tmp_path.iterdir()) == [path]


def test_invalid_gzip_file_error_names_the_file(deployment, tmp_path):
    path = tmp_path / "p.csv.gz"
    path.write_bytes(b"no gzip at all")

    with pytest.raises(InvalidInput, match=r"p\.csv\.gz cannot be read: Not a gzipped file"):
        load(deployment, path)


def test_rows_of_a_truncated_gzip_file_are_kept(deployment, tmp_path):
    rows = b"".join(b"%d,a,%d\n" % (row % 100, 1_500_000_000 + row) for row in range(50_000))
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(HEADER + rows)[:-5_000])

    (file,) = load(deployment, path).files
    assert file.cut_off
    assert 0 < file.imported < 50_000
    # The rejected row is the truncated line after the last complete one.
    reason = "the file breaks off here: Compressed file ended before the end-of-stream marker was reached"
    assert rejected(path) == [(file.imported + 2, reason)]


def test_rows_before_a_damaged_place_of_a_gzip_file_are_kept(deployment, tmp_path):
    first, second = (gzip.compress(HEADER * start + b"%d,a,1500000000\n" % start) for start in (1, 0))
    path = tmp_path / "p.csv.gz"
    path.write_bytes(first + second[:12] + b"\0" * 40)

    summary = load(deployment, path)

    assert (summary.imported, summary.rejected, summary.files[0].cut_off) == (1, 1, True)


def test_byte_order_mark_and_missing_last_line_break_are_accepted(deployment, tmp_path):
    assert load(deployment, write(tmp_path / "p.csv", b"\xef\xbb\xbf" + HEADER + b"1,a,1500000000")).imported == 1
    assert load(deployment, write(tmp_path / "p.csv", HEADER.strip())).imported == 0


@given(st.text(alphabet='a",\n\r', max_size=30), st.integers(1, 40))
def test_single_lines_that_pyarrow_can_read_are_kept(text, block_bytes):
    data = f"{text}\n".encode()
    lines = data.splitlines()

    read = list(blocks(io.BytesIO(data), block_bytes=block_bytes, columns=2))

    kept = [line for block in read for line in block.data.splitlines()]
    malformed = {row.line for block in read for row in block.malformed}
    joined = 0
    assert len(kept) == len(lines)
    for number, (before, after) in enumerate(zip(lines, kept, strict=True), 1):
        if joined:
            assert after == b""
            joined -= 1
        elif number in malformed:
            assert after == b""
            assert not _ends_outside_quotes(before)
        else:
            joined = after.count(BREAK.encode())
            assert _ends_outside_quotes(after)
            assert after.split(BREAK.encode()) == lines[number - 1 : number + joined]


def _ends_outside_quotes(line):
    """Return whether pyarrow ends the row with this line. Within quotes, the next line continues the last cell."""
    probe = pyarrow.csv.read_csv(
        io.BytesIO(line + b"\nmark\n"),
        read_options=pyarrow.csv.ReadOptions(column_names=["only"], use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=lambda row: "skip"),
    )
    return "mark" in probe["only"].to_pylist()


def test_input_named_like_a_rejects_file_is_refused(deployment, tmp_path):
    first = write(tmp_path / "p.csv", HEADER + b"1,a,1500000000\n")
    second = write(tmp_path / "p.csv.rejected.csv", HEADER + b"2,a,1500000000\n")

    for paths in ([first, second], [second, first]):
        with pytest.raises(
            InvalidInput,
            match=r"p\.csv\.rejected\.csv is an input file and also the file for rejected rows of .*p\.csv",
        ):
            load(deployment, *paths)

    assert second.read_bytes() == HEADER + b"2,a,1500000000\n"


def is_id(text, *, maximum):
    try:
        validation.text(text, "id", maximum=maximum)
    except InvalidInput:
        return False
    return True


def is_good(row):
    """Return true for a valid row, by the rules that `check` applies to columns."""
    for name in ("USER_ID", "ITEM_ID"):
        if not is_id(row[name] or "", maximum=256):
            return False
    if row["RECOMMENDATION_ID"] and not is_id(row["RECOMMENDATION_ID"], maximum=40):
        return False
    if not re.fullmatch(NUMBER, row["TIMESTAMP"] or ""):
        return False
    number = float(row["TIMESTAMP"] or "")
    time_ms = number if 1e11 <= number < 1e14 else number * 1000
    if not 0 < round(max(-1.0, min(time_ms, 1e18))) <= NOW_MS + contract.MAX_CLOCK_SKEW_MS:
        return False
    value = row["EVENT_VALUE"]
    if value and (not re.fullmatch(NUMBER, value) or float(value) in (float("inf"), float("-inf"))):
        return False
    try:
        DEFAULT.canonical_event_type(row["EVENT_TYPE"] or "view")
    except InvalidInput:
        return False
    return True


cells = st.none() | st.text(max_size=3) | st.text(alphabet=" \t\x1c\x7f\x85\xa0\u2003\u200ba", max_size=3)
numbers = (
    cells | st.integers(-10, 2_000_000_000).map(str) | st.floats().map(str) | st.sampled_from(["1e999", "1e9", ".5"])
)
row_strategy = st.fixed_dictionaries(
    {
        "USER_ID": cells | st.just("u" * 257),
        "ITEM_ID": cells | st.just("é" * 256),
        "TIMESTAMP": numbers,
        "EVENT_TYPE": st.sampled_from([None, "", "view", "VIEW", "AddToCart", "rent"]),
        "EVENT_VALUE": numbers,
        "RECOMMENDATION_ID": cells | st.just("r" * 41),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(row_strategy, min_size=1, max_size=20))
def test_columnar_check_equals_a_check_by_row(rows):
    table = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})

    checked = check(table, default_event_type="view", now_ms=NOW_MS)

    assert checked.bad.tolist() == [place for place, row in enumerate(rows) if not is_good(row)]
    assert len(checked.good) + len(checked.bad) == len(rows)
    assert checked.good.table()["user_id"].to_pylist() == [row["USER_ID"] for row in rows if is_good(row)]


def test_space_and_control_characters_are_not_an_id():
    ids = ["a b", " ", "\u2003", "\x85", "\x1c", "a\x01", "a\x7f", "\u200b", "\ufeff", "a\ufeff"]
    table = pa.table({"USER_ID": ids, "ITEM_ID": ["i"] * len(ids), "TIMESTAMP": [1] * len(ids)})

    checked = check(table, default_event_type="view", now_ms=NOW_MS)

    space, control = "USER_ID is nothing but space", "USER_ID has a control character"
    assert list(zip(checked.bad.tolist(), checked.reasons, strict=True)) == [
        (1, space), (2, space), (3, space), (4, space), (5, control), (6, control), (8, space),
    ]  # fmt: skip


def test_every_python_space_character_is_refused_as_an_id():
    spaces = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    others = [chr(code) for code in range(0x21, 0xD800) if not chr(code).isspace() and code != 0x7F]
    ids = spaces + others
    table = pa.table({"USER_ID": ids, "ITEM_ID": ids, "TIMESTAMP": [1] * len(ids)})

    assert check(table, default_event_type="view", now_ms=NOW_MS).bad.tolist() == list(range(len(spaces)))


def test_impression_accepts_only_ids():
    impressions = ["a|b", "a| ", " |b", "a||b", "a|b\x01", "a b|c", None, "a|\ufeff"]
    rows = len(impressions)
    table = pa.table({"USER_ID": ["u"] * rows, "ITEM_ID": ["i"] * rows, "TIMESTAMP": [1] * rows})

    checked = check(table.append_column("IMPRESSION", [impressions]), default_event_type="view", now_ms=NOW_MS)

    assert checked.bad.tolist() == [1, 2, 3, 4, 7]


def test_invalid_rows_are_written_next_to_the_input_and_valid_ones_stored(deployment, tmp_path):
    rows = (
        "1,a,1500000000,view", ",a,1500000000,view", "1,,1500000000,view", f"{'u' * 257},a,1500000000,view",
        "1,a,yesterday,view", "1,a,-5,view", "1,a,1700000301,view", "1,a,150000000000000,view",
        "1,a,1500000000,returned", "1,a", "", "1,b,1500000001,view",
    )  # fmt: skip
    path = write(tmp_path / "p.csv", "\n".join(["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *rows, ""]))

    summary = load(deployment, path)

    assert summary.imported == 2
    assert lake_rows(deployment).item_id.tolist() == ["a", "b"]
    assert rejected(path) == [
        (3, "USER_ID is missing"),
        (4, "ITEM_ID is missing"),
        (5, "USER_ID has more than 256 characters"),
        (6, "TIMESTAMP is neither a number nor a time like 2024-05-31T12:00:00Z"),
        (7, "TIMESTAMP is not after 1970"),
        (8, "TIMESTAMP is in the future"),
        (9, "TIMESTAMP is neither in seconds nor in milliseconds"),
        (10, "EVENT_TYPE is unknown, expected one of view, click, cart, purchase, return, search"),
        (11, "has 2 columns, expected 4"),
    ]
    assert summary.files[0].rejected == {reason: 1 for _, reason in rejected(path)}
    with path.with_name("p.csv.rejected.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    assert cells[0] == ["line", "reason", "USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]
    assert cells[4][2:] == ["1", "a", "yesterday", "view"]
    assert cells[9][2:] == ["1", "a"]


def test_rejects_of_files_with_different_formats_are_separate(deployment, tmp_path):
    plain = write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\n1,,1500000000\n")
    packed = write(tmp_path / "p.csv.gz", "USER_ID,ITEM_ID,TIMESTAMP\n,a,1500000000\n")
    typed = write_parquet(tmp_path / "p.parquet", {"USER_ID": ["1"], "ITEM_ID": ["a"], "TIMESTAMP": [-5]})

    load(deployment, plain, packed, typed)

    assert [[reason for _, reason in rejected(path)] for path in (plain, packed, typed)] == [
        ["ITEM_ID is missing"], ["USER_ID is missing"], ["TIMESTAMP is not after 1970"],
    ]  # fmt: skip


def test_rejects_of_an_earlier_import_are_deleted_by_a_valid_one(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\n1,,1500000000\n"))
    assert (tmp_path / "p.csv.rejected.csv").exists()

    load(deployment, write(tmp_path / "p.csv", GOOD))

    assert not (tmp_path / "p.csv.rejected.csv").exists()
