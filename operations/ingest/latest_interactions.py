"""Latest interactions of each user in an import, for the live profiles.

Above `MEMORY_ROWS`, the rows are stored on disk and partitioned by user, so that memory holds about one partition.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.configuration import HISTORY_LENGTH
from alsolike.events.context import context_of
from alsolike.profiles.profile import RecentInteraction
from operations.ingest.event_ids import Hashes, hexadecimal
from operations.ingest.lake_rows import LakeRows
from operations.ingest.text_columns import Texts

PARTS = 128
"""Number of partitions of users. The partition depends only on the user ID, so that a later run creates the same
partitions."""

MEMORY_ROWS = 1_000_000
"""Number of rows in memory above which rows are stored on disk."""

_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("event_time_ms", pa.int64()),
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("stated_id", pa.string()),
        ("item_id", pa.string()),
        ("event_type", pa.string()),
        ("context", pa.string()),
    ]
)

UserInteractions = tuple[str, list[RecentInteraction]]


class LatestInteractions:
    """Collector of the latest interactions per user. Its temporary files exist while the context is open.

    `add` collects rows, and the first call of `partition` partitions them.
    """

    def __init__(self, *, length: int = HISTORY_LENGTH, context: Sequence[str] = ()) -> None:
        self._length = length
        self._context = context
        self._held: list[_Packed] = []
        self._held_rows = 0
        self._spooled: list[Path] = []
        self._parts: _Parts | None = None
        self._directory: Path | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def add(self, rows: LakeRows) -> None:
        """Add checked rows. Rows without an item are skipped, because profiles do not contain them."""
        with_item = ~rows.texts["item_id"].missing()
        if not with_item.all():
            rows = rows.take(with_item)
        if not len(rows):
            return
        texts = {name: rows.texts[name] for name in ("user_id", "item_id", "event_type")}
        texts["context"] = rows.texts["properties"].mapped(functools.partial(context_of, columns=self._context))
        self._held.append(_Packed(texts, rows.stated_ids, rows.ids, rows.event_time_ms, rows.user_hashes))
        self._held_rows += len(rows)
        if self._held_rows > MEMORY_ROWS:
            for packed in self._held:
                path = self._files() / f"chunk{len(self._spooled)}"
                with path.open("wb") as file:
                    pickle.dump(packed, file, protocol=5)
                self._spooled.append(path)
            self._held, self._held_rows = [], 0

    def partition(self, number: int) -> Iterator[UserInteractions]:
        """Yield each user of a partition with the latest interactions, possibly more than a profile holds."""
        if self._parts is None:
            self._partition()
        assert self._parts is not None
        kept, rows = list[pa.Table](), 0
        for table in self._parts.of(number):
            kept.append(table)
            rows += len(table)
            if rows > MEMORY_ROWS // 2:
                kept = [_latest(pa.concat_tables(kept).combine_chunks(), self._length)]
                rows = len(kept[0])
        if kept:
            yield from _by_user(_latest(pa.concat_tables(kept).combine_chunks(), self._length))

    def _partition(self) -> None:
        self._parts = _Parts(self._files() if self._spooled else None, self._cleanup)
        for path in self._spooled:
            with path.open("rb") as file:
                self._parts.add(pickle.load(file))  # noqa: S301 (written by this very process)
            path.unlink()
        for packed in self._held:
            self._parts.add(packed)
        self._spooled, self._held = [], []

    def _files(self) -> Path:
        if self._directory is None:
            self._directory = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="alsolike-import-")))
        return self._directory


@dataclasses.dataclass(frozen=True, slots=True)
class _Packed:
    """Columns of a chunk that live profiles need."""

    texts: Mapping[str, Texts]
    stated_ids: Texts
    ids: Hashes
    event_time_ms: npt.NDArray[np.int64]
    user_hashes: Hashes


class _Parts:
    """Rows by partition, in memory or in files of a directory."""

    def __init__(self, directory: Path | None, cleanup: contextlib.ExitStack) -> None:
        self._directory = directory
        self._cleanup = cleanup
        self._held: dict[int, list[pa.Table]] = {}
        self._files: dict[int, pa.RecordBatchStreamWriter] = {}

    def add(self, rows: _Packed) -> None:
        part = (rows.user_hashes[:, 0] % np.uint64(PARTS)).astype(np.uint8)[rows.texts["user_id"].codes]
        order = np.argsort(part, kind="stable")
        table = _table(rows, order)
        ends = np.cumsum(np.bincount(part, minlength=PARTS))
        for number, (start, end) in enumerate(itertools.pairwise([0, *ends.tolist()])):
            if end == start:
                continue
            rows_of_part = table.slice(start, end - start)
            if self._directory is None:
                self._held.setdefault(number, []).append(rows_of_part)
            else:
                self._file(number).write_table(rows_of_part)

    def of(self, number: int) -> Iterator[pa.Table]:
        if self._directory is None:
            yield from self._held.get(number, ())
        elif number in self._files:
            self._files[number].close()
            with pa.OSFile(str(self._directory / f"part{number}")) as file, pa.ipc.open_stream(file) as batches:
                for batch in batches:
                    yield pa.Table.from_batches([batch])

    def _file(self, number: int) -> pa.RecordBatchStreamWriter:
        assert self._directory is not None
        if number not in self._files:
            sink = self._cleanup.enter_context(pa.OSFile(str(self._directory / f"part{number}"), "wb"))
            self._files[number] = pa.ipc.new_stream(
                sink, _SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            )
        return self._files[number]


def _table(rows: _Packed, order: npt.NDArray[np.int64]) -> pa.Table:
    columns = {
        "user_id": rows.texts["user_id"].take(order).column(),
        "event_time_ms": pa.array(rows.event_time_ms[order]),
        "high": pa.array(rows.ids[order, 0]),
        "low": pa.array(rows.ids[order, 1]),
        "stated_id": rows.stated_ids.take(order).column(),
        "item_id": rows.texts["item_id"].take(order).column(),
        "event_type": rows.texts["event_type"].take(order).column(),
        "context": rows.texts["context"].take(order).column(),
    }
    return pa.table(columns, _SCHEMA)


def _latest(rows: pa.Table, length: int) -> pa.Table:
    """Return the latest `length` rows of each user.

    Rows with the same time as the oldest of these rows are also returned. `Profile.merge` selects among them. Repeated
    events of users with more than `length` rows are omitted.
    """
    user = rows["user_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    many = np.flatnonzero(np.bincount(user)[user] > length)
    if not len(many):
        return rows
    user, time_ms = user[many], rows["event_time_ms"].to_numpy()[many]
    order = np.lexsort((time_ms, user))
    order = order[~_repeated(rows, user, many)[order]]
    user, time_ms = user[order], time_ms[order]
    ends = np.searchsorted(user, user, side="right")
    starts = np.searchsorted(user, user, side="left")
    kept = np.ones(len(rows), bool)
    kept[many] = False
    kept[many[order[time_ms >= time_ms[np.maximum(ends - length, starts)]]]] = True
    return rows.filter(pa.array(kept))


def _repeated(rows: pa.Table, user: npt.NDArray[np.int32], places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return a mask of repeated events, which must not displace other events from a profile."""
    event_ids = rows.select(["high", "low", "stated_id"]).take(pa.array(places))
    if event_ids["stated_id"].null_count == len(event_ids):
        keys = (event_ids["low"].to_numpy(), event_ids["high"].to_numpy())
    else:
        keys = (_event_ids(event_ids).combine_chunks().dictionary_encode().indices.to_numpy(), user)
    order = np.lexsort(keys)  # The sort is stable, so the first of equal rows is not marked as repeated.
    repeated = np.zeros(len(order), bool)
    repeated[order[1:]] = np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys])
    return repeated


def _event_ids(rows: pa.Table) -> pa.ChunkedArray:
    computed = hexadecimal(np.stack([rows["high"].to_numpy(), rows["low"].to_numpy()], axis=1))
    return pc.coalesce(rows["stated_id"], pa.chunked_array([computed]))


def _by_user(rows: pa.Table) -> Iterator[UserInteractions]:
    user = rows["user_id"].combine_chunks().dictionary_encode()
    codes = user.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    rows = rows.take(pa.array(order))
    columns = [rows["event_time_ms"], _event_ids(rows), rows["item_id"], rows["event_type"], rows["context"]]
    cells = zip(*(column.to_pylist() for column in columns), strict=True)
    for user_id, count in zip(user.dictionary.to_pylist(), np.bincount(codes).tolist(), strict=True):
        yield user_id, [*map(RecentInteraction._make, itertools.islice(cells, count))]
