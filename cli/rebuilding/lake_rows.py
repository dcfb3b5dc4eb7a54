"""Reading the lake's interactions, one object at a time."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from alsolike import lake
from cli.aws import asking

_ARROW_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "array<string>": pa.list_(pa.string()),
}


@dataclasses.dataclass(frozen=True, slots=True)
class LakeObject:
    """One Parquet object of the interactions table."""

    key: str
    size: int


class LakeRows:
    """The interactions of a lake bucket that had arrived by a time.

    Parameters
    ----------
    client
        A low-level S3 client.
    received_by_ms
        What arrived later is passed over; None for everything.
    """

    def __init__(self, client: Any, bucket: str, *, received_by_ms: int | None) -> None:
        self._client = client
        self._bucket = bucket
        self._received_by_ms = received_by_ms

    def objects(self) -> list[LakeObject]:
        """Return all objects of the table.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        with asking(f"s3://{self._bucket}/{lake.INTERACTIONS_PREFIX}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=lake.INTERACTIONS_PREFIX
            )
            entries = [entry for page in pages for entry in page.get("Contents", [])]
        return [LakeObject(entry["Key"], entry["Size"]) for entry in entries if entry["Key"].endswith(".parquet")]

    def read(self, found: LakeObject, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield an object's rows in pieces; a column that it was written without is null.

        An object that compaction has removed since it was listed is passed over: its rows are in another one.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        with asking(f"s3://{self._bucket}/{found.key}"):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=found.key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return
                raise
        file = pq.ParquetFile(io.BytesIO(body))
        wanted = dict.fromkeys((*columns, "received_time_ms"))
        present = [name for name in wanted if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=present):
            rows = pa.Table.from_batches([batch])
            if self._received_by_ms is not None:
                rows = rows.filter(pc.less_equal(rows["received_time_ms"], self._received_by_ms))
            yield pa.table(
                {
                    name: rows[name].cast(_ARROW_TYPES[lake.COLUMNS[name]])
                    if name in present
                    else pa.nulls(len(rows), _ARROW_TYPES[lake.COLUMNS[name]])
                    for name in columns
                }
            )
