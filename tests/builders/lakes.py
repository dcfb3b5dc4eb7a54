"""Lake for tests of upkeep, and a client that intercepts each of its calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.lake import partitions
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.lake_objects import LakeObject, list_objects, read
from functions.compact_lake.selection import MergeRules
from functions.compact_lake.service import Upkeep, UpkeepResult
from functions.compact_lake.tables import INTERACTIONS
from tests.builders.parquet import parquet, table_of

DATE = "2026-09-21"
TIME_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
SCHEMA = INTERACTIONS.schema
RULES = MergeRules(min_objects=3)


class NoErasedUsers:
    def now(self) -> Mapping[str, int]:
        return {}

    def hash(self, user_id: str) -> str:
        raise AssertionError("no hash is needed")


class Watched:
    """S3 client with sequential calls; `before` receives the number and name of each call."""

    def __init__(self, client: Any, before: Callable[[int, str], None]) -> None:
        self._client, self._before, self._calls = client, before, 0
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name == "get_paginator":
            with self._lock:
                self._step("list_objects_v2")
            return method

        def call(**arguments: Any) -> Any:
            with self._lock:
                self._step(name)
                return method(**arguments)

        return call

    def _step(self, name: str) -> None:
        self._before(self._calls, name)
        self._calls += 1


def row(event_id: str, **fields: Any) -> dict[str, Any]:
    values = {
        "event_id": event_id,
        "user_id": "anna",
        "item_id": "pear",
        "event_type": "view",
        "event_time_ms": TIME_MS,
        "impression": [],
        "properties": "{}",
        "received_time_ms": TIME_MS,
        "schema_version": 1,
    }
    return {**values, **fields}


def write(s3: Any, bucket: str, name: str, rows: Sequence[Mapping[str, Any]], *, date: str = DATE) -> str:
    key = f"{partitions.partition_prefix(date)}{name}.parquet"
    s3.put_object(Bucket=bucket, Key=key, Body=parquet(rows))
    return key


def keys(s3: Any, bucket: str, prefix: str = INTERACTIONS_PREFIX) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def listed(s3: Any, bucket: str) -> list[LakeObject]:
    return list(list_objects(s3, bucket))


def counted(s3: Any, bucket: str, objects: Iterable[LakeObject] | None = None) -> list[dict[str, Any]]:
    """Return the distinct events of the listed objects that still exist, as a reader gets them."""
    found = listed(s3, bucket) if objects is None else objects
    contents = [content for each in found if (content := read(s3, bucket, each)) is not None]
    tables = [table_of(content) for content in contents]
    return once(pa.concat_tables(tables, promote_options="default") if tables else SCHEMA.empty_table())


def once(table: pa.Table) -> list[dict[str, Any]]:
    rows = deduplicate(table.select(SCHEMA.names).to_pandas(types_mapper=pd.ArrowDtype))
    found: list[dict[str, Any]] = pa.Table.from_pandas(rows, schema=SCHEMA, preserve_index=False).to_pylist()
    return sorted(found, key=lambda each: str(each["event_id"]))


def keep_up(
    s3: Any,
    bucket: str,
    *,
    later_ms: int = 0,
    retention_days: int | None = None,
    rules: MergeRules = RULES,
    **options: Any,
) -> UpkeepResult:
    upkeep = Upkeep(
        s3,
        bucket,
        rules=rules,
        now_ms=lambda: time.time_ns() // 1_000_000 + later_ms,
        **{"erased": NoErasedUsers(), "has_time": lambda: True, **options},
    )
    return upkeep.run(retention_days=retention_days)
