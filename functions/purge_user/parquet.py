"""Rows of a user in a Parquet object, and the object without them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.lake import lake
from alsolike.runtime.errors import InvalidInput

ROWS_AT_ONCE = 500_000


def open_parquet(body: bytes, *, where: str) -> pq.ParquetFile:
    """Open an object.

    Raises
    ------
    InvalidInput
        If it is no Parquet file. Then it cannot be searched for the user, but no other reader can use it either.
    """
    try:
        return pq.ParquetFile(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{where} is not a Parquet file: {error}") from error


def read(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns as plain strings and numbers, without dictionary encoding."""
    table = file.read(columns=list(columns))
    return table.cast(_plain(table.schema))


def equals(table: pa.Table, column: str, value: str) -> pa.ChunkedArray:
    """Return, per row, true if a column has the value; false for null."""
    return pc.fill_null(pc.equal(table[column], value), False)


def of_sessions(table: pa.Table, sessions: Sequence[str]) -> pa.ChunkedArray:
    """Return, per row, true if it has one of the sessions and no user."""
    return pc.and_(pc.is_null(table["user_id"]), is_in(table, "session_id", sessions))


def is_in(table: pa.Table, column: str, values: Sequence[str]) -> pa.ChunkedArray:
    """Return, per row, true if a column has one of the values; false for null."""
    return pc.and_(pc.is_valid(table[column]), pc.is_in(table[column], value_set=pa.array(values, pa.string())))


def without(file: pq.ParquetFile, hits: pa.ChunkedArray) -> bytes | None:
    """Return the object without the hit rows, with unchanged columns; None if no row is left."""
    keep = pc.invert(hits)
    schema = _plain(file.schema_arrow)  # a dictionary would keep the values of rows that go
    out = io.BytesIO()
    offset = written = 0
    with pq.ParquetWriter(out, schema, compression=lake.COMPRESSION) as writer:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            mask = keep.slice(offset, batch.num_rows).combine_chunks()
            offset += batch.num_rows
            kept = pa.Table.from_batches([batch]).filter(mask).cast(schema)
            written += kept.num_rows
            if kept.num_rows:
                writer.write_table(kept)
    return out.getvalue() if written else None


def empty(file: pq.ParquetFile) -> bytes:
    """Return a file of the same columns without rows."""
    out = io.BytesIO()
    pq.write_table(file.schema_arrow.empty_table(), out, compression=lake.COMPRESSION)
    return out.getvalue()


def _plain(schema: pa.Schema) -> pa.Schema:
    fields = [
        pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields)
