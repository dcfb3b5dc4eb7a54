import contextlib
import random
import sqlite3

import pytest

from local_cloud.storage import journal as storage
from local_cloud.storage.journal import DataError, DataInUseError, Journal, UnreadableDataError


def written(directory):
    journal = Journal(directory)
    journal.put("item", "table", "a", b"1")
    journal.close()


def test_only_committed_entries_are_read_after_reopening(tmp_path):
    journal = Journal(tmp_path)
    for name in ("b", "a", "c"):
        journal.put("item", "table", name, name.encode())
    journal.commit()
    journal.delete("item", "table", "c")
    journal.put_content("id", b"content")
    journal.close()

    again = Journal(tmp_path)
    assert list(again.read("item")) == [("table", "a", b"a"), ("table", "b", b"b")]
    assert again.content("id") == b"content"
    again.close()


def test_records_are_trimmed_only_in_their_shard(tmp_path):
    journal = Journal(tmp_path)
    for place in ("one", "two"):
        for name in ("1", "2", "3"):
            journal.put("record", place, name, b"")
    journal.trim_records("one", "3")
    journal.commit()

    assert [(place, name) for place, name, _ in journal.read("record")] == [
        ("one", "3"),
        ("two", "1"),
        ("two", "2"),
        ("two", "3"),
    ]
    journal.close()


def test_directory_of_a_running_cloud_is_refused_and_not_deleted(tmp_path):
    journal = Journal(tmp_path)

    with pytest.raises(DataInUseError, match="belongs to another cloud that runs"):
        Journal(tmp_path)
    with pytest.raises(DataInUseError):
        storage.delete(tmp_path)
    journal.close()


def test_other_format_is_refused_and_can_be_deleted(tmp_path, monkeypatch):
    written(tmp_path)
    stored = storage.FORMAT
    monkeypatch.setattr(storage, "FORMAT", "0")

    with pytest.raises(DataError, match=rf"has format {stored}, expected 0$"):
        storage.check(tmp_path)
    assert storage.delete(tmp_path)
    assert not tmp_path.exists()


def test_damaged_file_is_refused(tmp_path):
    (tmp_path / "cloud.sqlite").write_bytes(b"no database" * 1_000)

    with pytest.raises(UnreadableDataError, match="cannot be read"):
        Journal(tmp_path)


def test_incomplete_log_is_ignored(tmp_path):
    journal = Journal(tmp_path)
    journal.put("item", "table", "a", b"1")
    journal.commit()
    log = (tmp_path / "cloud.sqlite-wal").read_bytes()
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "cloud.sqlite").write_bytes((tmp_path / "cloud.sqlite").read_bytes())
    journal.put("item", "table", "b", b"2" * 100_000)
    journal.commit()
    longer = (tmp_path / "cloud.sqlite-wal").read_bytes()
    (copy / "cloud.sqlite-wal").write_bytes(longer[: len(log) + 50_000])
    journal.close()

    again = Journal(copy)
    assert [name for _, name, _ in again.read("item")] == ["a"]
    again.close()


def test_check_of_an_empty_directory_writes_nothing(tmp_path):
    assert storage.check(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_unrelated_files_of_a_directory_are_kept(tmp_path):
    written(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")

    assert storage.delete(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert not storage.delete(tmp_path)


def test_full_disk_is_an_error_until_space_is_free(tmp_path):
    journal = Journal(tmp_path)
    ((pages,),) = journal._database.execute("PRAGMA page_count").fetchall()
    journal._database.execute(f"PRAGMA max_page_count = {pages + 2}")
    journal.put("item", "table", "large", b"1" * 100_000)

    for _ in range(2):
        with pytest.raises(DataError, match=f"the data in {tmp_path} cannot be written: database or disk is full"):
            journal.commit()
    journal._database.execute("PRAGMA max_page_count = 1000")
    journal.put("item", "table", "small", b"2")
    journal.commit()

    assert [(name, len(value)) for _, name, value in journal.read("item")] == [("large", 100_000), ("small", 1)]


def test_records_after_a_trim_in_the_same_commit_are_kept(tmp_path):
    journal = Journal(tmp_path)
    journal.put("record", "shard", "1", b"old")
    journal.commit()
    journal.put("record", "shard", "2", b"old")
    journal.trim_records("shard", "~")
    journal.put("record", "shard", "1", b"new")
    journal.trim_records("shard", "0")
    journal.commit()

    assert list(journal.read("record")) == [("shard", "1", b"new")]


def test_database_of_another_format_is_unchanged(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "cloud.sqlite")) as database, database:
        database.execute("CREATE TABLE facts (name TEXT, value TEXT)")
        database.execute("INSERT INTO facts VALUES ('format', '0')")
    before = (tmp_path / "cloud.sqlite").read_bytes()

    with pytest.raises(UnreadableDataError, match=f"has format 0, expected {storage.FORMAT}$"):
        Journal(tmp_path)
    assert (tmp_path / "cloud.sqlite").read_bytes() == before


def test_format_with_a_version_of_moto_is_read(tmp_path):
    written(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "cloud.sqlite")) as database, database:
        database.execute("UPDATE facts SET value = ? WHERE name = 'format'", (f"{storage.FORMAT} (moto 5.1.0)",))

    assert storage.check(tmp_path) is False  # No cloud has started with the directory.


def test_missing_content_is_an_error(tmp_path):
    journal = Journal(tmp_path)
    journal.put_content("empty", b"")
    journal.commit()

    assert journal.content("empty") == b""
    with pytest.raises(UnreadableDataError, match="lacks the content missing of an object"):
        journal.content("missing")


def test_directory_that_cannot_be_written_is_not_reported_as_damaged(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "cloud.sqlite").mkdir(parents=True)

    for directory in (tmp_path / "file" / "data", tmp_path / "taken"):
        with pytest.raises(DataError) as failed:
            Journal(directory)
        assert type(failed.value) is DataError


def occurrences(directory, text):
    return sum(file.read_bytes().count(text) for file in directory.iterdir())


def test_erased_names_and_values_are_removed_from_the_files(tmp_path):
    journal, rng = Journal(tmp_path), random.Random(1)

    def write(name, mark):
        half = rng.randbytes(rng.choice([20, 400, 2_000, 20_000]))
        journal.put("item", "table", name, half + mark + half)
        journal.put_content(name, mark + half)

    for _ in range(4):  # Pages split and merge, which leaves copies of data in unused pages.
        for number in rng.sample(range(400), 400):
            if rng.random() < 0.3:
                journal.delete("item", "table", f"anna-{number}")
            else:
                write(f"anna-{number}" if number % 3 else f"bert-{number}", b"bert" if number % 3 == 0 else b"anna")
        journal.commit()
    assert occurrences(tmp_path, b"anna") > 100

    for number in range(400):
        journal.delete("item", "table", f"anna-{number}")
        journal.delete_content(f"anna-{number}")
    journal.commit()
    journal.erase_traces()

    assert occurrences(tmp_path, b"anna") == 0
    assert {name.partition("-")[0] for _, name, _ in journal.read("item")} == {"bert"}
    journal.put("item", "table", "after", b"bert")
    journal.close()
    assert occurrences(tmp_path, b"after") == 1


def test_overwritten_value_is_removed_from_the_files(tmp_path):
    journal = Journal(tmp_path)
    for value in (b"anna" * 5_000, b"bert"):
        journal.put("item", "table", "a", value)
        journal.commit()

    journal.erase_traces()

    assert occurrences(tmp_path, b"anna") == 0
    journal.close()
