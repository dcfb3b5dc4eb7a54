"""Search for a user's rows in a Parquet object, and their removal."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.runtime.errors import InvalidInput

BATCH_ROWS = 500_000


def open_parquet(body: bytes, *, where: str) -> pq.ParquetFile:
    """Raise `InvalidInput` if the object is not a Parquet file."""
    try:
        return pq.ParquetFile(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{where} is not a Parquet file: {error}") from error


def read(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns as plain strings and numbers, without dictionary encoding."""
    table = file.read(columns=list(columns))
    return table.cast(_plain(table.schema))


def equals(table: pa.Table, column: str, value: str) -> pa.ChunkedArray:
    """Return a mask of the rows with this value. Null does not match."""
    return pc.fill_null(pc.equal(table[column], value), False)


def session_mask(table: pa.Table, sessions: Sequence[str]) -> pa.ChunkedArray:
    """Return a mask of the rows in one of the sessions and without a user."""
    return pc.and_(pc.is_null(table["user_id"]), is_in(table, "session_id", sessions))


def is_in(table: pa.Table, column: str, values: Sequence[str]) -> pa.ChunkedArray:
    """Return a mask of the rows with one of these values. Null does not match."""
    return pc.and_(pc.is_valid(table[column]), pc.is_in(table[column], value_set=pa.array(values, pa.string())))


def without(file: pq.ParquetFile, hits: pa.ChunkedArray) -> bytes | None:
    """Return None if no row remains."""
    keep = pc.invert(hits)
    schema = _plain(file.schema_arrow)  # Dictionary encoding would keep the values of removed rows.
    out = io.BytesIO()
    offset = written = 0
    with pq.ParquetWriter(out, schema, compression=partitions.COMPRESSION) as writer:
        for batch in file.iter_batches(BATCH_ROWS):
            mask = keep.slice(offset, batch.num_rows).combine_chunks()
            offset += batch.num_rows
            kept = pa.Table.from_batches([batch]).filter(mask).cast(schema)
            written += kept.num_rows
            if kept.num_rows:
                writer.write_table(kept)
    return out.getvalue() if written else None


def empty(file: pq.ParquetFile) -> bytes:
    out = io.BytesIO()
    pq.write_table(file.schema_arrow.empty_table(), out, compression=partitions.COMPRESSION)
    return out.getvalue()


def _plain(schema: pa.Schema) -> pa.Schema:
    fields = [
        pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields)
