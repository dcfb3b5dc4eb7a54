"""Compacted tables: their objects, and merges of these objects without duplicates and erased users."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.storage import INTERACTIONS_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION, SERVED_PARTITION
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.duplicates import deduplicate
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.errors import InvalidInput

Erased: TypeAlias = Mapping[str, int]
"""Times of erasures in epoch milliseconds, by keyed hash of the user."""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake.

    Attributes
    ----------
    unique
        Columns with mostly distinct values, for which dictionary encoding would waste space.
    order
        Sort order of a merged object.
    distinct
        Function that keeps one row per event or response.
    without
        Function that removes erased users. Its last argument returns the keyed hash of a user.
    """

    prefix: str
    partition: str
    schema: pa.Schema
    unique: tuple[str, ...]
    order: tuple[str, ...]
    distinct: Callable[[pa.Table], pa.Table]
    without: Callable[[pa.Table, Erased, Callable[[str], str]], pa.Table]

    def partition_prefix(self, date: str) -> str:
        return f"{self.prefix}{self.partition}={date}/"


def _distinct_events(rows: pa.Table) -> pa.Table:
    """Keep one row per event and import, because `alsolike import undo` removes the rows of one import.

    Imported rows have no correlation ID. Their time of receipt is the start of the import.
    """
    frame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    imported = frame["correlation_id"].isna() & frame["event_id"].duplicated(keep=False)
    received = frame.loc[imported, "received_time_ms"].fillna(0).astype("string[pyarrow]")
    frame.loc[imported, "event_id"] += "\n" + received  # Event IDs contain no line breaks.
    distinct = deduplicate(frame)
    return rows if len(distinct) == len(rows) else rows.take(pa.array(distinct.index))


def _events_of_others(rows: pa.Table, erased: Erased, hash_of: Callable[[str], str]) -> pa.Table:
    users = [user for user in rows["user_id"].unique().to_pylist() if user is not None and hash_of(user) in erased]
    return rows.filter(pc.invert(pc.is_in(rows["user_id"], pa.array(users, pa.string())))) if users else rows


def _distinct_answers(rows: pa.Table) -> pa.Table:
    """Keep the first row of each response."""
    numbered = rows.select(["recommendation_id"]).append_column("row", pa.array(range(len(rows)), pa.int64()))
    first = numbered.group_by("recommendation_id").aggregate([("row", "min")])["row_min"]
    return rows if len(first) == len(rows) else rows.take(first)


def _answers_to_others(rows: pa.Table, erased: Erased, hash_of: Callable[[str], str]) -> pa.Table:
    """Remove responses to erased users. Tombstones include the hashes that the log uses."""
    hashes = pa.array(list(erased), pa.string())
    return rows.filter(pc.invert(pc.or_(pc.is_in(rows["shopper"], hashes), pc.is_in(rows["session"], hashes))))


INTERACTIONS = Table(
    INTERACTIONS_PREFIX,
    INTERACTIONS_PARTITION,
    arrow_schema(pa, INTERACTIONS_COLUMNS),
    unique=("event_id", "impression", "event_time_ms"),
    order=("event_time_ms", "event_id"),
    distinct=_distinct_events,
    without=_events_of_others,
)
SERVED = Table(
    SERVED_PREFIX,
    SERVED_PARTITION,
    arrow_schema(pa, SERVED_COLUMNS),
    unique=("recommendation_id", "served_ms", "shopper", "session", "propensities"),
    order=("served_ms", "recommendation_id"),
    distinct=_distinct_answers,
    without=_answers_to_others,
)

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
