"""Files of an import and of its rejected rows. All headers are read before any row is imported."""

from __future__ import annotations

import csv
import dataclasses
import heapq
import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alsolike.runtime.errors import InvalidInput, Unavailable
from operations import progress
from operations.client.deployment import Deployment
from operations.ingest.column_mapping import parse_mapping
from operations.ingest.csv_format import PLAIN, CsvForm
from operations.ingest.files import BREAKS_OFF, Chunk, DataFile, as_text, open_file
from operations.ingest.platforms.converting import SUFFIXES as PLATFORM_SUFFIXES
from operations.ingest.platforms.converting import convert, converted_path
from operations.ingest.platforms.formats import PlatformFormat
from operations.ingest.sources import find
from operations.ingest.summary import FileSummary
from operations.progress import Step

_BATCH_ROWS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """Options of every import.

    `mapping` are pairs `THEIRS=OURS` of column names. `again` imports files that an earlier import finished. `declares`
    writes inferred types of item and user columns to the configuration. With `is_personalize`, undeclared event types
    count as the default type, and the schemas of Personalize's datasets declare columns.
    """

    mapping: Sequence[str] = ()
    dry_run: bool = False
    again: bool = False
    declares: bool = False
    is_personalize: bool = False
    form: CsvForm = PLAIN
    platform: PlatformFormat | None = None


DEFAULTS = Options()


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    file: DataFile
    rejected_path: Path
    dry_run: bool

    def summary(self, imported: int, rejected: RejectedRows) -> FileSummary:
        refused = dict(rejected.counts)
        path = str(self.rejected_path) if refused and not self.dry_run else None
        return FileSummary(self.file.name, imported, refused, path, rejected.is_cut_off)

    @contextmanager
    def importing(self) -> Iterator[tuple[Step, RejectedRows]]:
        verb = "check" if self.dry_run else "import"
        name = self.file.name.rsplit("/", 1)[-1]
        with (
            progress.step(f"{verb} {name}", total=self.file.source.size_bytes) as step,
            RejectedRows(self.file, self.rejected_path, dry_run=self.dry_run) as rejected,
        ):
            yield step, rejected

    def chunks(
        self, step: Step, *, plain: Collection[str] | None = None, rows: int | None = None, stored: str
    ) -> Iterator[Chunk]:
        """Yield the file's chunks.

        `stored` is a clause on the state of earlier chunks, which is appended to the message of an `InvalidInput` after
        the first chunk.
        """
        index = 0
        try:
            for chunk in self.file.chunks(plain=plain, rows=rows, on_bytes=step.reach):
                yield chunk
                index = chunk.index + 1
        except InvalidInput as error:
            if not index or self.dry_run:
                raise
            raise InvalidInput(f"{error}. {stored[0].upper()}{stored[1:]}") from error


def open_inputs(names: Sequence[str | Path], deployment: Deployment, options: Options) -> list[Input]:
    mapping: Mapping[str, str] = parse_mapping(options.mapping)
    form = options.form
    if options.platform is not None:
        theirs = find(names, lambda: deployment.client("s3"), suffixes=PLATFORM_SUFFIXES)
        targets = Counter(converted_path(source, options.platform) for source in theirs)
        if repeated := [str(path) for path, count in targets.items() if count > 1]:
            raise InvalidInput(f"{', '.join(repeated)} is the conversion of several files; rename them")
        names = [convert(source, options.platform, form) for source in theirs]
        form = CsvForm(decimal=form.decimal)
    sources = find(names, lambda: deployment.client("s3"))
    input_paths = {Path(source.name).resolve() for source in sources}
    paths = Counter(source.rejected_path(flat=False) for source in sources)
    inputs = []
    for source in sources:
        path = source.rejected_path(flat=paths[source.rejected_path(flat=False)] > 1)
        if path.resolve() in input_paths:
            raise InvalidInput(
                f"{path} is an input file and also the file for rejected rows of {source.name}; rename one of them"
            )
        inputs.append(Input(open_file(source, mapping, form), path, options.dry_run))
    return inputs


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
