"""Concurrent reader of a day's objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet  # for `read_tables`

from alsolike.lake.lake_objects import LakeObject
from alsolike.lake.tables import read_tables
from alsolike.runtime.client_protocols import S3Client

BATCH_BYTES = 32 * 2**20
"""Maximum total size of objects that are read at once, in bytes. Only a single object may exceed it."""


def rows_of(client: S3Client, bucket: str, objects: Sequence[LakeObject], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of objects in batches, without the rows of agents. Concurrently deleted objects are skipped."""
    return read_tables(pa, client, bucket, objects, schema=schema, max_bytes=BATCH_BYTES, max_objects=16)
