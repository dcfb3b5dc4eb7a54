"""Rejected rows, which are written with reasons to a file next to the input, while other rows are imported."""

import csv
import gzip

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.unit.cli.imported import GOOD, lake_rows, load, write


def rejected(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_invalid_rows_are_written_next_to_the_input_and_valid_ones_stored(deployment, tmp_path):
    text = (
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
        "1,a,1500000000,view\n"
        ",a,1500000000,view\n"
        "1,,1500000000,view\n"
        f"{'u' * 257},a,1500000000,view\n"
        "1,a,yesterday,view\n"
        "1,a,-5,view\n"
        "1,a,1700000301,view\n"
        "1,a,150000000000000,view\n"
        "1,a,1500000000,returned\n"
        "1,a\n"
        "\n"
        "1,b,1500000001,view\n"
    )

    summary = load(deployment, write(tmp_path / "p.csv", text))

    assert summary.imported == 2
    assert lake_rows(deployment).item_id.tolist() == ["a", "b"]
    header, *bad = rejected(tmp_path / "p.csv.rejected.csv")
    assert header == ["line", "reason", "USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]
    assert [(int(row[0]), row[1]) for row in bad] == [
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
    assert bad[3][2:] == ["1", "a", "yesterday", "view"]
    assert bad[8][2:] == ["1", "a"]
    assert summary.files[0].rejected == {row[1]: 1 for row in bad}


def test_rows_that_are_not_utf_8_are_rejected_individually(deployment, tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(b"USER_ID,ITEM_ID,TIMESTAMP\n1,a,1500000000\n1,caf\xe9,1500000000\n")

    summary = load(deployment, path)

    assert summary.imported == 1
    assert rejected(tmp_path / "p.csv.rejected.csv")[1][:2] == ["3", "is not UTF-8 (see --encoding)"]


def test_rejects_of_files_with_different_formats_are_separate(deployment, tmp_path):
    plain = write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\n1,,1500000000\n")
    packed = tmp_path / "p.csv.gz"
    packed.write_bytes(gzip.compress(b"USER_ID,ITEM_ID,TIMESTAMP\n,a,1500000000\n"))
    columns = {"USER_ID": ["1"], "ITEM_ID": ["a"], "TIMESTAMP": [-5]}
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")

    load(deployment, plain, packed, tmp_path / "p.parquet")

    assert {path.name: rejected(path)[1][1] for path in tmp_path.glob("*.rejected.csv")} == {
        "p.csv.rejected.csv": "ITEM_ID is missing",
        "p.csv.gz.rejected.csv": "USER_ID is missing",
        "p.parquet.rejected.csv": "TIMESTAMP is not after 1970",
    }


def test_rejects_of_an_earlier_import_are_deleted_by_a_valid_one(deployment, tmp_path):
    load(deployment, write(tmp_path / "p.csv", "USER_ID,ITEM_ID,TIMESTAMP\n1,,1500000000\n"))
    assert (tmp_path / "p.csv.rejected.csv").exists()

    load(deployment, write(tmp_path / "p.csv", GOOD))

    assert not (tmp_path / "p.csv.rejected.csv").exists()
