"""Parser of the column names in a CSV's first line."""

from __future__ import annotations

import csv
import gzip
import zlib
from typing import BinaryIO, cast

from alsolike.runtime.errors import InvalidInput
from operations.ingest.content_limits import BoundedGzip
from operations.ingest.csv_format import CsvForm

UTF8_MARK = b"\xef\xbb\xbf"
UNREADABLE = (OSError, EOFError, zlib.error)
"""Errors from reading a file or a gzip stream; `EOFError` if a gzip stream is truncated."""

_MAX_HEADER_BYTES = 1 << 20
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class UntilBroken:
    """Reader of a file or gzip stream that may be truncated.

    The reader returns all readable bytes before it raises an error.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: Exception | None = None

    def read(self, size: int) -> bytes:
        if self._error is not None:
            raise self._error
        parts: list[bytes] = []
        while size > 0:
            try:
                part = self._file.read1(size) if isinstance(self._file, gzip.GzipFile) else self._file.read(size)
            except UNREADABLE as error:
                if not parts:
                    raise
                self._error = error
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def open_bytes(file: BinaryIO, name: str) -> BinaryIO:
    # Python decompresses, because pyarrow may crash the process on a damaged gzip stream.
    return cast(BinaryIO, BoundedGzip(file, name=name)) if name.lower().endswith(".gz") else file


def parse_header(file: BinaryIO, name: str, form: CsvForm) -> tuple[str, ...]:
    """Return the column names of a CSV as written in the file."""
    try:
        start = form.utf8(UntilBroken(open_bytes(file, name))).read(_MAX_HEADER_BYTES)
    except UNREADABLE as error:
        raise InvalidInput(f"{name} cannot be read: {error}") from error
    if not start:
        raise InvalidInput(f"{name} cannot be read: it is empty")
    if start.startswith(_UTF16_MARKS):
        raise InvalidInput(f"{name} is UTF-16, expected UTF-8. Imports accept it with --encoding utf-16")
    line = start.removeprefix(UTF8_MARK).splitlines()[0] if start != UTF8_MARK else b""
    if len(line) >= _MAX_HEADER_BYTES:
        raise InvalidInput(f"{name} has a first line of more than {_MAX_HEADER_BYTES >> 20} MiB, expected column names")
    shown = line[:80].decode(errors="backslashreplace").replace("\0", "\\0")
    if b"\0" in line:
        raise InvalidInput(f"{name} is no {form.encoding.upper()} text: its first line is {shown}")
    try:
        (names,) = list(csv.reader([line.decode()], delimiter=form.delimiter, strict=True)) or [[]]
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{name} is not {form.encoding.upper()}: its first line is {shown}. Imports accept other encodings with "
            "--encoding, such as cp1252 for Excel"
        ) from error
    except csv.Error as error:
        raise InvalidInput(f"{name}: its first line is {shown}, expected column names with closed quotes") from error
    other = next((mark for mark in _DELIMITERS if len(names) == 1 and mark in names[0]), None)
    if other is not None:
        option = "tab" if other == "\t" else f"'{other}'"
        expected = _DELIMITERS.get(form.delimiter, repr(form.delimiter))
        decimals = ", and with --decimal ',' if its decimals have commas" if other == ";" else ""
        raise InvalidInput(
            f"{name}: line 1 separates columns by {_DELIMITERS[other]}, expected {expected}. Imports accept the file "
            f"with --delimiter {option}{decimals}"
        )
    return tuple(names)
