"""User IDs, which are read from files of several formats shortly before their requests."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operations.batch import run
from operations.batch.user_ids import UserIds
from operations.concurrent_map import in_order


def test_users_are_read_from_csv_parquet_lines_and_stdin(function, recommend):
    Path("a.csv").write_text("AGE,user_id\n3,u1\n4,7\n")
    pq.write_table(pa.table({"USER_ID": pa.array(["u1", "7"]).dictionary_encode(), "AGE": [3, 4]}), "b.parquet")
    pq.write_table(pa.table({"USER_ID": [1, 7]}), "c.parquet")
    Path("d").write_bytes(b"u1\r\n\r\n7")
    Path("e").write_bytes(b"\xef\xbb\xbfu1\r\n7\r\n")  # Windows writes a byte order mark.

    for name, expected in (
        ("a.csv", "u1"), ("b.parquet", "u1"), ("c.parquet", "1"), ("d", "u1"), ("e", "u1"), ("-", "u1")
    ):  # fmt: skip
        done = recommend("--users", name, input=b"u1\n7\n" if name == "-" else None)
        assert done.exit_code == 0, done.output
        assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == [expected] * 2 + ["7"] * 2


def test_users_are_read_from_a_pipe(function, recommend):
    """A shell passes a pipe as a file name for `<(cut -f1 users.tsv)`."""
    reading, writing = os.pipe()
    os.write(writing, b"u1\n7\n")
    os.close(writing)

    done = recommend("--users", f"/dev/fd/{reading}")

    os.close(reading)
    assert done.exit_code == 0, done.output
    assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == ["u1"] * 2 + ["7"] * 2


def test_users_are_read_only_shortly_before_their_requests(function, recommend, monkeypatch):
    """Memory must not grow with the number of users."""
    monkeypatch.setattr(run, "BATCH_USERS", 1)
    read: list[int] = []

    def lines():
        for number in range(50):
            read.append(number)
            yield f"u{number}\n".encode()

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=lines()))

    ids = UserIds("-", lambda: None).read()

    for count, _ in enumerate(in_order(ids, lambda user: user.text, parallel=2)):
        assert len(read) - count <= 4
    assert count == 49


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere.txt", None, "nowhere.txt does not exist"),
        ("a.csv", b"ID\n1\n", "a.csv has no column USER_ID, but ID"),
        ("a.txt", b"anna\n\xff\n", "a.txt, line 2: "),
        ("s3://bucket/ids.txt", None, "s3://bucket/ids.txt has an unknown extension"),
    ],
)
def test_invalid_input_error_names_the_file(function, recommend, name, content, message):
    if content is not None:
        Path(name).write_bytes(content)

    done = recommend("--users", name)

    assert str(done.exception).startswith(message)
    assert not Path("recommendations.parquet").exists()
