"""Parquet files in memory, and the schemas of the lake's tables."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS

INTERACTIONS = arrow_schema(pa, INTERACTIONS_COLUMNS)
OUTCOMES = arrow_schema(pa, OUTCOMES_COLUMNS)
SERVED = arrow_schema(pa, SERVED_COLUMNS)


def parquet(rows: Iterable[Mapping[str, Any]], schema: pa.Schema = INTERACTIONS) -> bytes:
    """Return rows as a Parquet file. A row has null in each column that it does not name."""
    known = [{name: row.get(name) for name in schema.names} for row in rows]
    return parquet_of(pa.Table.from_pylist(known, schema=schema))


def parquet_of(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, compression="snappy")
    return file.getvalue()


def table_of(content: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(content))
