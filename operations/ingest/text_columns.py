"""Dictionary-encoded text column. Each check runs once per distinct text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operations.ingest.files import as_text

Codes = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice


@dataclasses.dataclass(frozen=True, slots=True)
class Texts:
    """Column of text.

    `values` are strings without null, of which some may not occur in the column. `codes` is the index of each row's
    text in `values`, -1 for null, int32 `(rows,)`.
    """

    values: pa.StringArray
    codes: Codes

    @classmethod
    def absent(cls, rows: int) -> Texts:
        """Return a column of nulls, using constant memory."""
        return cls(pa.array([], pa.string()), np.broadcast_to(np.int32(-1), rows))

    @classmethod
    def constant(cls, text: str, rows: int) -> Texts:
        """Return a column with one string in all rows, using constant memory."""
        return cls(pa.array([text], pa.string()), np.broadcast_to(np.int32(0), rows))

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Texts:
        """Return a column's cells as text. Empty cells become null, and lists become `a|b`."""
        if pa.types.is_null(column.type):
            return cls.absent(len(column))
        if pa.types.is_integer(column.type) or pa.types.is_dictionary(column.type):
            encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        else:
            encoded = as_text(column).dictionary_encode()
        encoded = encoded.unify_dictionaries().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):  # The column has no chunks.
            return cls.absent(len(column))
        codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
        values = encoded.dictionary.cast(pa.string())
        if values.null_count:
            codes = np.append(
                np.where(values.is_null().to_numpy(zero_copy_only=False), -1, np.arange(len(values))), -1
            )[codes].astype(np.int32)
            values = values.fill_null("")
        empty = pc.equal(values, "").to_numpy(zero_copy_only=False)
        if empty.any():
            codes = np.where(np.append(empty, False)[codes], np.int32(-1), codes)
        return cls(values, codes)

    def __len__(self) -> int:
        return len(self.codes)

    def mapped(self, change: Callable[[str], str]) -> Texts:
        """Replace each string, with one call of `change` per value. Values of the result may be equal."""
        return Texts(pa.array(map(change, self.values.to_pylist()), pa.string()), self.codes)

    @property
    def is_absent(self) -> bool:
        return not len(self.values)

    def missing(self) -> npt.NDArray[np.bool_]:
        return self.codes < 0

    def where(self, values: Any) -> npt.NDArray[np.bool_] | None:
        """Return a mask of the rows whose string is true in the mask `values`, or None if no string is true."""
        flags = values.fill_null(False).to_numpy(zero_copy_only=False)
        return np.append(flags, False)[self.codes] if flags.any() else None

    def take(self, places: Places) -> Texts:
        return Texts(self.values, self.codes[places])

    def column(self) -> pa.Array:
        if self.is_absent:
            return pa.nulls(len(self.codes), pa.string())
        missing = self.codes < 0
        return self.values.take(pa.array(self.codes, mask=missing if missing.any() else None))
