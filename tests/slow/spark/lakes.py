"""Lakes in files, and the results of both engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from alsolike.configuration.configuration import Configuration
from alsolike.lake import partitions
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.training.dataset import INTERACTION_COLUMNS
from functions.build_dataset import cleaning, spark_cleaning
from functions.build_dataset.dataset_rules import LAKE_COLUMNS, ORDER
from functions.build_dataset.spark_dataset import read_lake

START_MS = 1_700_000_000_000
_TYPES = {"string": pa.string(), "bigint": pa.int64()}
SCHEMA = pa.schema([(name, _TYPES[INTERACTIONS_COLUMNS[name]]) for name in LAKE_COLUMNS])
_OBJECT_SCHEMA = SCHEMA.append(pa.field("properties", pa.string())).append(pa.field("agent", pa.string()))

Rows = Sequence[dict[str, Any]]
Result = tuple[list[tuple[Any, ...]], dict[str, int], int]


def event(event_id: str, user: str | None = "anna", item: str | None = "pear", **fields: Any) -> dict[str, Any]:
    values = {
        "event_id": event_id,
        "user_id": user,
        "session_id": None,
        "item_id": item,
        "event_type": "view",
        "event_time_ms": START_MS,
        "received_time_ms": START_MS,
    }
    return {**values, **fields}


def write_object(directory: Path, name: str, rows: Rows, *, without: Sequence[str] = ()) -> None:
    """Write an object of the lake. Objects of earlier releases lack the columns `without`."""
    table = pa.Table.from_pylist(list(rows), _OBJECT_SCHEMA).drop_columns(list(without))
    path = directory / partitions.partition_prefix("2026-09-20") / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="snappy")


def in_process(rows: pa.Table, configuration: Configuration, erased: IsErased) -> Result:
    frame: pd.DataFrame = rows.cast(SCHEMA).to_pandas(types_mapper=pd.ArrowDtype)
    found = cleaning.clean(frame, configuration, erased=erased)
    return list(found.frame.itertuples(index=False, name=None)), dict(found.dropped), found.repeats


def on_spark(spark: SparkSession, directory: Path, configuration: Configuration, erased: IsErased) -> Result:
    found = spark_cleaning.clean(
        read_lake(spark, f"file://{directory}"), configuration, erased=None if erased is no_erased_users else erased
    )
    rows = found.frame.orderBy(*ORDER).select(*INTERACTION_COLUMNS, "event_type").collect()
    assert found.counts.interactions == len(rows)
    assert found.counts.users == len({row["profile_id"] for row in rows})
    assert found.counts.items == len({row["item_id"] for row in rows})
    if rows:
        assert found.counts.first_event_ms == rows[0]["event_time_ms"]
        assert found.counts.last_event_ms == rows[-1]["event_time_ms"]
    return [tuple(row) for row in rows], dict(found.counts.dropped), found.counts.repeats


def read(directory: Path) -> pa.Table:
    tables = [pq.ParquetFile(path).read() for path in sorted(directory.rglob("*.parquet"))]
    return pa.concat_tables(tables, promote_options="default").select(list(LAKE_COLUMNS))
