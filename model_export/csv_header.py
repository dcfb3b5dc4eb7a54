"""The first line of a CSV, and why a file is none; said in one sentence before a parser trips over it."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from alsolike.errors import InvalidInput

UTF8_MARK = b"\xef\xbb\xbf"
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a file or a gzip stream raises; `EOFError` where a gzip stream breaks off."""

_MAX_HEADER_BYTES = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def open_bytes(file: BinaryIO, path: Path) -> BinaryIO:
    """Return the bytes of a CSV, unpacked if the name of its file ends with `.gz`.

    Python unpacks, not pyarrow: that one sometimes ends the whole process when a gzip stream is broken.
    """
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if path.name.lower().endswith(".gz") else file


def read_header(path: Path) -> tuple[str, ...]:
    """Return the names of a CSV's columns as the file spells them.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is empty, or its first line is not UTF-8 text on one line.
    """
    try:
        with path.open("rb") as file:
            start = open_bytes(file, path).read(_MAX_HEADER_BYTES)
    except UNREADABLE as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    if not start:
        raise InvalidInput(f"{path} cannot be read: it is empty")
    if start.startswith(_UTF16_MARKS):
        raise InvalidInput(f"{path} is UTF-16, expected UTF-8")
    line = start.removeprefix(UTF8_MARK).splitlines()[0] if start != UTF8_MARK else b""
    shown = line[:80].decode(errors="backslashreplace").replace("\0", "\\0")
    if b"\0" in line:
        raise InvalidInput(f"{path} is no UTF-8 text: its first line is {shown}")
    try:
        (names,) = list(csv.reader([line.decode()], strict=True)) or [[]]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: its first line is {shown}, expected column names in UTF-8") from error
    except csv.Error as error:
        raise InvalidInput(f"{path}: its first line is {shown}, expected column names with closed quotes") from error
    return tuple(names)
