"""Brings Personalize's data files into the lake, the live profiles and the catalogue."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from alsolike.catalog import CatalogueStore
from alsolike.configuration import canonical_event_type
from alsolike.errors import InvalidInput
from alsolike.profiles import ProfileStore
from cli import console
from cli.deployment import Deployment
from cli.importing import interactions, items
from cli.importing.files import Chunk, DataFile, open_file
from cli.importing.lake_writer import LakeWriter
from cli.importing.latest import LatestInteractions, seed_profiles
from cli.importing.rejected import RejectedRows, rejected_path


@dataclasses.dataclass(frozen=True, slots=True)
class FileSummary:
    """What became of one file.

    Attributes
    ----------
    rejected
        Rows by reason.
    rejected_file
        Where they are, if there are any.
    """

    file: str
    imported: int
    rejected: Mapping[str, int]
    rejected_file: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of an import.

    Attributes
    ----------
    objects
        Lake objects written.
    profiles
        Live profiles brought up to date.
    """

    files: tuple[FileSummary, ...]
    objects: int
    profiles: int
    duration_s: float

    @property
    def imported(self) -> int:
        """Rows taken in."""
        return sum(file.imported for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows refused."""
        return sum(sum(file.rejected.values()) for file in self.files)


def import_interactions(
    paths: Sequence[Path], deployment: Deployment, *, default_event_type: str, now_ms: int
) -> ImportSummary:
    """Import interactions: the good rows into the lake, the latest of each user into the live profiles.

    Every header is checked before anything is written. A repeated import overwrites its own objects.

    Raises
    ------
    InvalidInput
        If a file or its header is not one of interactions.
    Unavailable
        If a service does not answer.
    """
    started = time.monotonic()
    event_type = canonical_event_type(default_event_type)
    files = _open_files(paths)
    for file in files:
        interactions.check_columns(file)
    writer = LakeWriter(deployment.client("s3"), deployment.names.lake_bucket)
    latest = LatestInteractions()
    objects = 0

    def take(chunk: Chunk, content_id: str, rejected: RejectedRows) -> Iterator[int]:
        nonlocal objects
        checked = interactions.check(chunk.rows, default_event_type=event_type, now_ms=now_ms)
        rejected.add(chunk, checked.bad, checked.reasons)
        if len(checked.good):
            objects += writer.write(checked.good, content_id=content_id, chunk=chunk.index)
            latest.add(checked.good)
        yield len(checked.good)

    summaries = [_import_file(file, take) for file in files]
    users = latest.users()
    with console.step("live profiles", total=users) as step:
        store = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
        profiles = seed_profiles(latest, store, now_ms=now_ms, on_profile=step.advance)
        step.note(f"{profiles:,} users")
    return ImportSummary(tuple(summaries), objects, profiles, time.monotonic() - started)


def import_items(paths: Sequence[Path], deployment: Deployment, *, now_ms: int) -> ImportSummary:
    """Import items into the catalogue; the last row of an id wins.

    Raises
    ------
    InvalidInput
        If a file or its header is not one of items.
    Unavailable
        If a service does not answer.
    """
    started = time.monotonic()
    files = _open_files(paths)
    for file in files:
        items.check_columns(file)
    store = CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table)
    numbers = {file.path: items.number_columns(file) for file in files}
    summaries = []
    for file in files:

        def take(chunk: Chunk, _: str, rejected: RejectedRows, file: DataFile = file) -> Iterator[int]:
            good, bad, reasons = items.check(chunk, numbers=numbers[file.path])
            rejected.add(chunk, bad, reasons)
            yield from items.put_items(good, store, now_ms=now_ms)

        summaries.append(_import_file(file, take))
    return ImportSummary(tuple(summaries), 0, 0, time.monotonic() - started)


def _open_files(paths: Sequence[Path]) -> list[DataFile]:
    inputs = {path.resolve() for path in paths}
    for path in paths:
        if rejected_path(path).resolve() in inputs:
            raise InvalidInput(
                f"{rejected_path(path)} is an input and where bad rows of {path} go, expected one of them at a time"
            )
    return [open_file(path) for path in paths]


def _import_file(file: DataFile, take: Callable[[Chunk, str, RejectedRows], Iterator[int]]) -> FileSummary:
    """Give a file's chunks to `take`, which yields how many rows went in."""
    imported = 0
    content_id = file.content_id()
    with (
        console.step(f"import {file.path.name}", total=file.path.stat().st_size) as step,
        RejectedRows(file) as rejected,
    ):
        for chunk in file.chunks(on_bytes=step.reach):
            for rows in take(chunk, content_id, rejected):
                imported += rows
                step.note(f"{imported:,} rows")
    refused = dict(rejected.counts)
    return FileSummary(str(file.path), imported, refused, str(rejected.path) if refused else None)
