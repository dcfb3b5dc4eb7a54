"""Entries of a cloud on disk: one SQLite database in a directory."""

import contextlib
import importlib.metadata
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FORMAT: Final = "1"
PORTS: Final = "ports"
"""Name of the fact that says which ports the servers took at the last start."""
_FILE = "cloud.sqlite"
_COMPANIONS = ("", "-wal", "-shm", "-journal")
_PAGES_BEFORE_CHECKPOINT = 8_000
_ROW_OVERHEAD_BYTES = 1_024
_DELETED: Final = object()
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT, place TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, place, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class DataError(Exception):
    """A directory of data cannot be used."""


class DataInUseError(DataError):
    """A directory of data belongs to another cloud that runs."""


class Journal:
    """Entries by kind, place and name, and contents of objects by id.

    Writes wait in memory until `commit`. A committed write survives the end of this process at any moment: it is in
    SQLite's write-ahead log, which the kernel holds. Half-written transactions are dropped by SQLite at the next start.

    Raises
    ------
    DataError
        If another cloud uses the directory, or another version wrote it, or it is damaged.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._lock = threading.RLock()
        self._entries: dict[tuple[str, str, str], object] = {}
        self._contents: dict[str, object] = {}
        self._trims: dict[str, str] = {}
        self._database = _opened(directory)

    def put(self, kind: str, place: str, name: str, value: bytes) -> None:
        """Write an entry."""
        with self._lock:
            self._entries[kind, place, name] = value

    def delete(self, kind: str, place: str, name: str) -> None:
        """Delete an entry."""
        with self._lock:
            self._entries[kind, place, name] = _DELETED

    def put_content(self, content_id: str, content: bytes) -> None:
        """Write the content of an object."""
        with self._lock:
            self._contents[content_id] = content

    def delete_content(self, content_id: str) -> None:
        """Delete the content of an object."""
        with self._lock:
            self._contents[content_id] = _DELETED

    def trim_records(self, place: str, before: str) -> None:
        """Delete the records of a shard whose names come before one."""
        with self._lock:
            self._trims[place] = before

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads from writing: what is read within is written in the same order."""
        with self._lock:
            yield

    @property
    def largest_value(self) -> int:
        """Largest number of bytes of a value."""
        return self._database.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - _ROW_OVERHEAD_BYTES

    def commit(self) -> None:
        """Return when all writes so far are with the kernel.

        Raises
        ------
        DataError
            If they cannot be written, for example because the disk is full. The next commit tries again.
        """
        try:
            self._commit()
        except sqlite3.Error as error:
            raise DataError(f"changes cannot be stored in {self._directory}: {error}") from error

    def _commit(self) -> None:
        with self._lock:
            if not (self._entries or self._contents or self._trims):
                return
            with self._database:  # one transaction
                entries, contents = self._entries.items(), self._contents.items()
                self._database.executemany(
                    "INSERT OR REPLACE INTO contents VALUES (?, ?)",
                    [(key, value) for key, value in contents if value is not _DELETED],
                )
                self._database.executemany(
                    "DELETE FROM contents WHERE id = ?", [(key,) for key, value in contents if value is _DELETED]
                )
                self._database.executemany(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)",
                    [(*key, value) for key, value in entries if value is not _DELETED],
                )
                self._database.executemany(
                    "DELETE FROM entries WHERE kind = ? AND place = ? AND name = ?",
                    [key for key, value in entries if value is _DELETED],
                )
                self._database.executemany(
                    "DELETE FROM entries WHERE kind = 'record' AND place = ? AND name < ?", list(self._trims.items())
                )
            self._entries, self._contents, self._trims = {}, {}, {}

    def read(self, kind: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield place, name and value of the entries of a kind, sorted."""
        yield from self._database.execute(
            "SELECT place, name, value FROM entries WHERE kind = ? ORDER BY place, name", (kind,)
        )

    def content(self, content_id: str) -> bytes:
        """Return the content of an object."""
        rows = self._database.execute("SELECT value FROM contents WHERE id = ?", (content_id,)).fetchall()
        return bytes(rows[0][0]) if rows else b""

    def fact(self, name: str) -> str | None:
        """Return a fact about the cloud, such as its ports; None if it is not known."""
        rows = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchall()
        return str(rows[0][0]) if rows else None

    def state_fact(self, name: str, value: str) -> None:
        """Write a fact about the cloud at once."""
        with self._lock, self._database:
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Write what waits and close the database."""
        with self._lock:
            try:
                self.commit()
            finally:
                self._database.close()


def check(directory: Path) -> bool:
    """Make sure that a cloud of this version can use a directory; return whether one has booted with it before.

    Raises
    ------
    DataError
        If it cannot.
    """
    if not (directory / _FILE).exists():
        return False
    with contextlib.closing(_opened(directory)) as database:
        return bool(database.execute("SELECT 1 FROM facts WHERE name = ?", (PORTS,)).fetchall())


def delete(directory: Path) -> bool:
    """Delete the data in a directory, and the directory where nothing else is in it; False if there is no data.

    Raises
    ------
    DataInUseError
        If a cloud uses it.
    """
    path = directory / _FILE
    if not path.exists():
        return False
    try:
        check(directory)
    except DataInUseError:
        raise
    except DataError:
        pass  # another version wrote it, or it is damaged: a reason to delete it
    for companion in _COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        directory.rmdir()
    return True


def _opened(directory: Path) -> sqlite3.Connection:
    path = directory / _FILE
    database = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
    version = f"{FORMAT} (moto {importlib.metadata.version('moto')})"
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        # The kernel has each commit; the disk has it at the next checkpoint, at the latest after about 30 MB.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BEFORE_CHECKPOINT}")
        with database:
            database.executescript(_TABLES)
            database.execute("INSERT OR IGNORE INTO facts VALUES ('format', ?)", (version,))
        ((written,),) = database.execute("SELECT value FROM facts WHERE name = 'format'").fetchall()
    except sqlite3.DatabaseError as error:
        database.close()
        if "locked" in str(error):
            raise DataInUseError(f"{directory} belongs to another cloud that runs") from error
        raise DataError(f"the data in {directory} cannot be read: {error}") from error
    if written != version:
        database.close()
        raise DataError(f"the data in {directory} has format {written}, expected {version}")
    return database
