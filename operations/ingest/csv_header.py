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
_DELIMITERS = frozenset(",;\t|")


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
    line = b"".join(start.removeprefix(UTF8_MARK).splitlines()[:1])
    try:
        names = next(csv.reader([line.decode()], delimiter=form.delimiter, strict=True), [])
        is_single = len(names) == 1 and _DELIMITERS.intersection(names[0])
        is_header = len(line) < _MAX_HEADER_BYTES and b"\0" not in line and not is_single
    except (UnicodeDecodeError, csv.Error):
        is_header = False
    if not is_header:
        shown = line[:80].decode(errors="backslashreplace").replace("\0", "\\0")
        raise InvalidInput(
            f"{name}: the first line is {shown}, expected column names in {form.encoding.upper()} with "
            f"{form.delimiter!r} between them, closed quotes and less than {_MAX_HEADER_BYTES >> 20} MiB. Imports "
            "accept other formats with --delimiter (such as tab), --decimal and --encoding (such as utf-16): add "
            "--delimiter ';' --decimal ',' --encoding cp1252 for files of Excel"
        )
    return tuple(names)
