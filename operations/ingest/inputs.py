"""Files of an import. All headers are read before any row is imported."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from alsolike.runtime.errors import InvalidInput
from operations import progress
from operations.client.deployment import Deployment
from operations.ingest.column_mapping import parse_mapping
from operations.ingest.csv_format import PLAIN, CsvForm
from operations.ingest.files import Chunk, DataFile, open_file
from operations.ingest.platforms.converting import SUFFIXES as PLATFORM_SUFFIXES
from operations.ingest.platforms.converting import convert, converted_path
from operations.ingest.platforms.formats import PlatformFormat
from operations.ingest.rejected_file import RejectedRows
from operations.ingest.sources import find
from operations.ingest.summary import FileSummary
from operations.progress import Step


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
