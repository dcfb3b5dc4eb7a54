"""Parquet files of the lake, and the interactions table over them in DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.declarations.tables import INTERACTIONS_TABLE
from alsolike.lake import partitions
from tests.builders.parquet import INTERACTIONS, parquet

SCHEMA = INTERACTIONS
OLD_SCHEMA = pa.schema([field for field in SCHEMA if field.name != "query"])
"""Schema without the column `query`, as in older files."""


def write_file(rows: Iterable[Mapping[str, Any]], path: Path, *, schema: pa.Schema = SCHEMA) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(parquet(rows, schema))


def open_table(directory: Path, *, table: str = INTERACTIONS_TABLE) -> duckdb.DuckDBPyConnection:
    """Open the interactions table over the files below `directory` as Athena does: columns by name, days by path."""
    # This empty file sets the types of the columns, as Glue does.
    write_file([], directory / f"{partitions.partition_prefix('1970-01-01')}types.parquet")
    connection = duckdb.connect()
    pattern = str(directory / INTERACTIONS_PREFIX / "*" / "*.parquet")
    connection.execute(
        f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{pattern}', union_by_name=true,"
        " hive_partitioning=true, hive_types={'event_date': VARCHAR})"
    )
    return connection
