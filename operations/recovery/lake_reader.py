"""Readers of the lake's interactions and of the recommendation log, one object at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.lake import lake_objects
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import LakeObject
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from operations import progress

SCHEMA = arrow_schema(pa, INTERACTIONS_COLUMNS)


class LakeReader:
    """Interactions in a lake bucket that arrived until `received_by_ms`; None for all interactions."""

    def __init__(self, client: S3Client, bucket: str, *, received_by_ms: int | None) -> None:
        self._client = client
        self._bucket = bucket
        self._received_by_ms = received_by_ms

    def objects(self) -> list[LakeObject]:
        return list(lake_objects.list_objects(self._client, self._bucket))

    def scan(
        self, description: str, columns: Sequence[str], *, first: str = "", last: str = "9999"
    ) -> Iterator[pa.Table]:
        """Yield the rows of the days `first` to `last` (ISO 8601) in batches, and show the progress."""
        days = [listed for listed in self.objects() if first <= listed.date <= last]
        with progress.step(description, total=sum(listed.size_bytes for listed in days)) as step:
            for listed in days:
                yield from self.read(listed, columns)
                step.advance(listed.size_bytes)

    def read(self, listed: LakeObject, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield an object's rows in batches, or nothing if the object was deleted. Missing columns are null."""
        if (content := lake_objects.read(self._client, self._bucket, listed)) is None:
            return
        file = open_parquet(content, where=f"s3://{self._bucket}/{listed.key}")
        requested = dict.fromkeys((*columns, "received_time_ms"))
        present = [name for name in requested if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=present):
            rows = pa.Table.from_batches([batch])
            if self._received_by_ms is not None:
                rows = rows.filter(pc.less_equal(rows["received_time_ms"], self._received_by_ms))
            yield pa.table(
                {
                    name: rows[name].cast(SCHEMA.field(name).type)
                    if name in present
                    else pa.nulls(len(rows), SCHEMA.field(name).type)
                    for name in columns
                }
            )


def read_log(
    client: S3Client,
    bucket: str,
    *,
    first: str,
    last: str,
    columns: Sequence[str] = tuple(SERVED_COLUMNS),
    agents: bool = False,
) -> Iterator[pa.Table]:
    """Yield the rows of the recommendation log of the days `first` to `last` (ISO 8601), in batches.

    Columns that an object lacks are omitted. If `agents` is false, responses to declared agents are omitted, for which
    `columns` must contain `agent`.
    """
    objects = [
        listed
        for listed in lake_objects.list_objects(client, bucket, prefix=SERVED_PREFIX)
        if first <= listed.date <= last
    ]
    with progress.step("recommendation log", total=sum(listed.size_bytes for listed in objects)) as step:
        for listed in objects:
            if (content := lake_objects.read(client, bucket, listed)) is not None:
                file = open_parquet(content, where=f"s3://{bucket}/{listed.key}")
                present = [name for name in columns if name in file.schema_arrow.names]
                for batch in file.iter_batches(columns=present):
                    table = pa.Table.from_batches([batch])
                    has_agents = "agent" in present and not agents
                    yield table.filter(pc.is_null(table["agent"])) if has_agents else table
            step.advance(listed.size_bytes)


def open_parquet(content: bytes, *, where: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(io.BytesIO(content))
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"{where} is not a Parquet file: {error}; restore an older version of the object, or delete it"
        ) from error
