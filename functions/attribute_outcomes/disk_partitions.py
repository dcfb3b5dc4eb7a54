"""Rows and records in partitioned files on the local disk, for data that exceeds the memory."""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.void]

PIECE_ROWS = 65_536
KEY = "key"
"""Name of the record field that contains the hash."""
BATCH_ROWS = 200_000
MAX_PARTS = 256
"""Maximum number of partitions. Each has an open file while rows are added."""

# None if pyarrow has neither codec. The files are larger then.
_CODEC = next((codec for codec in ("zstd", "lz4") if pa.Codec.is_available(codec)), None)
_OPTIONS = pa.ipc.IpcWriteOptions(compression=_CODEC)
_FULL = 0.9  # Target fill of a partition. Less than 1, because partitions have unequal sizes.
_LAST_LEVEL, _LEVEL_BITS, _HALF = 4, 12, np.uint64(32)


def hashes_of(texts: pa.Array | pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash per text, equal in all processes. Null also has a hash."""
    values = texts.to_numpy(zero_copy_only=False) if isinstance(texts, pa.Array) else texts.to_numpy()
    return pd.util.hash_array(np.asarray(values, object), categorize=False)


def parts_for(rows: float, max_rows: int) -> int:
    return min(MAX_PARTS, max(1, math.ceil(rows / (_FULL * max_rows))))


def _by_part(
    hashes: Hashes, parts: int, level: int = 0
) -> tuple[npt.NDArray[np.int64], Iterator[tuple[int, int, int]]]:
    """Return the indices that sort the hashes by partition, and the number, start and end of each non-empty partition.

    Each level uses later bits of the hash than the previous level. At level 0, partitions are ascending ranges of
    hashes.
    """
    window = (hashes << np.uint64(level * _LEVEL_BITS)) >> _HALF
    part = ((window * np.uint64(parts)) >> _HALF).astype(np.int64)
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(parts + 1)).tolist()
    return order, ((number, bounds[number], bounds[number + 1]) for number in np.flatnonzero(np.diff(bounds)).tolist())


@dataclasses.dataclass(slots=True)
class Part:
    """Rows in a file. An empty partition has no file."""

    path: Path
    schema: pa.Schema
    rows: int = 0

    def pieces(self) -> Iterator[pa.Table]:
        batches: list[pa.RecordBatch] = []
        if self.rows:
            # Opening by name would map the complete file into memory.
            with pa.OSFile(str(self.path)) as file, pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    batches.append(batch)
                    if sum(map(len, batches)) >= PIECE_ROWS:
                        yield pa.Table.from_batches(batches).combine_chunks()
                        batches.clear()
        if batches:
            yield pa.Table.from_batches(batches).combine_chunks()

    def table(self) -> pa.Table:
        return pa.concat_tables([self.schema.empty_table(), *self.pieces()])

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


class Spill:
    """Rows partitioned by the hash of the column `key`, one file per partition.

    `level` is the number of earlier partitionings of the rows.
    """

    def __init__(
        self, directory: Path, name: str, schema: pa.Schema, *, key: str = "", parts: int = 1, level: int = 0
    ) -> None:
        self._directory, self._name, self._schema, self._key, self._level = directory, name, schema, key, level
        self.parts = [Part(directory / f"{name}-{part}.arrow", schema) for part in range(parts)]
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def can_part(self) -> bool:
        """True if the partitions can be partitioned again.

        Rows with equal keys cannot be separated, so the depth is limited.
        """
        return self._level < _LAST_LEVEL

    def add(self, rows: pa.Table) -> None:
        if not len(rows):
            return
        if len(self.parts) == 1:
            self._write(0, rows)
            return
        order, slices = _by_part(hashes_of(rows[self._key]), len(self.parts), self._level)
        ordered = rows.take(pa.array(order))
        for number, first, last in slices:
            self._write(number, ordered.slice(first, last - first))

    def _write(self, number: int, rows: pa.Table) -> None:
        part = self.parts[number]
        if number not in self._writers:
            self._writers[number] = pa.ipc.new_stream(str(part.path), self._schema, options=_OPTIONS)
        self._writers[number].write_table(rows, max_chunksize=PIECE_ROWS)
        part.rows += len(rows)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def parted(self, number: int, parts: int) -> Spill:
        """Split the partition `number` into smaller ones, and delete its file."""
        name, part = f"{self._name}-{number}", self.parts[number]
        spill = Spill(self._directory, name, self._schema, key=self._key, parts=parts, level=self._level + 1)
        with spill:
            for piece in part.pieces():
                spill.add(piece)
        part.remove()
        return spill


def parts_of(*spills: Spill, max_rows: int) -> Iterator[tuple[Part, ...]]:
    """Yield the corresponding partitions of all spills, and delete each partition after use.

    Rows with equal keys are in corresponding partitions. Corresponding partitions have at most `max_rows` rows in
    total, unless nearly all rows have the same key.
    """
    for number, parts in enumerate(zip(*(spill.parts for spill in spills), strict=True)):
        rows = sum(part.rows for part in parts)
        if rows > max_rows and all(spill.can_part for spill in spills):
            count = max(2, parts_for(rows, max_rows))
            yield from parts_of(*(spill.parted(number, count) for spill in spills), max_rows=max_rows)
            continue
        yield parts
        for part in parts:
            part.remove()


class Records:
    """Records in files, including duplicates.

    `fields` are the names and NumPy types of the fields after the hash, in sort order. `parts` is the number of files.
    """

    def __init__(self, directory: Path, name: str, fields: Mapping[str, str], *, parts: int) -> None:
        self._type = record_type(fields)
        self._paths = [directory / f"{name}-{part}.records" for part in range(parts)]

    def add(self, keys: Hashes, **fields: npt.NDArray[np.int64] | int) -> None:
        """Add records. A single number applies to all records."""
        rows = np.empty(len(keys), self._type)
        rows[KEY] = keys
        for name, numbers in fields.items():
            rows[name] = numbers
        order, slices = _by_part(keys, len(self._paths))
        rows = rows[order]
        for number, first, last in slices:
            with self._paths[number].open("ab") as file:
                rows[first:last].tofile(file)

    def ordered(self) -> Iterator[Rows]:
        """Yield distinct records in batches, sorted by hash and fields, and delete the file of each batch.

        All records of a hash are in one batch.
        """
        names = self._type.names or ()
        for path in self._paths:
            rows = np.fromfile(path, self._type) if path.exists() else np.empty(0, self._type)
            rows = rows[np.lexsort([rows[name] for name in reversed(names)])]
            yield rows[starts(rows, *names)]
            path.unlink(missing_ok=True)


def record_type(fields: Mapping[str, str]) -> np.dtype[Any]:
    return np.dtype([(KEY, "<u8"), *fields.items()])


def starts(rows: Rows, *names: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the first row, and of rows that differ from the previous row in one of the fields `names`.

    `rows` are sorted by these fields.
    """
    other = np.zeros(len(rows), bool)
    other[:1] = True
    for name in names:
        other[1:] |= rows[name][1:] != rows[name][:-1]
    return other


def between(path: Path, fields: Mapping[str, str], low: np.uint64, high: np.uint64) -> Iterator[Rows]:
    """Yield the records of a sorted file with hashes from `low` to `high`, in batches."""
    if not path.stat().st_size:
        return
    rows = np.memmap(path, record_type(fields), "r")
    first = bisect.bisect_left(rows, low, key=lambda row: row[KEY])
    last = bisect.bisect_right(rows, high, lo=first, key=lambda row: row[KEY])
    for start in range(first, last, BATCH_ROWS):
        yield np.array(rows[start : min(last, start + BATCH_ROWS)])
