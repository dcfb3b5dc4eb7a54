"""File of the rejected rows with their reasons, next to an import's input."""

from __future__ import annotations

import csv
import heapq
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.runtime.errors import Unavailable
from operations.ingest.files import BREAKS_OFF, Chunk, DataFile, as_text

_ROWS_AT_ONCE = 10_000


class RejectedRows:
    """Writer of `<input>.rejected.csv`: line, reason and the row's own columns. Without bad rows there is not a file.

    Parameters
    ----------
    file
        Whose rows they are.
    path
        Where they go; what an earlier import left there is removed.
    dry_run
        Whether they are only counted.

    Attributes
    ----------
    path
        Where the file is.
    counts
        Rows by reason.
    is_cut_off
        Whether the file broke off.
    """

    def __init__(self, file: DataFile, path: Path, *, dry_run: bool = False) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.is_cut_off = False
        self._dry_run = dry_run
        self._delimiter = file.form.delimiter
        self._header = ("line", "reason", *file.header)
        self._file: TextIO | None = None
        self._writer = csv.writer(io.StringIO())

    def __enter__(self) -> Self:
        """Remove the file of an earlier import.

        Raises
        ------
        Unavailable
            If it cannot be removed.
        """
        try:
            if (
                not self._dry_run and self.path.exists()
            ):  # a read-only directory may refuse to remove even what is not there
                self.path.unlink()
        except OSError as error:
            raise Unavailable(f"{self.path}, where bad rows go, cannot be removed: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, chunk: Chunk, places: npt.NDArray[np.int64], reasons: Sequence[str]) -> None:
        """Add the chunk's malformed rows and those at `places`, in the order of the file.

        Raises
        ------
        Unavailable
            If the file cannot be written.
        """
        self.is_cut_off |= any(row.reason.startswith(BREAKS_OFF) for row in chunk.malformed)
        if self._dry_run:
            self.counts.update([*(row.reason for row in chunk.malformed), *reasons])
            return
        malformed = ((row.line, row.reason, _split(row.text, self._delimiter)) for row in chunk.malformed)
        rows = heapq.merge(malformed, _cells(chunk, places, reasons), key=lambda row: row[0])
        try:
            for line, reason, cells in rows:
                self.counts[reason] += 1
                if self._file is None:
                    self._file = self.path.open("w", encoding="utf-8", newline="")
                    self._writer = csv.writer(self._file)
                    self._writer.writerow(self._header)
                self._writer.writerow([line, reason, *cells])
        except OSError as error:
            raise Unavailable(f"{self.path}, where bad rows go, cannot be written: {error}") from error


def _cells(chunk: Chunk, places: npt.NDArray[np.int64], reasons: Sequence[str]) -> Iterator[tuple[int, str, list[Any]]]:
    """Yield the rows at `places`, as many at once as need no memory to speak of."""
    for start in range(0, len(places), _ROWS_AT_ONCE):
        some = places[start : start + _ROWS_AT_ONCE]
        taken = chunk.rows.take(pa.array(some))
        cells = zip(*(as_text(column).to_pylist() for column in taken.columns), strict=True)
        yield from zip(chunk.lines[some].tolist(), reasons[start:], map(list, cells), strict=False)


def _split(text: str, delimiter: str) -> list[Any]:
    """Return a malformed row's cells, as far as there are any."""
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a cell that is too long for it
        return [text]
