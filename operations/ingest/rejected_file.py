"""CSV file with the rejected rows of an import's input and their reasons."""

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

_BATCH_ROWS = 10_000


class RejectedRows:
    """Writer of `<input>.rejected.csv` with line, reason and columns of each rejected row.

    The first rejected row creates the file. A dry run only counts the rows. `is_cut_off` is true if the input is
    truncated or damaged.
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
        try:
            if (
                not self._dry_run and self.path.exists()
            ):  # A read-only directory may raise an error even for a missing file.
                self.path.unlink()
        except OSError as error:
            raise Unavailable(f"the file of rejected rows {self.path} cannot be deleted: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, chunk: Chunk, places: npt.NDArray[np.int64], reasons: Sequence[str]) -> None:
        """Add the chunk's malformed rows and the rows at `places`, in file order."""
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
            raise Unavailable(f"the file of rejected rows {self.path} cannot be written: {error}") from error


def _cells(chunk: Chunk, places: npt.NDArray[np.int64], reasons: Sequence[str]) -> Iterator[tuple[int, str, list[Any]]]:
    """Yield the rows at `places`. They are converted in batches to limit memory."""
    for start in range(0, len(places), _BATCH_ROWS):
        batch = places[start : start + _BATCH_ROWS]
        taken = chunk.rows.take(pa.array(batch))
        cells = zip(*(as_text(column).to_pylist() for column in taken.columns), strict=True)
        yield from zip(chunk.lines[batch].tolist(), reasons[start:], map(list, cells), strict=False)


def _split(text: str, delimiter: str) -> list[Any]:
    """Split a malformed row into cells, or return the row as one cell."""
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # The cell exceeds csv.field_size_limit.
        return [text]
