"""S3 objects of the catalogue snapshot: a manifest with conditional writes, and immutable segments."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from alsolike.declarations.storage import SEGMENTS_PREFIX, SNAPSHOT_KEY
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import ConcurrentUpdate, InvalidSnapshot, Unavailable
from alsolike.runtime.s3 import UNCHANGED, S3Object, delete_objects, download, listed, upload
from alsolike.runtime.struct import struct
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.manifest import Manifest, SegmentEntry
from alsolike.snapshot.segment import Segment

MAX_ATTEMPTS = 8
GRACE_MS = 3_600_000
"""Age in milliseconds from which replaced or orphaned files are deleted. Readers and writers must finish earlier."""

_UNFINISHED = ".unfinished-"


@struct
class StoredManifest:
    """Manifest with its ETag for conditional writes. The ETag is None before the first write."""

    manifest: Manifest
    etag: str | None


class SnapshotStore:
    """Store of the snapshot's objects in the artefact bucket and of its local files.

    Parameters
    ----------
    directory
        Folder of the local files, which get their final name when they are complete. Only this process may write to it.
    """

    def __init__(self, client: S3Client, bucket: str, directory: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._current = S3Object(client, bucket, SNAPSHOT_KEY)
        self._directory = directory

    def manifest(self, *, known: StoredManifest | None = None) -> StoredManifest:
        """Return the manifest, or `known` if it is unchanged. Before the first write, the manifest is empty."""
        content = self._current.read_if_changed(known.etag if known else None)
        if content is None:
            return StoredManifest(Manifest(), None)
        if content is UNCHANGED:
            assert known is not None  # Only a known manifest can be unchanged.
            return known
        return StoredManifest(Manifest.from_json(content.body), content.etag)

    def replaceable_manifest(self) -> StoredManifest:
        """Return the manifest.

        If it is unreadable, return an empty manifest, so that a complete snapshot can replace it.
        """
        try:
            return self.manifest()
        except InvalidSnapshot:
            return StoredManifest(Manifest(), self._current.etag())

    def replace(self, expected: StoredManifest, manifest: Manifest) -> StoredManifest:
        etag = self._current.replace(
            manifest.to_json(), etag=expected.etag, conflict=f"{self._current.uri} was written by another process"
        )
        return StoredManifest(manifest, etag)

    def change(self, stored: StoredManifest, change: Callable[[Manifest], Manifest], *, now_ms: int) -> StoredManifest:
        """Write the manifest that `change` returns, and delete old retired files.

        After a conflict, `change` is called with the new manifest.
        """
        for _ in range(MAX_ATTEMPTS):
            manifest = change(stored.manifest)
            due = [entry for entry in manifest.retired if entry.retired_ms < now_ms - GRACE_MS]
            if due:
                self.delete([entry.key for entry in due])
                manifest = dataclasses.replace(
                    manifest, retired=tuple(entry for entry in manifest.retired if entry not in due)
                )
            try:
                return self.replace(stored, manifest)
            except ConcurrentUpdate:
                stored = self.manifest()
        raise ConcurrentUpdate(f"the catalogue snapshot changed {MAX_ATTEMPTS} times while it was written")

    def upload(self, segment: Segment | ColdItems, *, now_ms: int) -> SegmentEntry:
        """Store a segment under a unique key, and keep the local file.

        Keys are unique, so that deleting an old object never deletes a new object with the same content.
        """
        unique = secrets.token_hex(4)
        path = self._directory / f"{_UNFINISHED}{unique}"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                segment.write(file)
            digest = _sha256(path)
            key = f"{SEGMENTS_PREFIX}{now_ms:013d}-{digest[:32]}-{unique}"
            entry = SegmentEntry(key, len(segment), path.stat().st_size, digest)
            upload(self._client, self._bucket, key, path)
            path.rename(self._directory / entry.file_name)
        except OSError as error:
            raise Unavailable(f"a segment cannot be written to {self._uri(SEGMENTS_PREFIX)}: {error}") from error
        finally:
            path.unlink(missing_ok=True)
        return entry

    def fetch(self, entry: SegmentEntry, *, check_time: Callable[[], None] = lambda: None) -> Path:
        """Return the local file of a segment. A missing file is downloaded and verified."""
        target = self._directory / entry.file_name
        if target.is_file():
            return target
        unfinished = self._directory / f"{_UNFINISHED}{entry.file_name}"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            download(self._client, self._bucket, entry.key, unfinished, check_time=check_time, on_chunk=digest.update)
            if digest.hexdigest() != entry.sha256:
                raise InvalidSnapshot(f"{self._uri(entry.key)} has SHA-256 {digest.hexdigest()}, not {entry.sha256}")
            unfinished.rename(target)
        except Unavailable as error:
            if error.code in MISSING:
                raise InvalidSnapshot(f"{self._uri(entry.key)} does not exist") from error
            raise
        except OSError as error:
            raise Unavailable(f"{self._uri(entry.key)} cannot be fetched into {self._directory}: {error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        return target

    def keep_only(self, entries: Sequence[SegmentEntry]) -> None:
        """Delete all local files except the files of `entries`. Memory-mapped data of deleted files remain readable."""
        names = {entry.file_name for entry in entries}
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                if path.name not in names:
                    path.unlink(missing_ok=True)

    def delete(self, keys: Sequence[str]) -> None:
        delete_objects(self._client, self._bucket, keys)

    def segment_keys(self, *, written_before_ms: int) -> list[str]:
        keys = listed(self._client, self._bucket, SEGMENTS_PREFIX)
        return [entry.key for entry in keys if entry.modified_ms < written_before_ms]

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
