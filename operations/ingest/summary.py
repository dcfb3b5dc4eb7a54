"""Results of an import."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from operations.progress import counted


@dataclasses.dataclass(frozen=True, slots=True)
class FileSummary:
    """Result of one file.

    If the import skipped the file, `imported` is 0, and `imported_before` and `imported_before_ms` describe the earlier
    import. `cut_off` is true if the file is truncated or damaged.
    """

    file: str
    imported: int
    rejected: Mapping[str, int]
    rejected_file: str | None
    cut_off: bool = False
    imported_before: int = 0
    imported_before_ms: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ImportSummary:
    """Result of an import. A dry run has the numbers that an import would write.

    `objects` excludes those of an earlier, interrupted run. `inferred` are column types that the import adds to the
    configuration.
    """

    files: tuple[FileSummary, ...]
    objects: int
    days: int
    profiles: int
    duration_s: float
    dry_run: bool = False
    inferred: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def imported(self) -> int:
        return sum(file.imported for file in self.files)

    @property
    def imported_before(self) -> int:
        return sum(file.imported_before for file in self.files)

    @property
    def rejected(self) -> int:
        return sum(sum(file.rejected.values()) for file in self.files)

    def lines(self) -> Iterator[str]:
        if self.inferred:
            types = ", ".join(f"{name} {type_}" for name, type_ in self.inferred.items())
            yield f"columns {'found' if self.dry_run else 'declared in the configuration'}: {types}"
        yield from self.notes
        for file in self.files:
            yield from (f"{count:,} x {reason}" for reason, count in file.rejected.items())
            if file.rejected_file:
                yield f"rejected rows are in {file.rejected_file}"
        if self.dry_run and self.days:
            parts = ((self.days, "day"), (self.profiles, "user"), (self.objects, "object"))
            yield f"{', '.join(counted(count, noun) for count, noun in parts)} of the lake would be written"
        if self.dry_run:
            yield "nothing was imported: this was a dry run"
