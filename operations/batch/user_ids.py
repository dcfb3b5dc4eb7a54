"""Users of a batch, read from text with one ID per line or from a column USER_ID, and the CSV file of failed users."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, TextIO

import pyarrow as pa

from alsolike.runtime.errors import InvalidInput, Unavailable
from operations.ingest.files import open_file, text_as_string
from operations.ingest.sources import SUFFIXES, find

COLUMN = "USER_ID"
STANDARD_INPUT = "-"

_BATCH_ROWS = 50_000
_HEADER = (COLUMN, "LINE", "REASON")


class UserId(NamedTuple):
    """User of a batch, or an invalid row of its input with the reason as `fault`.

    `line` is the line of a text or CSV file, counted from 1 including the header, or the row of a Parquet file; 0 if
    unknown.
    """

    line: int
    text: str
    fault: str | None = None


class UserIds:
    """Users of an input, in input order.

    The name is a path, `s3://bucket/key`, or `-` for standard input. S3 objects, and files with a suffix of `SUFFIXES`,
    contain a column USER_ID. Other inputs are text with one ID per line.
    """

    def __init__(self, name: str, s3: Callable[[], Any]) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        self.size_bytes: int | None = None
        self._file = None
        self._path: Path | None = None
        if name == STANDARD_INPUT:
            return
        if name.lower().endswith(SUFFIXES):
            sources = find([name], s3)
            if len(sources) > 1:
                raise InvalidInput(f"{name} names {len(sources)} files, expected one")
            self._file = open_file(sources[0])
            self.size_bytes = sources[0].size_bytes
            if COLUMN not in self._file.schema.names:
                raise InvalidInput(f"{name} has no column {COLUMN}, but {', '.join(self._file.header)}")
        elif name.startswith("s3://"):
            raise InvalidInput(f"{name} has an unknown extension; expected one of {', '.join(SUFFIXES)}")
        else:
            self._path = Path(name)
            if not self._path.exists() or self._path.is_dir():
                raise InvalidInput(f"{name} does not exist, or is not a file")
            if self._path.is_file():  # Named pipes, such as `<(command)` in a shell, have no size.
                self.size_bytes = self._path.stat().st_size

    def read(self, on_bytes: Callable[[int], None] = lambda done: None) -> Iterator[UserId]:
        """Yield the users, without blank lines. Report the number of bytes read so far to `on_bytes`."""
        if self._file is not None:
            yield from self._column(on_bytes)
        elif self._path is None:
            yield from _lines(sys.stdin.buffer, self.name, on_bytes)
        else:
            with self._path.open("rb") as file:
                yield from _lines(file, self.name, on_bytes)

    def _column(self, on_bytes: Callable[[int], None]) -> Iterator[UserId]:
        assert self._file is not None
        for chunk in self._file.chunks(plain=[COLUMN], rows=_BATCH_ROWS, on_bytes=on_bytes):
            ids = text_as_string(chunk.rows.select([COLUMN]))[COLUMN].cast(pa.string()).to_pylist()
            users = [
                UserId(line, text or "", None if text else f"{COLUMN} is missing")
                for line, text in zip(chunk.lines.tolist(), ids, strict=True)
            ]
            users += [UserId(row.line, row.text, row.reason) for row in chunk.malformed]
            yield from sorted(users) if chunk.malformed else users


def _lines(file: BinaryIO, name: str, on_bytes: Callable[[int], None]) -> Iterator[UserId]:
    done = 0
    for line, data in enumerate(file, start=1):
        done += len(data)
        if line % _BATCH_ROWS == 0:
            on_bytes(done)
        try:
            # Some Windows programs write a byte order mark before the first line.
            text = data.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{name}, line {line}: {error}, expected UTF-8 text with one user ID per line"
            ) from error
        if text.strip():
            yield UserId(line, text)
    on_bytes(done)


class FailedUsers:
    """Writer of the CSV file of failed users. A later batch can read this file as its input.

    After the context has exited, the file exists only if users failed and no error was raised.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._file is None or kind is not None:
            self.path.unlink(missing_ok=True)

    def add(self, user: UserId, reason: str) -> None:
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", newline="")
                csv.writer(self._file).writerow(_HEADER)
            csv.writer(self._file).writerow((user.text, user.line or "", reason))
        except OSError as error:
            raise Unavailable(f"the file of failed users {self.path} cannot be written: {error}") from error
        self.count += 1
