"""Reader of the lake, without rows of agents. Compaction, erasure and new events may run concurrently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet  # for `read_tables`

from alsolike.events.context import context_of
from alsolike.events.interactions import ACTION_TYPES
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import LakeObject, list_objects
from alsolike.lake.tables import read_tables
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from functions.build_dataset.dataset_rules import ACTION, CONTEXT, LAKE_COLUMNS

BATCH_BYTES = 256 * 2**20
"""Maximum total size in bytes of objects that are read at once. A larger object is read separately. The selected
columns of earlier objects take further memory."""

_STORED = arrow_schema(pa, INTERACTIONS_COLUMNS, *LAKE_COLUMNS, "properties")
_ACTION_TYPES = pa.array(ACTION_TYPES)


def read_lake(client: S3Client, bucket: str, *, context: Sequence[str] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the lake's interactions with duplicates and without rows of agents, and the prefixes of the partitions.

    The columns are `LAKE_COLUMNS`, `ACTION`, and `CONTEXT` if `context` is not empty.
    """
    # Listing before reading finds all rows, although compaction moves rows to new objects; see
    # `alsolike.lake.lake_objects`.
    listing = list(list_objects(client, bucket))
    # Each table is converted before the next one is read, so that `properties` is never in memory for all rows.
    tables = [_with_contexts(_STORED.empty_table(), context)]
    tables.extend(_with_contexts(table, context) for table in read_objects(client, bucket, listing, schema=_STORED))
    rows = pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    dates = sorted({listed.date for listed in listing})
    return rows, tuple(partitions.partition_prefix(date).removesuffix("/") for date in dates)


def read_objects(
    client: S3Client, bucket: str, objects: Iterable[LakeObject], *, schema: pa.Schema
) -> Iterator[pa.Table]:
    return read_tables(pa, client, bucket, objects, schema=schema, max_bytes=BATCH_BYTES)


def _with_contexts(rows: pa.Table, context: Sequence[str]) -> pa.Table:
    """Replace the column `properties` by `ACTION` and, if `context` is not empty, `CONTEXT`."""
    properties = rows["properties"]
    is_action = pc.is_in(rows["event_type"], _ACTION_TYPES)
    rows = rows.append_column(ACTION, pc.if_else(is_action, properties, pa.scalar(None, properties.type)))
    if context:
        rows = rows.append_column(CONTEXT, _contexts(properties, context))
    return rows.drop_columns("properties")


def _contexts(properties: pa.ChunkedArray, context: Sequence[str]) -> pa.Array:
    """Return the context of each row. Each distinct text is parsed once."""
    encoded = properties.combine_chunks().dictionary_encode(null_encoding="encode")
    contexts = [context_of(text, context) for text in encoded.dictionary.to_pylist()]
    return pa.array(contexts, pa.string()).take(encoded.indices)
