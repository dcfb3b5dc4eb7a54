"""Limits on a file's columns, and on its rows and unpacked bytes relative to its size, so that a small file of
repeated content cannot block an import.
"""

from __future__ import annotations

import gzip
from typing import Any, BinaryIO

from alsolike.runtime.errors import InvalidInput

MAX_COLUMNS = 1_000

FREE_ROWS = 1_000_000
"""Number of rows that any file may have."""
MAX_ROWS_PER_BYTE = 8
"""Maximum number of further rows per byte of the file."""

FREE_BYTES = 64 << 20
"""Number of unpacked bytes that any file may have."""
MAX_BYTES_PER_BYTE = 250
"""Maximum number of further unpacked bytes per packed byte."""


def check_columns(count: int, *, name: str) -> None:
    if count > MAX_COLUMNS:
        raise InvalidInput(f"{name} has {count:,} columns, expected at most {MAX_COLUMNS:,}")


def check_rows(rows: int, *, name: str, size_bytes: int) -> None:
    limit = FREE_ROWS + MAX_ROWS_PER_BYTE * size_bytes
    if rows > limit:
        raise InvalidInput(
            f"{name} has {rows:,} rows or more in {size_bytes:,} bytes, expected at most {limit:,}. "
            "Remove repeated rows; if all are real, import them as CSV without compression"
        )


class BoundedGzip(gzip.GzipFile):
    """Gzip reader that raises `InvalidInput` if the stream unpacks to too many bytes."""

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        super().__init__(fileobj=file)
        self._packed, self._label, self._unpacked = file, name, 0

    def read(self, size: int | None = -1) -> Any:
        return self._checked(super().read(size))

    def read1(self, size: int = -1) -> Any:
        return self._checked(super().read1(size))

    def readline(self, size: int | None = -1) -> Any:
        return self._checked(super().readline(size))

    def _checked(self, data: bytes) -> bytes:
        self._unpacked += len(data)
        limit = FREE_BYTES + MAX_BYTES_PER_BYTE * self._packed.tell()
        if self._unpacked > limit:
            raise InvalidInput(
                f"{self._label} unpacks to more than {MAX_BYTES_PER_BYTE} times its size, after {self._unpacked:,} "
                "bytes. Remove repeated content; if all is real, unpack the file and import the CSV"
            )
        return data
