"""Rejected rows, which are written with reasons to a file next to the input, while other rows are imported."""

import csv
import re

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.events import interactions as contract
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from operations.ingest.interaction_checks import check
from operations.ingest.timestamps import NUMBER
from tests.unit.cli.imported import GOOD, NOW_MS, lake_rows, load, rejected, write, write_parquet


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
