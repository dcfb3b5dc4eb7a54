"""Writer of imported interactions to the lake: one Parquet object per day and chunk."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object
from operations.ingest.lake_rows import SCHEMA, LakeRows

_THREADS = 4
_REPEATED = [name for name in SCHEMA.names if name not in ("event_id", "impression", "event_time_ms")]


def object_key(date: str, *, content_id: str, chunk: int) -> str:
    # A repeated import of the file overwrites the same objects.
    return f"{partitions.partition_prefix(date)}import-{content_id}-{chunk:05d}.parquet"


class LakeWriter:
    """Context manager that writes rows to the lake in background threads.

    Its exit cancels writes that have not started, so wait for the futures first.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._pool = ThreadPoolExecutor(_THREADS, "lake")

    def __enter__(self) -> LakeWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def start(self, rows: LakeRows, *, content_id: str, chunk: int) -> list[Future[None]]:
        """Start writing a chunk's rows, and return one future per object."""
        return [
            self._pool.submit(self._write, object_key(date, content_id=content_id, chunk=chunk), day)
            for date, day in rows.by_date()
        ]

    def _write(self, key: str, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(
            rows,
            sink,
            compression=partitions.COMPRESSION,
            use_dictionary=_REPEATED,
            # Users and items of every day span the full range of IDs, so statistics on them would not help queries.
            write_statistics=["event_time_ms"],
            store_schema=False,  # The embedded schema takes a kilobyte per file and repeats the column types.
        )
        self.put(key, sink.getvalue())

    def put(self, key: str, data: pa.Buffer) -> None:
        S3Object(self._client, self._bucket, key).write(data.to_pybytes(), content_type=None)
