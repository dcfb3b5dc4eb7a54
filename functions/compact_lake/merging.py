"""From the contents of many objects to that of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike import lake
from alsolike.errors import InvalidInput

COMPRESSION = "zstd"
ROWS_PER_GROUP = 262_144
_ARROW_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "array<string>": pa.list_(pa.string()),
}
SCHEMA = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in lake.COLUMNS.items()])
_UNIQUE = ("event_id", "impression", "event_time_ms")  # a dictionary of them would only cost


def read_rows(content: bytes) -> pa.Table:
    """Return an object's rows in the table's columns; those that older objects lack are null.

    Raises
    ------
    InvalidInput
        If it is no Parquet, has other types, or columns of a later version, which a merge would lose.
    """
    try:
        table = pq.read_table(pa.BufferReader(content))
        if unknown := set(table.column_names) - set(SCHEMA.names):
            raise InvalidInput(f"columns {sorted(unknown)} are unknown, expected some of {SCHEMA.names}")
        columns = [
            table.column(field.name) if field.name in table.column_names else pa.nulls(len(table), field.type)
            for field in SCHEMA
        ]
        return pa.table(columns, names=SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"not an object of the table: {error}") from error


def merge(tables: Sequence[pa.Table], *, erased: Callable[[str], bool] | None) -> pa.Table:
    """Return the rows of all, each event once, by time, then event id.

    Parameters
    ----------
    erased
        Says of a user id whether its rows are left out; None where nobody was erased.
    """
    table = pa.concat_tables(tables)
    if erased is not None:
        gone = [user for user in table["user_id"].unique().to_pylist() if user is not None and erased(user)]
        if gone:
            table = table.filter(pc.invert(pc.is_in(table["user_id"], pa.array(gone, pa.string()))))
    once = lake.deduplicate(table.to_pandas(types_mapper=pd.ArrowDtype))
    kept = table if len(once) == len(table) else table.take(pa.array(once.index))
    return kept.sort_by([("event_time_ms", "ascending"), ("event_id", "ascending")])


def to_parquet(table: pa.Table) -> bytes:
    """Return the content of a merged object; the same rows give the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.combine_chunks(),
        sink,
        compression=COMPRESSION,
        row_group_size=ROWS_PER_GROUP,
        use_dictionary=[name for name in SCHEMA.names if name not in _UNIQUE],
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content
