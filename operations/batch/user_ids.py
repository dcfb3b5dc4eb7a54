"""The users of a batch, read as a stream: a line each, or the column USER_ID of a data file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from alsolike.runtime.errors import InvalidInput
from operations.ingest.files import open_file, text_as_string
from operations.ingest.sources import SUFFIXES, find

COLUMN = "USER_ID"
STANDARD_INPUT = "-"

_ROWS_AT_ONCE = 50_000


class UserId(NamedTuple):
    """One user of the input.

    Attributes
    ----------
    line
        Line of a text or CSV, from 1 with the header; row of a Parquet file, from 1; 0 if unknown.
    text
        The id, or the text in its place.
    fault
        Reason why it is no valid id; None if it may be one.
    """

    line: int
    text: str
    fault: str | None = None


class UserIds:
    """The users that an input names, in its order.

    Parameters
    ----------
    name
        A path, `s3://bucket/key`, or `-` for standard input. Names that end in .csv, .csv.gz or .parquet are data files
        with a column USER_ID; everything else is text with one id a line.
    s3
        Gives a low-level S3 client.

    Attributes
    ----------
    name
        What messages call the input.
    size_bytes
        Size of the input; None if unknown.

    Raises
    ------
    InvalidInput
        If there is no such file, or it has no such column.
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
            if self._path.is_file():  # and no pipe, as a shell's <(command) is
                self.size_bytes = self._path.stat().st_size

    def read(self, on_bytes: Callable[[int], None] = lambda done: None) -> Iterator[UserId]:
        """Yield what stands there; blank lines are left out.

        Parameters
        ----------
        on_bytes
            Told from time to time how many bytes are read.

        Raises
        ------
        InvalidInput
            If text is not UTF-8.
        """
        if self._file is not None:
            yield from self._column(on_bytes)
        elif self._path is None:
            yield from _lines(sys.stdin.buffer, self.name, on_bytes)
        else:
            with self._path.open("rb") as file:
                yield from _lines(file, self.name, on_bytes)

    def _column(self, on_bytes: Callable[[int], None]) -> Iterator[UserId]:
        assert self._file is not None
        for chunk in self._file.chunks(plain=[COLUMN], rows=_ROWS_AT_ONCE, on_bytes=on_bytes):
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
        if line % _ROWS_AT_ONCE == 0:
            on_bytes(done)
        try:
            # Windows puts a byte order mark before the first line.
            text = data.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{name}, line {line}: {error}, expected UTF-8 text with one user id a line") from error
        if text.strip():
            yield UserId(line, text)
    on_bytes(done)
