"""Parser of CSV files, which returns column names and rows of text. Rows with a wrong number of cells are rejected."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import zlib
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from alsolike.runtime.errors import InvalidInput
from operations.ingest.content_limits import BoundedGzip
from operations.ingest.csv_blocks import BREAK, Block, Malformed, blocks
from operations.ingest.csv_format import CsvForm, with_texts

_BLOCK_BYTES = 8 << 20
_BLOCKS_AHEAD = 2
TEXT = pa.dictionary(pa.int32(), pa.string())

UTF8_MARK = b"\xef\xbb\xbf"
UNREADABLE = (OSError, EOFError, zlib.error)
"""Errors from reading a file or a gzip stream; `EOFError` if a gzip stream is truncated."""

_MAX_HEADER_BYTES = 1 << 20
_OTHER_DELIMITERS = frozenset(",;\t|")


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a file with their line or row numbers.

    `size_bytes` is the uncompressed size, estimated for Parquet. `next_line` is the number of the line after the rows
    of a CSV.
    """

    table: pa.Table
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()
    size_bytes: int = 0
    next_line: int = 1


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
        is_single = len(names) == 1 and _OTHER_DELIMITERS.intersection(names[0])
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


def read(file: BinaryIO, name: str, schema: pa.Schema, encoded: Collection[str], form: CsvForm) -> Iterator[Rows]:
    """Yield the rows of a CSV, one block at a time.

    If the file is damaged, raise an error of `UNREADABLE` after all readable rows.
    """
    schema = pa.schema([(field.name, TEXT if field.name in encoded else pa.string()) for field in schema])
    # pyarrow releases the GIL, so the next blocks are parsed while the caller checks the yielded rows.
    pending = deque[Future[Rows]]()
    with ThreadPoolExecutor(1, "csv") as pool:
        try:
            text = form.utf8(UntilBroken(open_bytes(file, name)))
            for block in blocks(text, block_bytes=_BLOCK_BYTES, columns=len(schema), form=form):
                body = _without_header(block) if block.first_line == 1 else block
                pending.append(pool.submit(_parsed, body, schema, form))
                if len(pending) > _BLOCKS_AHEAD:
                    yield pending.popleft().result()
        except UNREADABLE:
            yield from (parsed.result() for parsed in pending)
            raise
        yield from (parsed.result() for parsed in pending)


def _without_header(block: Block) -> Block:
    """Return the block with a blank line in place of the header."""
    header = block.data.splitlines()[0]
    return dataclasses.replace(block, data=block.data[len(header) :])


def _parsed(block: Block, schema: pa.Schema, form: CsvForm) -> Rows:
    if not block.data:  # The file is a header without a line break.
        return Rows(schema.empty_table(), np.zeros(0, np.int64), block.malformed, 0, block.first_line + 1)
    malformed = list(block.malformed)

    def set_aside(row: Any) -> str:
        reason = f"has {row.actual_columns} columns, expected {row.expected_columns}"
        malformed.append(Malformed(block.first_line + row.number - 1, reason, row.text.replace(BREAK, "\n")))
        skipped.append(row.number - 1)
        return "skip"

    skipped: list[int] = []  # Positions of skipped lines in the block.
    rows = pa.csv.read_csv(
        pa.BufferReader(block.data),
        # With several threads, pyarrow does not number the malformed rows.
        read_options=pa.csv.ReadOptions(block_size=len(block.data) + 1, use_threads=False, column_names=schema.names),
        parse_options=pa.csv.ParseOptions(
            delimiter=form.delimiter, ignore_empty_lines=False, invalid_row_handler=set_aside
        ),
        convert_options=pa.csv.ConvertOptions(column_types=schema, strings_can_be_null=True, null_values=[""]),
    )
    if block.has_breaks:
        rows = with_texts(rows, lambda texts: pc.replace_substring(texts, BREAK, "\n"))
    count = len(rows) + len(skipped)
    lines = block.first_line + np.delete(np.arange(count, dtype=np.int64), skipped)
    blank = np.ones(len(rows), bool)
    for column in rows.columns:
        if not column.null_count:
            break
        blank &= column.is_null().to_numpy()
    else:
        if blank.any():
            rows, lines = rows.filter(pa.array(~blank)), lines[~blank]
    return Rows(form.with_points(rows), lines, tuple(malformed), len(block.data), block.first_line + count)
