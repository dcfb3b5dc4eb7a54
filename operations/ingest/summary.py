"""Results of an import."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from operations.progress import counted


@dataclasses.dataclass(frozen=True, slots=True)
class FileSummary:
    """Result of one file.

    Attributes
    ----------
    rejected
        Rows by reason.
    rejected_file
        Where they are, if there are any.
    cut_off
        Whether the file broke off before its end.
    imported
        Rows that this import stored; 0 if it skipped the file.
    imported_before, imported_before_ms
        Rows that an earlier import stored, and its time, if this one skipped the file.
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
    """Result of an import, or of a dry run.

    Attributes
    ----------
    objects
        Lake objects written; those of an earlier, interrupted run are not among them.
    days
        Days with interactions.
    profiles
        Live profiles brought up to date.
    dry_run
        Whether nothing was written.
    inferred
        Column types that the import found and declared in the configuration.
    notes
        Sentences on other columns.
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
        """Rows taken in."""
        return sum(file.imported for file in self.files)

    @property
    def imported_before(self) -> int:
        """Rows of skipped files, which an earlier import stored."""
        return sum(file.imported_before for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows refused."""
        return sum(sum(file.rejected.values()) for file in self.files)

    def lines(self) -> Iterator[str]:
        """Yield what a reader should know besides the counts, one sentence each."""
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
            yield "nothing was written: this was a dry run"
