"""The file beside an import's input that holds the rows which were refused, and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.errors import Unavailable
from cli.importing.files import Chunk, DataFile, as_text


def rejected_path(path: Path) -> Path:
    """Return where the bad rows of an input go; an import first removes what is there."""
    return path.with_name(f"{path.name}.rejected.csv")


class RejectedRows:
    """Writes `<input>.rejected.csv`: line, reason, and the row's own columns. Without bad rows there is no file.

    Attributes
    ----------
    path
        Where the file is.
    counts
        Rows by reason.
    """

    def __init__(self, file: DataFile) -> None:
        self.path = rejected_path(file.path)
        self.counts: Counter[str] = Counter()
        self._header = ("line", "reason", *file.header)
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Remove the file of an earlier import.

        Raises
        ------
        Unavailable
            If it cannot be removed.
        """
        try:
            if self.path.exists():  # a read-only directory may refuse to remove even what is not there
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
        rows: list[tuple[int, str, list[Any]]] = [(row.line, row.reason, _split(row.text)) for row in chunk.malformed]
        if len(places):
            taken = chunk.rows.take(pa.array(places))
            cells = zip(*(as_text(column).to_pylist() for column in taken.columns), strict=True)
            rows += zip(chunk.lines[places].tolist(), reasons, map(list, cells), strict=True)
        if not rows:
            return
        self.counts.update(reason for _, reason, _ in rows)
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", newline="")
                csv.writer(self._file).writerow(self._header)
            csv.writer(self._file).writerows(
                [line, reason, *row] for line, reason, row in sorted(rows, key=lambda row: row[0])
            )
        except OSError as error:
            raise Unavailable(f"{self.path}, where bad rows go, cannot be written: {error}") from error


def _split(text: str) -> list[Any]:
    """Return a malformed row's cells, as far as there are any."""
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # a cell that is too long for it
        return [text]
