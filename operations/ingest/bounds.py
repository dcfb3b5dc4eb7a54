"""Bounds of a file's content relative to its size, so that small files of repeated content do not occupy an import."""

from __future__ import annotations

import gzip
from typing import Any, BinaryIO

from alsolike.runtime.errors import InvalidInput

MAX_COLUMNS = 1_000

FREE_ROWS, MAX_ROWS_PER_BYTE = 1_000_000, 8
"""Rows that any file may have, and further ones per byte: rows that differ have at least one bit each."""

FREE_BYTES, MAX_BYTES_PER_BYTE = 64 << 20, 250
"""Bytes that any file may unpack to, and further ones per packed byte; texts of shops unpack to 5 to 30."""


def check_columns(count: int, *, name: str) -> None:
    """Raise an error for more columns than a table has.

    Raises
    ------
    InvalidInput
        With their number.
    """
    if count > MAX_COLUMNS:
        raise InvalidInput(f"{name} has {count:,} columns, expected at most {MAX_COLUMNS:,}")


def check_rows(rows: int, *, name: str, size_bytes: int) -> None:
    """Raise an error for more rows than a file of this size has.

    Raises
    ------
    InvalidInput
        With both numbers.
    """
    most = FREE_ROWS + MAX_ROWS_PER_BYTE * size_bytes
    if rows > most:
        raise InvalidInput(
            f"{name} has {rows:,} rows or more in {size_bytes:,} bytes, expected at most {most:,}. "
            "Remove repeated rows; if all are real, import them as CSV without compression"
        )


class BoundedGzip(gzip.GzipFile):
    """Reader of a gzip stream that does not unpack to many times its size.

    Parameters
    ----------
    file
        The packed bytes.
    name
        The file in the error.
    """

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        super().__init__(fileobj=file)
        self._packed, self._label, self._unpacked = file, name, 0

    def read1(self, size: int = -1) -> Any:
        """Return the next bytes, at most `size`.

        Raises
        ------
        InvalidInput
            If the stream exceeds its bound.
        """
        data = super().read1(size)
        self._unpacked += len(data)
        most = FREE_BYTES + MAX_BYTES_PER_BYTE * self._packed.tell()
        if self._unpacked > most:
            raise InvalidInput(
                f"{self._label} unpacks to more than {MAX_BYTES_PER_BYTE} times its size, after {self._unpacked:,} "
                "bytes. Remove repeated content; if all is real, unpack the file and import the CSV"
            )
        return data
