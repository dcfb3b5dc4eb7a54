"""Reader of the lake, without rows of agents. Compaction, erasure and new events may run concurrently."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.events.context import context_of
from alsolike.events.interactions import ACTION_TYPES
from alsolike.lake import partitions
from alsolike.lake.agents import AGENT
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import LakeObject, list_objects, read
from alsolike.lake.tables import read_concurrently
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidDataset
from functions.build_dataset.dataset_rules import ACTION, CONTEXT

BATCH_BYTES = 256 * 2**20
"""Maximum total size in bytes of objects that are read at once. A larger object is read separately. The selected
columns of earlier objects take further memory."""

_ACTION_TYPES = pa.array(ACTION_TYPES)


def read_lake(
    client: S3Client, bucket: str, *, columns: Sequence[str], context: Sequence[str] = ()
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of all objects, including duplicates but no rows of agents, and the partitions of the objects.

    The rows have the additional column `ACTION`, and `CONTEXT` if `context` is not empty.
    """
    # Listing before reading finds all rows, although compaction moves rows to new objects; see
    # `alsolike.lake.lake_objects`.
    listing = list(list_objects(client, bucket))
    schema = arrow_schema(pa, INTERACTIONS_COLUMNS, *columns)
    schema = schema.append(pa.field(ACTION, pa.string()))
    if context:
        schema = schema.append(pa.field(CONTEXT, pa.string()))
    tables, dates = [schema.empty_table()], set()
    for listed, table in read_objects(client, bucket, listing, schema=schema, context=context):
        tables.append(table)
        dates.add(listed.date)
    rows = pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    return rows, tuple(partitions.partition_prefix(date).removesuffix("/") for date in sorted(dates))


def read_objects(
    client: S3Client, bucket: str, listing: Iterable[LakeObject], *, schema: pa.Schema, context: Sequence[str] = ()
) -> Iterator[tuple[LakeObject, pa.Table]]:
    """Yield existing objects with their columns; see `_read_columns`. Several objects are read concurrently."""
    read_one = functools.partial(_read_columns, client, bucket, schema=schema, context=context)
    return read_concurrently(read_one, listing, max_bytes=BATCH_BYTES)


def _read_columns(
    client: S3Client, bucket: str, listed: LakeObject, *, schema: pa.Schema, context: Sequence[str]
) -> pa.Table | None:
    """Return columns of an object, or None if it was deleted. A column that the object lacks is null.

    Rows of agents are skipped. Raise `InvalidDataset` if the object is not a Parquet file with the table's types.
    """
    content = read(client, bucket, listed)
    if content is None:
        return None
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        present = set(file.schema_arrow.names)
        table = file.read(columns=[name for name in schema.names if name in present])
        columns = {
            field.name: table[field.name] if field.name in present else pa.nulls(len(table), field.type)
            for field in schema
        }
        if ACTION in columns and pc.any(is_action := pc.is_in(columns["event_type"], _ACTION_TYPES)).as_py():
            properties = file.read(columns=["properties"])["properties"]
            columns[ACTION] = pc.if_else(is_action, properties, pa.scalar(None, properties.type))
        if context:
            columns[CONTEXT] = _contexts(file.read(columns=["properties"])["properties"], context)
        rows = pa.table(columns).cast(schema)
        return rows.filter(pc.is_null(file.read(columns=[AGENT])[AGENT])) if AGENT in present else rows
    except (pa.ArrowException, OSError) as error:
        raise InvalidDataset(f"s3://{bucket}/{listed.key} is not an object of the table: {error}") from error


def _contexts(properties: pa.ChunkedArray, context: Sequence[str]) -> pa.Array:
    """Return the context of each row. Each distinct text is parsed once."""
    encoded = properties.combine_chunks().dictionary_encode(null_encoding="encode")
    contexts = [context_of(text, context) for text in encoded.dictionary.to_pylist()]
    return pa.array(contexts, pa.string()).take(encoded.indices)
