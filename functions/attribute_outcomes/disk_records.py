"""Distinct records of a hash and several numbers, in files on the local disk."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from functions.attribute_outcomes.disk_partitions import Hashes, part_of

Rows = npt.NDArray[np.void]

KEY = "key"
BATCH_ROWS = 200_000


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
        part = part_of(keys, len(self._paths))
        order = np.argsort(part, kind="stable")
        rows, bounds = rows[order], np.searchsorted(part[order], np.arange(len(self._paths) + 1))
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            with self._paths[number].open("ab") as file:
                rows[bounds[number] : bounds[number + 1]].tofile(file)

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
