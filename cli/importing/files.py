"""Data files as chunks of rows, whatever their format; a CSV's cells stay text, and what is no row is set aside."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from alsolike.errors import InvalidInput
from model_export.csv_blocks import Block, Malformed, blocks
from model_export.csv_header import UNREADABLE, open_bytes, read_header

CHUNK_ROWS = 500_000
"""Rows that are checked and written together; part of what makes a repeated import overwrite itself."""

_BLOCK_BYTES = 8 << 20
_SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Attributes
    ----------
    index
        Number of the chunk within its file, from 0.
    rows
        Columns by upper-case name; all are strings in a CSV.
    lines
        int64 `(rows,)`: line in a CSV (the header is line 1), row in a Parquet file (the first is row 1).
    malformed
        Rows that stood between them and could not be read.
    """

    index: int
    rows: pa.Table
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class DataFile:
    """A file whose header was read.

    Attributes
    ----------
    schema
        Columns by upper-case name with their types.
    header
        The columns' names as the file spells them.
    """

    path: Path
    schema: pa.Schema
    header: tuple[str, ...]

    @property
    def is_parquet(self) -> bool:
        """Whether cells are typed; else they are text."""
        return self.path.name.lower().endswith(".parquet")

    def content_id(self) -> str:
        """Return 16 hexadecimal digits that stand for the file's bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()

    def chunks(self, *, on_bytes: Callable[[int], None] = lambda done: None) -> Iterator[Chunk]:
        """Yield the file's rows, `CHUNK_ROWS` or a little more at once; blank lines are no rows.

        Parameters
        ----------
        on_bytes
            Told from time to time how many bytes of the file are read.

        Raises
        ------
        InvalidInput
            If the file cannot be read to its end.
        """
        try:
            with self.path.open("rb") as file:
                batches = self._parquet(file) if self.is_parquet else self._csv(file)
                yield from _chunked(_counted(batches, file, on_bytes))
        except (pa.ArrowInvalid, *UNREADABLE) as error:
            raise InvalidInput(f"{self.path} cannot be read: {error}") from error

    def _parquet(self, file: BinaryIO) -> Iterator[Chunk]:
        first = 1
        for batch in pq.ParquetFile(file).iter_batches(batch_size=CHUNK_ROWS):
            rows = text_as_string(pa.Table.from_batches([batch]).rename_columns(self.schema.names))
            yield Chunk(0, rows, np.arange(first, first + len(rows), dtype=np.int64))
            first += len(rows)

    def _csv(self, file: BinaryIO) -> Iterator[Chunk]:
        for block in blocks(open_bytes(file, self.path), block_bytes=_BLOCK_BYTES):
            yield _parsed(_without_header(block) if block.first_line == 1 else block, self.schema)


def open_file(path: Path) -> DataFile:
    """Read a file's header.

    Raises
    ------
    InvalidInput
        If there is no such file, its name or header is none of a data file, or a column stands twice.
    """
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    if not path.name.lower().endswith(_SUFFIXES):
        raise InvalidInput(f"{path} is of no known format, expected a name that ends with {', '.join(_SUFFIXES)}")
    try:
        if path.name.lower().endswith(".parquet"):
            schema = pq.read_schema(path)
        else:
            schema = pa.schema([(name, pa.string()) for name in read_header(path)])
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    names = [name.strip().upper() for name in schema.names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{path} has the column {', '.join(twice)} more than once")
    known = pa.schema([field.with_name(name) for name, field in zip(names, schema, strict=True)])
    return DataFile(path, known, tuple(schema.names))


def text_as_string(rows: pa.Table) -> pa.Table:
    """Return the rows with every kind of text as `string`, without dictionaries: pyarrow cannot compare views."""
    for place, field in enumerate(rows.schema):
        plain = value_type(field.type)
        if plain != field.type:
            rows = rows.set_column(place, field.name, rows[place].cast(plain))
    return rows


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's cells, `string` for every kind of text."""
    if pa.types.is_dictionary(kind):
        return value_type(kind.value_type)
    return pa.string() if pa.types.is_string_view(kind) or pa.types.is_large_string(kind) else kind


def _without_header(block: Block) -> Block:
    """Return the block with a blank line in place of the header, which is no row."""
    header = block.data.splitlines()[0]
    return dataclasses.replace(block, data=block.data[len(header) :])


def _parsed(block: Block, schema: pa.Schema) -> Chunk:
    """Return the block's rows without its blank lines."""
    if not block.data:  # nothing but a header
        return Chunk(0, schema.empty_table(), np.zeros(0, np.int64), block.malformed)
    malformed = list(block.malformed)

    def set_aside(row: Any) -> str:
        reason = f"has {row.actual_columns} columns, expected {row.expected_columns}"
        malformed.append(Malformed(block.first_line + row.number - 1, reason, row.text))
        skipped.append(row.number - 1)
        return "skip"

    skipped: list[int] = []  # places among the block's lines
    rows = pa.csv.read_csv(
        pa.BufferReader(block.data),
        # With threads pyarrow does not number the malformed rows; one thread reads 500 MB/s.
        read_options=pa.csv.ReadOptions(block_size=len(block.data) + 1, use_threads=False, column_names=schema.names),
        parse_options=pa.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=set_aside),
        convert_options=pa.csv.ConvertOptions(column_types=schema, strings_can_be_null=True, null_values=[""]),
    )
    lines = block.first_line + np.delete(np.arange(len(rows) + len(skipped), dtype=np.int64), skipped)
    blank = np.ones(len(rows), bool)
    for column in rows.columns:
        blank &= column.is_null().to_numpy()
    if blank.any():
        rows, lines = rows.filter(pa.array(~blank)), lines[~blank]
    return Chunk(0, rows, lines, tuple(malformed))


def _counted(batches: Iterator[Chunk], file: BinaryIO, on_bytes: Callable[[int], None]) -> Iterator[Chunk]:
    for batch in batches:
        on_bytes(file.tell())
        yield batch


def _chunked(batches: Iterator[Chunk]) -> Iterator[Chunk]:
    """Join batches until they have `CHUNK_ROWS` rows."""
    index, waiting, count = 0, list[Chunk](), 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch.rows)
        if count >= CHUNK_ROWS:
            yield _joined(index, waiting)
            index, waiting, count = index + 1, [], 0
    if waiting:
        yield _joined(index, waiting)


def _joined(index: int, batches: list[Chunk]) -> Chunk:
    return Chunk(
        index,
        pa.concat_tables([batch.rows for batch in batches]).combine_chunks(),
        np.concatenate([batch.lines for batch in batches]),
        tuple(row for batch in batches for row in batch.malformed),
    )


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's cells as a CSV would have them; lists as `a|b`."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), "|")
    return column.cast(pa.string())
