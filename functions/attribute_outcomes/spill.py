"""Rows in files on the local disk: more of them than memory holds, read back a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

PIECE_ROWS = 65_536
# Without one the files are larger, and that is all: they do not outlive the call.
_CODEC = next((codec for codec in ("zstd", "lz4") if pa.Codec.is_available(codec)), None)
_OPTIONS = pa.ipc.IpcWriteOptions(compression=_CODEC)
_BITS = 64


def hashes_of(texts: pa.Array | pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash of each text, the same in every process; a null has one, too."""
    values = texts.to_numpy(zero_copy_only=False) if isinstance(texts, pa.Array) else texts.to_numpy()
    return pd.util.hash_array(np.asarray(values, object), categorize=False)


class Spill:
    """Rows by the first bits of a hash, as many files as that makes.

    Parts follow one another in the order of the hashes, so that their number does not matter to the whole.

    Parameters
    ----------
    bits
        0 for one file.
    """

    def __init__(self, directory: Path, name: str, schema: pa.Schema, *, bits: int = 0) -> None:
        self._paths = [directory / f"{name}-{part}.arrow" for part in range(1 << bits)]
        self._schema, self._bits = schema, bits
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self.rows = 0

    def __len__(self) -> int:
        """Return how many parts there are."""
        return len(self._paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, rows: pa.Table, hashes: Hashes | None = None) -> None:
        """Write rows; `hashes` say to which part each goes."""
        if not len(rows):
            return
        self.rows += len(rows)
        if not self._bits or hashes is None:
            self._write(0, rows)
            return
        part = (hashes >> np.uint64(_BITS - self._bits)).astype(np.int64)
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(len(self) + 1))
        ordered = rows.take(pa.array(order))
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            self._write(number, ordered.slice(bounds[number], bounds[number + 1] - bounds[number]))

    def _write(self, part: int, rows: pa.Table) -> None:
        if part not in self._writers:
            self._writers[part] = pa.ipc.new_stream(str(self._paths[part]), self._schema, options=_OPTIONS)
        self._writers[part].write_table(rows, max_chunksize=PIECE_ROWS)

    def close(self) -> None:
        """Finish the files; nothing can be added any more."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def pieces(self, part: int = 0) -> Iterator[pa.Table]:
        """Yield a part's rows in the order in which they were added, some at a time."""
        return read_pieces(self._paths[part])

    def part(self, part: int = 0) -> pa.Table:
        """Return all rows of a part."""
        return pa.concat_tables([self._schema.empty_table(), *self.pieces(part)])

    def remove(self, part: int) -> None:
        """Give a part's place on the disk back."""
        self._paths[part].unlink(missing_ok=True)


def read_pieces(path: Path) -> Iterator[pa.Table]:
    """Yield the rows of a file, some at a time; there need not be one."""
    if path.exists():
        with pa.ipc.open_stream(str(path)) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])


def projected(file: pa.parquet.ParquetFile, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield a Parquet file's rows in these columns, some at a time; a column that it lacks is null."""
    present = [name for name in schema.names if name in file.schema_arrow.names]
    for batch in file.iter_batches(PIECE_ROWS, columns=present):
        columns = [
            batch[name] if name in present else pa.nulls(len(batch), schema.field(name).type) for name in schema.names
        ]
        yield pa.table(columns, names=schema.names).cast(schema)


def flat(lists: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return the elements of all lists, and in which row each stands; a null is an empty list."""
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
        if isinstance(lists, pa.ChunkedArray):
            lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    elements = pc.list_flatten(lists)
    return elements, pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
