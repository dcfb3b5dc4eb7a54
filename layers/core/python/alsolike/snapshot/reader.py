"""The loaded catalogue snapshot: it polls the manifest and fetches only new files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.runtime.errors import InvalidSnapshot, Unavailable
from alsolike.runtime.observability import Metric, count, logger
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.snapshot import EMPTY, Snapshot
from alsolike.snapshot.store import SnapshotStore, StoredManifest

ANSWER_TIME_MS = 5_000
"""Time reserved for the answer, in which nothing is downloaded."""


class SnapshotReader:
    """The catalogue snapshot of one deployment, in this process.

    Parameters
    ----------
    client
        A low-level S3 client; it sets the timeouts.
    bucket
        The artefact bucket.
    directory
        Folder of segments, up to twice `max_bytes` during a switch of snapshots.
    check_s
        The manifest is read on the first call, and on the first one after this number of seconds.
    max_bytes
        Maximum size; None for no limit.

    Attributes
    ----------
    stale
        True if the last read failed, so that an earlier snapshot is used.
    """

    def __init__(
        self, client: Any, bucket: str, directory: Path, *, check_s: float = 10, max_bytes: int | None = None
    ) -> None:
        self._store = SnapshotStore(client, bucket, directory)
        self._check_ms = check_s * 1000
        self._max_bytes = max_bytes
        self._next_check_ms = 0.0
        self._manifest: StoredManifest | None = None
        self._snapshot = EMPTY
        self.stale = False

    def is_due(self, *, now_ms: int) -> bool:
        """Return true if `current` would look for a newer one."""
        return now_ms >= self._next_check_ms

    def current(self, *, now_ms: int, remaining_ms: Callable[[], float] | None = None) -> Snapshot:
        """Return the current snapshot, or the previous one if it cannot be loaded; the empty one before the first.

        Parameters
        ----------
        remaining_ms
            Returns the time left for the request; a download ends before the last `ANSWER_TIME_MS`. The next attempt
            reuses completely fetched files.

        Raises
        ------
        Unavailable
            If there is none yet, and S3 does not answer or its objects are unusable.
        """
        if now_ms < self._next_check_ms:
            return self._snapshot
        try:
            self._refresh(remaining_ms)
            self.stale = False
        except (Unavailable, InvalidSnapshot) as error:
            if self._manifest is None:
                raise Unavailable(f"no catalogue snapshot can be read: {error}") from error
            self.stale = True
            logger.error("catalogue snapshot cannot be read", reason=str(error), version=self._snapshot.version)
        self._next_check_ms = now_ms + self._check_ms
        return self._snapshot

    def _refresh(self, remaining_ms: Callable[[], float] | None) -> None:
        found = self._store.manifest(known=self._manifest)
        if found is self._manifest:
            return
        self._snapshot, self._manifest = self._load(found.manifest, remaining_ms), found
        self._store.keep_only(found.manifest.files)
        logger.info("catalogue snapshot read", version=self._snapshot.version, items=len(self._snapshot))

    def _load(self, manifest: Manifest, remaining_ms: Callable[[], float] | None) -> Snapshot:
        if manifest.version == self._snapshot.version:
            return self._snapshot
        if self._max_bytes is not None and manifest.size_bytes > self._max_bytes:
            raise InvalidSnapshot(f"the snapshot has {manifest.size_bytes} bytes, expected at most {self._max_bytes}")

        def check_time() -> None:
            if remaining_ms is not None and remaining_ms() < ANSWER_TIME_MS:
                raise Unavailable("the catalogue snapshot is not here in time")

        paths = [self._store.fetch(entry, check_time=check_time) for entry in manifest.segments]
        cold = self._cold(manifest, check_time)
        try:
            return Snapshot.open(paths, version=manifest.version, cold=cold, cold_model=manifest.cold_model)
        except InvalidSnapshot:
            self._store.keep_only(())  # the files on the disk may be damaged: the next attempt fetches them again
            raise

    def _cold(self, manifest: Manifest, check_time: Callable[[], None]) -> Path | None:
        """Return the file of the cold items; None if it is unusable, which does not affect the rest."""
        if manifest.cold is None:
            return None
        try:
            path = self._store.fetch(manifest.cold, check_time=check_time)
            ColdItems.map(path)
        except InvalidSnapshot as error:
            logger.error("cold items cannot be read", reason=str(error), version=manifest.version)
            count(Metric.COLD_ITEMS_FAILED)
            return None
        return path
