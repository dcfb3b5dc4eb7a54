"""Reader of the catalogue snapshot. It downloads only new files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alsolike.declarations.metrics import Metric
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidSnapshot, Unavailable
from alsolike.runtime.observability import count, logger
from alsolike.runtime.polling import EVERY_30_S, NO_DEFAULT, PolledValue, Polling
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.snapshot import EMPTY, Snapshot
from alsolike.snapshot.store import SnapshotStore, StoredManifest

ANSWER_TIME_MS = 5_000
"""Time in milliseconds at the end of a request that is reserved for the response."""


class SnapshotReader(PolledValue[Snapshot]):
    """Catalogue snapshot of a deployment as a polled value.

    Downloads stop when less than `ANSWER_TIME_MS` of a request remains. The next attempt reuses complete files.

    Parameters
    ----------
    directory
        Folder of the local segments. During a change of snapshots, it contains up to twice `max_bytes`.
    max_bytes
        Maximum size of a snapshot; None for no limit.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        directory: Path,
        *,
        polling: Polling = EVERY_30_S,
        default: Snapshot = NO_DEFAULT,
        max_bytes: int | None = None,
    ) -> None:
        self._store = SnapshotStore(client, bucket, directory)
        self._max_bytes = max_bytes
        self._manifest: StoredManifest | None = None
        self._snapshot = EMPTY
        super().__init__(self._read_snapshot, name="catalogue", polling=polling, default=default)

    def _read_snapshot(self, remaining_ms: Callable[[], float]) -> Snapshot:
        stored = self._store.manifest(known=self._manifest)
        if stored is not self._manifest:
            self._snapshot, self._manifest = self._load(stored.manifest, remaining_ms), stored
            self._store.keep_only(stored.manifest.files)
            logger.info("catalogue snapshot read", version=self._snapshot.version, items=len(self._snapshot))
        return self._snapshot

    def _load(self, manifest: Manifest, remaining_ms: Callable[[], float]) -> Snapshot:
        if manifest.version == self._snapshot.version:
            return self._snapshot
        if self._max_bytes is not None and manifest.size_bytes > self._max_bytes:
            raise InvalidSnapshot(f"the snapshot has {manifest.size_bytes} bytes, expected at most {self._max_bytes}")

        def check_time() -> None:
            if remaining_ms() < ANSWER_TIME_MS:
                raise Unavailable("the catalogue snapshot was not downloaded in time")

        paths = [self._store.fetch(entry, check_time=check_time) for entry in manifest.segments]
        cold = self._cold(manifest, check_time)
        try:
            return Snapshot.open(paths, version=manifest.version, cold=cold, cold_model=manifest.cold_model)
        except InvalidSnapshot:
            self._store.keep_only(())  # Local files may be damaged, so the next attempt downloads them again.
            raise

    def _cold(self, manifest: Manifest, check_time: Callable[[], None]) -> Path | None:
        """Return the file of the cold items, or None if it is missing or invalid.

        The snapshot is usable without this file.
        """
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
