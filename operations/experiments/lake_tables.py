"""Reader of the lake's tables `outcomes` and `engagement`, which have one object per day."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.declarations.storage import ENGAGEMENT_PREFIX, OUTCOMES_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.records.engagement import ENGAGEMENT_COLUMNS, Engagement
from alsolike.records.outcome import OUTCOMES_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import scan

BATCH_ROWS = 65_536


def read_outcomes(
    client: S3Client, bucket: str, *, first: str, last: str, columns: Sequence[str] = tuple(OUTCOMES_COLUMNS)
) -> Iterator[pa.Table]:
    """Yield the outcomes of the days `first` to `last` (ISO 8601) in batches. Each response occurs once."""
    for key, file in _files(client, bucket, OUTCOMES_PREFIX, first=first, last=last):
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
                yield pa.Table.from_batches([batch])
        except pa.ArrowException as error:
            raise InvalidInput(f"s3://{bucket}/{key} is not an object of the table: {error}") from error


def read_engagement(client: S3Client, bucket: str, *, first: str, last: str) -> Iterator[tuple[str, Engagement]]:
    """Yield the rows of `engagement`, each with its day."""
    for key, file in _files(client, bucket, ENGAGEMENT_PREFIX, first=first, last=last):
        try:
            rows = [Engagement(**row) for row in file.read(columns=list(ENGAGEMENT_COLUMNS)).to_pylist()]
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InvalidInput(f"s3://{bucket}/{key} is not an object of the table: {error}") from error
        yield from ((_date(key), row) for row in rows)


def _files(
    client: S3Client, bucket: str, prefix: str, *, first: str, last: str
) -> Iterator[tuple[str, pq.ParquetFile]]:
    for stored in scan(client, bucket, prefix, after=f"{prefix}{SERVED_PARTITION}={first}", at_once=2):
        if _date(stored.key) > last:
            return
        if stored.body is not None:
            try:
                yield stored.key, pq.ParquetFile(io.BytesIO(stored.body))
            except pa.ArrowInvalid as error:
                raise InvalidInput(f"s3://{bucket}/{stored.key} is not a Parquet file: {error}") from error


def _date(key: str) -> str:
    return key.split("/")[1].partition("=")[2]
