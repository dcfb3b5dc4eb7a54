"""Writes imported interactions to the lake: one Parquet object a day and chunk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError

from alsolike import lake
from alsolike.errors import Unavailable
from cli.importing.interactions import event_dates

_THREADS = 4


def object_key(date: str, *, content_id: str, chunk: int) -> str:
    """Return the key of a chunk's rows of one day: the same file imported again overwrites itself."""
    return f"{lake.partition_prefix(date)}import-{content_id}-{chunk:05d}.parquet"


class LakeWriter:
    """The interactions part of the lake bucket.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The lake bucket.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._pool = ThreadPoolExecutor(_THREADS, "lake")

    def write(self, rows: pa.Table, *, content_id: str, chunk: int) -> int:
        """Write rows of the interactions table; return the number of objects.

        Raises
        ------
        Unavailable
            If S3 does not take an object in.
        """
        days = event_dates(rows)
        puts = [
            self._pool.submit(self._put, object_key(date, content_id=content_id, chunk=chunk), day)
            for date, day in days
        ]
        try:
            for put in puts:
                put.result()
        finally:
            for put in puts:
                put.cancel()
        return len(days)

    def _put(self, key: str, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        repeated = [name for name in rows.column_names if name not in ("event_id", "impression", "event_time_ms")]
        pq.write_table(rows, sink, compression="zstd", compression_level=1, use_dictionary=repeated)
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=sink.getvalue().to_pybytes())
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"s3://{self._bucket}/{key}: {error}") from error
