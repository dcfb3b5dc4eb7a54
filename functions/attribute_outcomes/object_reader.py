"""Concurrent reader of a day's objects."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake.lake_objects import LakeObject, batches, read
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidDataset
from functions.attribute_outcomes.disk_partitions import projected

CONNECTIONS = 8
BATCH_BYTES = 32 * 2**20
"""Maximum total size of the objects in memory, in bytes. Only a single object may exceed it."""


def rows_of(client: S3Client, bucket: str, objects: Sequence[LakeObject], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of objects in batches, without the rows of agents. Concurrently deleted objects are skipped."""
    with ThreadPoolExecutor(CONNECTIONS, "lake") as pool:
        for batch in batches(objects, max_bytes=BATCH_BYTES, max_objects=2 * CONNECTIONS):
            contents = pool.map(functools.partial(read, client, bucket), batch)
            for listed, content in zip(batch, contents, strict=True):
                if content is None:
                    continue
                try:
                    yield from projected(pq.ParquetFile(pa.BufferReader(content)), schema)
                except (pa.ArrowException, OSError) as error:
                    raise InvalidDataset(
                        f"s3://{bucket}/{listed.key} is not an object of the table: {error}"
                    ) from error
