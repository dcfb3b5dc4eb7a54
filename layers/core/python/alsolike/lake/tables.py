"""Concurrent reader of the lake's Parquet objects as Arrow tables.

Callers pass the module `pyarrow` and import `pyarrow.parquet`, because the core layer does not contain them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.lake.agents import AGENT
from alsolike.lake.lake_objects import LakeObject, batches, read
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidDataset

CONNECTIONS = 8
BATCH_ROWS = 65_536


def read_tables(
    pa: Any,
    client: S3Client,
    bucket: str,
    objects: Iterable[LakeObject],
    *,
    schema: Any,
    max_bytes: int,
    max_objects: int = 4 * CONNECTIONS,
) -> Iterator[Any]:
    """Yield tables with the rows of the objects; see `tables_of`. Objects that no longer exist are skipped.

    At most `max_objects` objects with at most `max_bytes` (Parquet) in total are in memory at a time. An object that
    exceeds `max_bytes` is read without other objects.
    """
    with ThreadPoolExecutor(CONNECTIONS, "lake") as pool:
        for batch in batches(objects, max_bytes=max_bytes, max_objects=max_objects):
            for listed, content in zip(batch, pool.map(functools.partial(read, client, bucket), batch), strict=True):
                if content is not None:
                    where = f"s3://{bucket}/{listed.key}"
                    yield from tables_of(pa, pa.BufferReader(content), schema=schema, where=where)


def tables_of(pa: Any, source: Any, *, schema: Any, where: str) -> Iterator[Any]:
    """Yield tables of at most `BATCH_ROWS` rows with the rows of a Parquet file, except the rows of agents.

    A column that the file lacks is null. Raise `InvalidDataset` if the file is not valid or has other types.
    """
    try:
        file = pa.parquet.ParquetFile(source)
        names = set(file.schema_arrow.names)
        for batch in file.iter_batches(BATCH_ROWS, columns=[name for name in (*schema.names, AGENT) if name in names]):
            rows = batch.filter(batch[AGENT].is_null()) if AGENT in names else batch
            columns = [rows[each.name] if each.name in names else pa.nulls(len(rows), each.type) for each in schema]
            yield pa.table(columns, names=schema.names).cast(schema)
    except (pa.ArrowException, OSError) as error:
        raise InvalidDataset(f"{where} is not an object of the table: {error}") from error
