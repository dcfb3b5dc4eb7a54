"""Checked interactions in a compact form, as codes and numbers, and their writer to the lake."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_COLUMNS, SCHEMA_VERSION
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object
from operations.ingest.event_ids import Hashes, hexadecimal
from operations.ingest.text_columns import Places, Texts

SCHEMA = arrow_schema(pa, INTERACTIONS_COLUMNS)

_THREADS = 4
_REPEATED = [name for name in SCHEMA.names if name not in ("event_id", "impression", "event_time_ms")]


@dataclasses.dataclass(frozen=True, slots=True)
class LakeRows:
    """Rows of the interactions table.

    Impressions have the form `a|b`. `stated_ids` are the event IDs in the file, null if missing, and `ids` those
    computed from the content. `user_hashes` are the hashes of the distinct values of user_id, and of null.
    """

    texts: Mapping[str, Texts]
    stated_ids: Texts
    ids: Hashes
    event_time_ms: npt.NDArray[np.int64]
    event_value: npt.NDArray[np.float64]
    user_hashes: Hashes
    received_time_ms: int

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, places: Places) -> LakeRows:
        return dataclasses.replace(
            self,
            texts={name: texts.take(places) for name, texts in self.texts.items()},
            stated_ids=self.stated_ids.take(places),
            ids=self.ids[places],
            event_time_ms=self.event_time_ms[places],
            event_value=self.event_value[places],
        )

    def dates(self) -> set[str]:
        return {partitions.event_date(int(day) * DAY_MS) for day in np.unique(self.event_time_ms // DAY_MS)}

    def by_date(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield the rows of each partition as a table, oldest partition first.

        Rows of a day keep the order of the file.
        """
        if not len(self):
            return
        rows, days = self, self.event_time_ms // DAY_MS
        if (days[1:] < days[:-1]).any():
            days = days - days.min()  # numpy sorts 16-bit numbers by radix sort. They cover 179 years of days.
            order = np.argsort(days.astype(np.uint16) if days.max() < 1 << 16 else days, kind="stable")
            rows, days = self.take(order), days[order]
        table = rows.table()
        starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1)).tolist()
        for start, end in itertools.pairwise([*starts, len(days)]):
            yield partitions.event_date(int(rows.event_time_ms[start])), table.slice(start, end - start)

    def event_ids(self) -> pa.Array:
        computed = hexadecimal(self.ids)
        return computed if self.stated_ids.is_absent else pc.coalesce(self.stated_ids.column(), computed)

    def table(self) -> pa.Table:
        count = len(self)
        no_value = np.isnan(self.event_value)
        columns = {
            "event_id": self.event_ids(),
            "event_value": pa.nulls(count, pa.float64())
            if no_value.all()
            else pa.array(self.event_value, mask=no_value if no_value.any() else None),
            "event_time_ms": pa.array(self.event_time_ms),
            "impression": _lists(self.texts["impression"]),
            "received_time_ms": pa.array(np.full(count, self.received_time_ms)),
            "schema_version": pa.array(np.full(count, SCHEMA_VERSION, np.int32)),
        }
        columns = {name: texts.column() for name, texts in self.texts.items()} | columns
        return pa.table([columns.get(field.name, pa.nulls(count, field.type)) for field in SCHEMA], SCHEMA.names)


def _lists(column: Texts) -> pa.Array:
    """Return `a|b` as lists. A missing value becomes an empty list."""
    count = len(column)
    if column.is_absent:
        return pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string()))
    empty = pa.array([[]], pa.list_(pa.string()))
    lists = pa.concat_arrays([pc.split_pattern(column.values, "|"), empty])
    return lists.take(pa.array(np.where(column.codes < 0, len(column.values), column.codes)))


def object_key(date: str, *, content_id: str, chunk: int) -> str:
    # A repeated import of the file overwrites the same objects.
    return f"{partitions.partition_prefix(date)}import-{content_id}-{chunk:05d}.parquet"


class LakeWriter:
    """Context manager that writes one Parquet object per day and chunk, in background threads.

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
