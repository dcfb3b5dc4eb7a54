"""Merge of the contents of several objects, without rows of erased users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from functions.compact_lake.tables import Erased, Table

ROWS_PER_GROUP = 262_144


def read_rows(content: bytes, table: Table) -> pa.Table:
    """Return an object's rows with the table's columns. A column that the object lacks is null.

    Raise `InvalidInput` if the object is not a Parquet file, has other types, or has columns of a later version, which
    a merge would lose.
    """
    names = table.schema.names
    try:
        rows = pq.read_table(pa.BufferReader(content))
        if unknown := set(rows.column_names) - set(names):
            raise InvalidInput(f"columns {sorted(unknown)} are unknown, expected some of {names}")
        columns = [
            rows.column(field.name) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
            for field in table.schema
        ]
        return pa.table(columns, names=names).cast(table.schema)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"not an object of the table: {error}") from error


def merge(tables: Sequence[pa.Table], table: Table, *, erased: Erased, hash_of: Callable[[str], str]) -> pa.Table:
    """Return the distinct rows of all tables, in the table's order, without erased users."""
    rows = pa.concat_tables(tables)
    if erased:
        rows = table.without(rows, erased, hash_of)
    return table.distinct(rows).sort_by([(name, "ascending") for name in table.order])


def to_parquet(rows: pa.Table, table: Table) -> bytes:
    """Return the content of a merged object. Equal rows give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.combine_chunks(),
        sink,
        compression=partitions.COMPRESSION,
        row_group_size=ROWS_PER_GROUP,
        use_dictionary=[name for name in table.schema.names if name not in table.unique],
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


class ErasedUsers:
    """Reader of tombstones. Each call reads the tombstones again, because a new tombstone undoes the current merge."""

    def __init__(self, client: S3Client, bucket: str, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._client, self._bucket, self._pseudonyms = client, bucket, pseudonyms

    def now(self) -> Mapping[str, int]:
        """Return the time of each erasure in epoch milliseconds, by keyed hash."""
        return TombstoneReader(self._client, self._bucket, self._pseudonyms).refresh(now_ms=0).users

    def hash(self, user_id: str) -> str:
        return self._pseudonyms().erased_user(user_id)
