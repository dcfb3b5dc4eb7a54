"""Reader of CSV and Parquet files, local or on S3. It yields chunks of rows and rejects unreadable rows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.runtime.errors import InvalidInput
from operations.ingest import content_limits, csv_rows
from operations.ingest.column_mapping import renamed
from operations.ingest.csv_blocks import Malformed
from operations.ingest.csv_format import PLAIN, CsvForm
from operations.ingest.csv_rows import UNREADABLE, parse_header
from operations.ingest.sources import Source

CHUNK_ROWS = 1_000_000
CHUNK_BYTES = 128 << 20
"""Size in rows and bytes at which a chunk ends. A repeated import must use equal chunks to overwrite its objects."""

_BATCH_ROWS = 1 << 18
_BATCH_BYTES = 16 << 20
_READ_BUFFER_BYTES = 1 << 20
BREAKS_OFF = "the file breaks off here"
"""Start of the rejection reason for the unreadable rest of a damaged file."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """Chunk of a file's rows.

    `index` counts from 0 within the file. Columns have upper-case names, and all columns of a CSV are text. `lines` are
    line numbers in a CSV, from 1 for the header, or row numbers from 1 in a Parquet file.
    """

    index: int
    rows: pa.Table
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class DataFile:
    """Data file whose header was read.

    `schema` contains Alsolike's upper-case names, and `header` the names as written in the file.
    """

    source: Source
    schema: pa.Schema
    header: tuple[str, ...]
    form: CsvForm = PLAIN

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def is_parquet(self) -> bool:
        """True if cells have types. The cells of a CSV are text."""
        return self.name.lower().endswith(".parquet")

    def chunks(
        self,
        *,
        plain: Collection[str] | None = None,
        rows: int | None = None,
        on_bytes: Callable[[int], None] = lambda done: None,
    ) -> Iterator[Chunk]:
        """Yield the file's rows in chunks, without the blank lines of a CSV.

        A damaged file yields its readable rows, followed by one malformed row with the reason. Text columns other than
        `plain` are dictionary-encoded; None encodes no column. A chunk may exceed `rows` by part of a batch, and ends
        early at `CHUNK_BYTES`.
        """
        encoded = frozenset() if plain is None else frozenset(self.schema.names) - frozenset(plain)
        rows = CHUNK_ROWS if rows is None else rows
        batches = self._parquet(encoded, rows) if self.is_parquet else self._csv(encoded)
        index, waiting, count, size_bytes, total = 0, list[csv_rows.Rows](), 0, 0, 0
        for done, batch in batches:
            on_bytes(done)
            waiting.append(batch)
            count += len(batch.table) + len(batch.malformed)
            total += len(batch.table) + len(batch.malformed)
            content_limits.check_rows(total, name=self.name, size_bytes=self.source.size_bytes)
            size_bytes += batch.size_bytes
            if count >= rows or size_bytes >= CHUNK_BYTES:
                yield _joined(index, waiting)
                index, waiting, count, size_bytes = index + 1, [], 0, 0
        if waiting:
            yield _joined(index, waiting)

    def _parquet(self, encoded: Collection[str], rows: int) -> Iterator[tuple[int, csv_rows.Rows]]:
        first, size = 1, self.source.size_bytes
        texts = [
            theirs
            for theirs, field in zip(self.header, self.schema, strict=True)
            if field.name in encoded and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
        ]
        with self.source.open_arrow() as raw:
            try:
                file = pq.ParquetFile(raw, read_dictionary=texts, buffer_size=_READ_BUFFER_BYTES)
                total = max(file.metadata.num_rows, 1)
                groups = range(file.metadata.num_row_groups)
                row_bytes = max(sum(file.metadata.row_group(group).total_byte_size for group in groups) // total, 1)
                batch_rows = max(min(_BATCH_ROWS, rows, _BATCH_BYTES // row_bytes), 1)
                # A batch must not span two row groups, or damage in the second group would lose rows of the first.
                for batch in itertools.chain.from_iterable(
                    file.iter_batches(batch_size=batch_rows, row_groups=[group]) for group in groups
                ):
                    table = text_as_string(pa.Table.from_batches([batch]).rename_columns(self.schema.names))
                    lines = np.arange(first, first + len(table), dtype=np.int64)
                    first += len(table)
                    yield size * first // total, csv_rows.Rows(table, lines, size_bytes=row_bytes * len(table))
            except (pa.ArrowException, *UNREADABLE) as error:
                yield size, self._broken(first, error)

    def _csv(self, encoded: Collection[str]) -> Iterator[tuple[int, csv_rows.Rows]]:
        with self.source.open() as raw:
            next_line = 1
            read = csv_rows.read(raw, self.name, self.schema, encoded, self.form)
            try:
                for rows in read:
                    next_line = rows.next_line
                    yield raw.tell(), rows
            except UNREADABLE as error:
                yield raw.tell(), self._broken(next_line, error)

    def _broken(self, line: int, error: Exception) -> csv_rows.Rows:
        malformed = Malformed(line, f"{BREAKS_OFF}: {error}", "")
        return csv_rows.Rows(self.schema.empty_table(), np.zeros(0, np.int64), (malformed,))


def open_file(source: Source, mapping: Mapping[str, str] = MappingProxyType({}), form: CsvForm = PLAIN) -> DataFile:
    """Read the header of a file.

    `mapping` contains Alsolike's column names by the file's names, in upper case.
    """
    if source.name.lower().endswith(".parquet"):
        with source.open_arrow() as raw:
            try:
                file = pq.ParquetFile(raw)
            except (pa.ArrowException, OSError) as error:
                raise InvalidInput(f"{source.name} cannot be read: {error}") from error
            schema = file.schema_arrow
            content_limits.check_rows(file.metadata.num_rows, name=source.name, size_bytes=source.size_bytes)
        kinds = list(schema.types)
        header = tuple(schema.names)
    else:
        with source.open() as csv:
            header = parse_header(csv, source.name, form)
        kinds = [pa.string()] * len(header)
    content_limits.check_columns(len(header), name=source.name)
    names = renamed(header, mapping, file=source.name)
    return DataFile(source, pa.schema(list(zip(names, kinds, strict=True))), header, form)


def text_as_string(rows: pa.Table) -> pa.Table:
    """Return the rows with every text type converted to `string`, because pyarrow cannot compare string views."""
    for place, field in enumerate(rows.schema):
        plain = value_type(field.type)
        if pa.types.is_dictionary(field.type) and pa.types.is_string(plain):
            plain = pa.dictionary(pa.int32(), pa.string())
        if plain != field.type:
            rows = rows.set_column(place, field.name, rows[place].cast(plain))
    return rows


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's cells. Every text type becomes `string`."""
    if pa.types.is_dictionary(kind):
        return value_type(kind.value_type)
    return pa.string() if pa.types.is_string_view(kind) or pa.types.is_large_string(kind) else kind


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's cells as in a CSV. Lists become `a|b`."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), "|")
    return column.cast(pa.string())


def _joined(index: int, batches: list[csv_rows.Rows]) -> Chunk:
    tables = [batch.table for batch in batches if len(batch.table)] or [batches[0].table]
    return Chunk(
        index,
        pa.concat_tables(tables).unify_dictionaries().combine_chunks(),
        np.concatenate([batch.lines for batch in batches]),
        tuple(row for batch in batches for row in batch.malformed),
    )
