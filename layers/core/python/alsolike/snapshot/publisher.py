"""Publisher of the catalogue snapshot. It writes changes as small segments, and merges small segments.

Each step writes segments, and then replaces the manifest if it is unchanged. A writer that fails in between leaves
segments that are not in the manifest. These segments are deleted after `GRACE_MS`. Merged segments are also deleted
after this time, because readers may be downloading merged segments.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

from alsolike.catalogue.changes import Change
from alsolike.declarations.retention import ITEM_TOMBSTONE_DAYS
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import ConcurrentUpdate, InvalidSnapshot, Unavailable
from alsolike.snapshot.manifest import Manifest, SegmentEntry
from alsolike.snapshot.segment import Columns, Segment
from alsolike.snapshot.segment_merging import YOUNG_ROWS, to_merge
from alsolike.snapshot.store import GRACE_MS, MAX_ATTEMPTS, SnapshotStore, StoredManifest

_TOMBSTONES_KEPT_MS = ITEM_TOMBSTONE_DAYS * DAY_MS
_BLOCK_ROWS = 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """Result of a publication.

    Attributes
    ----------
    merged_rows
        Number of rows that merges rewrote.
    unmerged
        Error message of a failed merge; None if it succeeded. The changes are published nevertheless, and the next
        publication retries the merge.
    """

    changes: int
    merged_rows: int
    segments: int
    size_bytes: int
    unmerged: str | None = None


class SnapshotPublisher:
    def __init__(self, store: SnapshotStore, *, young_rows: int = YOUNG_ROWS) -> None:
        self._store = store
        self._young_rows = young_rows

    def publish(self, changes: Sequence[Change], *, columns: Columns, version: int, now_ms: int) -> Published:
        """Add changes, if any, to the snapshot, and then run due merges.

        Changes may be duplicates and in any order, because the change with the highest precedence is kept.

        Parameters
        ----------
        columns
            Declared columns. If they differ from the snapshot's columns, all segments are re-encoded.
        version
            Version of the configuration that declares the columns. A snapshot with a later version keeps its columns.
        """
        stored, merged_rows, unmerged = self._store.manifest(), 0, None
        if changes:
            stored, merged_rows = self._append(stored, changes, columns=columns, version=version, now_ms=now_ms)
        try:
            stored, rows = self._merge_until_done(stored, columns=columns, version=version, now_ms=now_ms)
            merged_rows += rows
        except (Unavailable, InvalidSnapshot, ConcurrentUpdate) as error:
            unmerged = str(error)
        return self._published(stored, changes=len(changes), merged_rows=merged_rows, unmerged=unmerged)

    def publish_all(self, changes: Iterable[Change], *, columns: Columns, version: int, now_ms: int) -> Published:
        """Replace the complete snapshot with these changes, and keep concurrent changes of other publishers.

        An unreadable manifest is replaced.

        Parameters
        ----------
        changes
            Changes of all items in any order. Older changes of an item are ignored. One million encoded changes take
            about 300 MB of memory.
        """
        stored = self._store.replaceable_manifest()
        before = {entry.key: entry for entry in stored.manifest.segments}
        segment = Segment.merge(
            [Segment.of([], columns), *_encoded(changes, columns)],
            forget_before_ms=now_ms - _TOMBSTONES_KEPT_MS,
        )
        uploaded = self._store.upload(segment, now_ms=now_ms)

        def with_uploaded(manifest: Manifest) -> Manifest:
            now = {entry.key: entry for entry in manifest.segments}
            meanwhile = [self._map(entry) for key, entry in now.items() if key not in before]
            # Segments of concurrent merges may contain rows of the replaced segments. `without` removes these rows.
            merged = [self._map(entry) for key, entry in before.items() if key not in now]
            new = [uploaded]
            if meanwhile:
                kept = Segment.merge([part.without(merged) for part in meanwhile])
                encoded = Segment.merge([Segment.of([], columns), *_encoded(kept.changes(), columns)])
                new.append(self._store.upload(encoded, now_ms=now_ms))
            everything = manifest.replace(manifest.segments, new, now_ms=now_ms)
            return dataclasses.replace(everything, columns=dict(columns), configuration_version=version)

        stored = self._store.change(stored, with_uploaded, now_ms=now_ms)
        return self._published(stored, changes=len(segment), merged_rows=0)

    def _append(
        self, stored: StoredManifest, changes: Sequence[Change], *, columns: Columns, version: int, now_ms: int
    ) -> tuple[StoredManifest, int]:
        """Add the changes as one segment, merged with all young segments.

        Return the manifest and the number of rewritten rows.
        """
        rewritten: list[SegmentEntry] = []

        def with_changes(manifest: Manifest) -> Manifest:
            known = manifest.configuration_version
            # Stored segments keep their columns here. `_merge` re-encodes all segments together.
            types = manifest.columns if manifest.segments or version < known else columns
            rewritten[:] = [entry for entry in manifest.segments if entry.rows < self._young_rows]
            try:
                parts = [self._map(entry) for entry in rewritten]
            except InvalidSnapshot:  # Publish the changes anyway. `_merge` reports the damaged segment.
                rewritten[:], parts = [], []
            everything = len(rewritten) == len(manifest.segments)
            forget_before_ms = now_ms - _TOMBSTONES_KEPT_MS if everything else None
            segment = Segment.merge([Segment.of(changes, types), *parts], forget_before_ms=forget_before_ms)
            new = self._store.upload(segment, now_ms=now_ms)
            appended = manifest.replace(rewritten, [new], now_ms=now_ms)
            declared = max(version, known) if dict(types) == dict(columns) else known
            return dataclasses.replace(appended, columns=dict(types), configuration_version=declared)

        stored = self._store.change(stored, with_changes, now_ms=now_ms)
        return stored, sum(entry.rows for entry in rewritten)

    def _merge_until_done(
        self, stored: StoredManifest, *, columns: Columns, version: int, now_ms: int
    ) -> tuple[StoredManifest, int]:
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._merge(stored, columns=columns, version=version, now_ms=now_ms)
            except _OvertakenError:
                stored = self._store.manifest()
        raise ConcurrentUpdate(f"the catalogue snapshot changed {MAX_ATTEMPTS} times while it was merged")

    def _merge(
        self, stored: StoredManifest, *, columns: Columns, version: int, now_ms: int
    ) -> tuple[StoredManifest, int]:
        """Merge the due segments, and return the manifest and the number of rewritten rows."""
        segments, known = stored.manifest.segments, stored.manifest.configuration_version
        recoding = version >= known and dict(stored.manifest.columns) != dict(columns)
        merging = list(segments) if recoding else to_merge(segments, young_rows=self._young_rows)
        declared = (dict(columns), max(version, known)) if version >= known else (dict(stored.manifest.columns), known)
        if not merging:
            if version <= known:
                return stored, 0
            return self._declare(stored, *declared, now_ms=now_ms), 0
        parts = [self._map(entry) for entry in merging]
        if recoding:
            parts = [again for part in parts for again in _encoded(part.changes(), columns)]
        everything = len(merging) == len(segments)
        forget_before_ms = now_ms - _TOMBSTONES_KEPT_MS if everything else None
        merged = self._store.upload(Segment.merge(parts, forget_before_ms=forget_before_ms), now_ms=now_ms)

        def with_merged(manifest: Manifest) -> Manifest:
            gone = {entry.key for entry in merging}
            appended = len(manifest.segments) > len(segments)
            overtaken = manifest.configuration_version != known or (recoding and appended)
            if overtaken or not gone <= {entry.key for entry in manifest.segments}:
                raise _OvertakenError
            replaced = manifest.replace(merging, [merged], now_ms=now_ms)
            return dataclasses.replace(replaced, columns=declared[0], configuration_version=declared[1])

        stored = self._store.change(stored, with_merged, now_ms=now_ms)
        self._collect_orphans(now_ms=now_ms)
        return stored, sum(entry.rows for entry in merging)

    def _declare(self, stored: StoredManifest, columns: Columns, version: int, *, now_ms: int) -> StoredManifest:
        """Record a new configuration version in the manifest without rewriting segments."""

        def declaring(manifest: Manifest) -> Manifest:
            encoded_otherwise = manifest.segments and dict(manifest.columns) != dict(columns)
            if manifest.configuration_version >= version or encoded_otherwise:
                raise _OvertakenError
            return dataclasses.replace(manifest, columns=columns, configuration_version=version)

        return self._store.change(stored, declaring, now_ms=now_ms)

    def _collect_orphans(self, *, now_ms: int) -> None:
        """Delete segments of writers that failed before they updated the manifest."""
        # List segments before the manifest is read, so that segments of concurrent writers are not deleted.
        listed = self._store.segment_keys(written_before_ms=now_ms - GRACE_MS)
        manifest = self._store.manifest().manifest
        named = {entry.key for entry in manifest.files} | {entry.key for entry in manifest.retired}
        if orphans := [key for key in listed if key not in named]:
            self._store.delete(orphans)

    def _map(self, entry: SegmentEntry) -> Segment:
        return Segment.map(self._store.fetch(entry))

    def _published(
        self, stored: StoredManifest, *, changes: int, merged_rows: int, unmerged: str | None = None
    ) -> Published:
        manifest = stored.manifest
        self._store.keep_only(manifest.files)
        return Published(changes, merged_rows, len(manifest.segments), manifest.size_bytes, unmerged)


class _OvertakenError(Exception):
    """Another writer has changed the manifest, so that a merge or a declaration of columns is outdated."""


def _encoded(changes: Iterable[Change], columns: Columns) -> Iterator[Segment]:
    iterator = iter(changes)
    while block := list(itertools.islice(iterator, _BLOCK_ROWS)):
        yield Segment.of(block, columns)
