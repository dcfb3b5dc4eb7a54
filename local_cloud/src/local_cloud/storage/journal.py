"""Data of a cloud on disk: an SQLite database in a directory."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

FORMAT: Final = "2"
PORTS: Final = "ports"
"""Name of the fact that contains the ports of the servers at the last start."""
MOTO: Final = "moto"
"""Name of the fact that contains the version of moto at the last start."""
_FILE = "cloud.sqlite"
_COMPANIONS = ("", "-wal", "-shm", "-journal")
_PAGES_BEFORE_CHECKPOINT = 8_000
_ROW_OVERHEAD_BYTES = 1_024
_ROWS_PER_INSERT = 100
_ROW = "(?, ?, ?, ?)"
_DELETED: Final = object()
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT, place TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, place, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class DataError(Exception): ...


class DataInUseError(DataError): ...


class UnreadableDataError(DataError): ...


class Journal:
    """Entries by kind, place and name, and contents of objects by ID.

    Writes stay in memory until `commit`. A committed write survives a crash of this process, because the kernel holds
    SQLite's write-ahead log. SQLite discards partial transactions at the next start.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._entries: dict[tuple[str, str, str], object] = {}
        self._contents: dict[str, object] = {}
        self._trims: dict[str, str] = {}
        self._has_traces = True
        self._database = _opened(directory)

    def put(self, kind: str, place: str, name: str, value: bytes) -> None:
        with self._lock:
            self._entries[kind, place, name] = value

    def delete(self, kind: str, place: str, name: str) -> None:
        with self._lock:
            self._entries[kind, place, name] = _DELETED

    def put_content(self, content_id: str, content: bytes) -> None:
        with self._lock:
            self._contents[content_id] = content

    def delete_content(self, content_id: str) -> None:
        with self._lock:
            self._contents[content_id] = _DELETED

    def trim_records(self, place: str, before: str) -> None:
        """Delete the records of a shard whose names are less than `before`."""
        with self._lock:
            for kind, shard, name in list(self._entries):
                if kind == "record" and shard == place and name < before:
                    del self._entries[kind, shard, name]
            self._trims[place] = max(before, self._trims.get(place, ""))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Block writes of other threads, so that a value that is read in the block cannot replace a newer value."""
        with self._lock:
            yield

    @property
    def largest_value(self) -> int:
        return self._database.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - _ROW_OVERHEAD_BYTES

    def commit(self) -> None:
        """Pass all previous writes to the kernel.

        After a DataError, for example because the disk is full, the next commit tries the writes again.
        """
        with self._lock, _translated(self._directory, "written"):
            if self._entries or self._contents or self._trims:
                self._has_traces = True
                self._write()
                self._entries, self._contents, self._trims = {}, {}, {}

    def _write(self) -> None:
        rows = [(*key, value) for key, value in self._entries.items() if value is not _DELETED]
        changes: Mapping[str, list[tuple[object, ...]]] = {
            "DELETE FROM entries WHERE kind = 'record' AND place = ? AND name < ?": list(self._trims.items()),
            "DELETE FROM entries WHERE kind = ? AND place = ? AND name = ?": [
                key for key, value in self._entries.items() if value is _DELETED
            ],
            "INSERT OR REPLACE INTO contents VALUES (?, ?)": [
                content for content in self._contents.items() if content[1] is not _DELETED
            ],
            "DELETE FROM contents WHERE id = ?": [(key,) for key, value in self._contents.items() if value is _DELETED],
        }
        with self._database:  # one transaction
            for statement, values in changes.items():
                if values:
                    self._database.executemany(statement, values)
            # Each statement waits for the global lock of Python, so one statement inserts many rows.
            for start in range(0, len(rows), _ROWS_PER_INSERT):
                part = rows[start : start + _ROWS_PER_INSERT]
                statement = f"INSERT OR REPLACE INTO entries VALUES {', '.join([_ROW] * len(part))}"  # noqa: S608
                self._database.execute(statement, [value for row in part for value in row])

    def erase_traces(self) -> None:
        """Remove deleted and overwritten values from the files. Commits wait for about 10 ms per MB of the database.

        SQLite immediately overwrites most deleted values with zeros, but not the copies that remain after moves between
        pages.
        """
        with self._lock, self._reading, _translated(self._directory, "written"):
            if self._has_traces:
                self._database.execute("VACUUM")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._has_traces = False

    def read(self, kind: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield the place, name and value of the entries of a kind, sorted by place and name."""
        with _translated(self._directory, "read"):
            yield from self._database.execute(
                "SELECT place, name, value FROM entries WHERE kind = ? ORDER BY place, name", (kind,)
            )

    def content(self, content_id: str) -> bytes:
        with self._reading, _translated(self._directory, "read"):
            rows = self._database.execute("SELECT value FROM contents WHERE id = ?", (content_id,)).fetchall()
        if not rows:
            raise UnreadableDataError(f"the data in {self._directory} lacks the content {content_id} of an object")
        return bytes(rows[0][0])

    def fact(self, name: str) -> str | None:
        with _translated(self._directory, "read"):
            rows = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchall()
        return str(rows[0][0]) if rows else None

    def set_fact(self, name: str, value: str) -> None:
        """Write a fact about the cloud immediately."""
        with self._lock, _translated(self._directory, "written"), self._database:
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        try:
            self.commit()
        finally:
            with self._lock:
                self._database.close()


def check(directory: Path) -> bool:
    """Return whether a cloud has started with a directory before. Raise DataError if its data cannot be opened."""
    with _translated(directory, "read"):
        if not (directory / _FILE).exists():
            return False
    with contextlib.closing(_opened(directory)) as database:
        return bool(database.execute("SELECT 1 FROM facts WHERE name = ?", (PORTS,)).fetchall())


def delete(directory: Path) -> bool:
    """Delete the data in a directory, and the directory if it is then empty. Return false if there is no data.

    Raise DataInUseError if a cloud uses the data.
    """
    path = directory / _FILE
    if not path.exists():
        return False
    try:
        check(directory)
    except DataInUseError:
        raise
    except DataError:
        pass  # For example, the database is damaged or has another version. It can be deleted nevertheless.
    for companion in _COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        directory.rmdir()
    return True


def _opened(directory: Path) -> sqlite3.Connection:
    with contextlib.ExitStack() as failure, _translated(directory, "read"):
        directory.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(directory / _FILE, timeout=1.0, check_same_thread=False)
        failure.callback(database.close)
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchall():
            for (stored,) in database.execute("SELECT value FROM facts WHERE name = 'format'").fetchall():
                if stored.split()[0] != FORMAT:  # earlier formats ended with the version of moto
                    raise UnreadableDataError(f"the data in {directory} has format {stored}, expected {FORMAT}")
        database.execute("PRAGMA journal_mode = WAL")
        # The kernel has each commit immediately. The disk has it after the next checkpoint, at most about 30 MB later.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")
        database.execute("PRAGMA secure_delete = ON")
        with database:
            database.executescript(_TABLES)
            database.execute("INSERT OR IGNORE INTO facts VALUES ('format', ?)", (FORMAT,))
            database.execute("DELETE FROM entries WHERE kind = 'metrics'")  # earlier versions wrote this kind
        failure.pop_all()
    return database


@contextlib.contextmanager
def _translated(directory: Path, action: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        message = f"the data in {directory} cannot be {action}: {error}"
        # The higher bits of SQLite's error code are details.
        match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise DataInUseError(f"{directory} belongs to another cloud that runs") from error
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise UnreadableDataError(message) from error
        raise DataError(message) from error
