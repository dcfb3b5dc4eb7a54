"""Maintenance of the snapshot's cold items: items that the champion does not contain, with their neighbours.

Each call searches the neighbours of changed items, and after a new champion the neighbours of all cold items. The
changes are written to the snapshot before this search. So of two concurrent writers, the later one reads the items of
both. A repeated call gives an equal result.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.files import CONTENT_FILE
from alsolike.catalogue.changes import Change
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle, InvalidSnapshot, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object, download
from alsolike.snapshot.cold_items import MAX_COLD_ITEMS, ColdItems
from alsolike.snapshot.content_index import ContentIndex
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import MAX_ATTEMPTS, SnapshotStore


@dataclasses.dataclass(frozen=True, slots=True)
class ChampionContent:
    version: str
    index: ContentIndex


class ChampionContents:
    """Content index of the current champion.

    An index that cannot be opened is not fetched again until the champion or the index changes. Only this process uses
    the directory.
    """

    def __init__(self, client: S3Client, bucket: str, directory: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._directory = directory
        self._registry = Registry(client, bucket)
        self._content: ChampionContent | None = None
        self._unusable: dict[tuple[str, str], str] = {}

    def current(self) -> ChampionContent | None:
        """Return the current champion's index, or None if there is no champion.

        Raise `InvalidBundle` if the index does not exist or cannot be opened.
        """
        champion = self._registry.champion()
        if champion is None:
            return None
        if self._content is None or self._content.version != champion.version:
            self._content = ChampionContent(champion.version, self._index(champion.version))
        return self._content

    def _index(self, version: str) -> ContentIndex:
        key, path = f"{model_prefix(version)}{CONTENT_FILE}", self._directory / CONTENT_FILE
        try:
            if (etag := S3Object(self._client, self._bucket, key).etag()) is None:
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist")
            if (reason := self._unusable.get((version, etag))) is not None:
                raise InvalidBundle(reason)
            self._directory.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            download(self._client, self._bucket, key, path)
        except Unavailable as error:
            if error.code in MISSING:
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist") from error
            raise
        except OSError as error:
            raise Unavailable(f"s3://{self._bucket}/{key} cannot be fetched into {path}: {error}") from error
        try:
            return ContentIndex.map(path)
        except InvalidBundle as error:
            reason = f"model {version}: {error}"
            self._unusable = {(version, etag): reason}
            raise InvalidBundle(reason) from error


@dataclasses.dataclass(frozen=True, slots=True)
class ColdPublished:
    """Result of a publication of cold items.

    `compared` is the number of items whose neighbours were searched. `left_out` is the number of items that the limit
    of cold items excludes.
    """

    items: int
    compared: int
    left_out: int = 0


class ColdPublisher:
    def __init__(self, store: SnapshotStore, contents: ChampionContents, *, maximum: int = MAX_COLD_ITEMS) -> None:
        self._store = store
        self._contents = contents
        self._maximum = maximum

    def publish(self, changes: Sequence[Change], *, now_ms: int) -> ColdPublished | None:
        """Update the cold items for the changes and the current champion. Return None if there is no champion."""
        for _ in range(MAX_ATTEMPTS):
            content = self._contents.current()
            if content is None:
                return None
            published = self._publish(changes, content, now_ms=now_ms)
            if self._contents.current() == content:  # Otherwise, the written items belong to an earlier champion.
                return published
        raise ConcurrentUpdate(f"the champion changed {MAX_ATTEMPTS} times while its cold items were published")

    def _publish(self, changes: Sequence[Change], content: ChampionContent, *, now_ms: int) -> ColdPublished:
        stored = self._store.manifest()
        known = content.index.knows(hashes_of([change.entity_id.encode() for change in changes]))
        changed = ColdItems.of([changes[place] for place in np.flatnonzero(~known).tolist()], content.index)
        if _is_cold_to(stored.manifest, content) and not len(changed):
            return ColdPublished(stored.manifest.cold.rows if stored.manifest.cold else 0, 0)
        recounted = functools.cache(lambda: self._recount(stored.manifest, content))
        published = ColdPublished(0, 0)

        def with_cold(manifest: Manifest) -> Manifest:
            nonlocal published
            before, compared, left_out = self._stored(manifest, content), len(changed), 0
            if before is None:
                before, left_out = recounted()
                compared = len(before)
            items = ColdItems.merge([before, changed])
            if len(items) > self._maximum:
                items = self._live(items, manifest)
            kept = items.newest(self._maximum)
            published = ColdPublished(len(kept), compared, left_out + len(items) - len(kept))
            return manifest.with_cold(self._store.upload(kept, now_ms=now_ms), model=content.version, now_ms=now_ms)

        written = self._store.change(stored, with_cold, now_ms=now_ms)
        self._store.keep_only(written.manifest.files)
        return published

    def _stored(self, manifest: Manifest, content: ChampionContent) -> ColdItems | None:
        """Return the stored cold items, or None if they belong to another champion or are unusable."""
        if manifest.cold is None or not _is_cold_to(manifest, content):
            return None
        try:
            return ColdItems.map(self._store.fetch(manifest.cold))
        except InvalidSnapshot as error:
            logger.error("cold items are compared again", reason=str(error))
            self._store.keep_only(())  # The files on the disk may be damaged.
            return None

    def _live(self, items: ColdItems, manifest: Manifest) -> ColdItems:
        """Return the items without deleted items, which would otherwise remain until the next champion."""
        snapshot = Snapshot.open([self._store.fetch(entry) for entry in manifest.segments], version=manifest.version)
        live = np.isin(items.hashes, snapshot.hashes(snapshot.live_rows()))
        return items.take(np.flatnonzero(live))

    def _recount(self, manifest: Manifest, content: ChampionContent) -> tuple[ColdItems, int]:
        """Return the latest changed items that the champion does not contain, and the number of skipped older ones."""
        snapshot = Snapshot.open([self._store.fetch(entry) for entry in manifest.segments], version=manifest.version)
        rows = snapshot.live_rows()
        rows = rows[~content.index.knows(snapshot.hashes(rows))]
        last = np.lexsort((snapshot.hashes(rows), snapshot.updated_at_ms(rows)))[-self._maximum :]
        items = ColdItems.of([snapshot.change(row) for row in rows[last].tolist()], content.index)
        return items, len(rows) - len(last)


def _is_cold_to(manifest: Manifest, content: ChampionContent) -> bool:
    return manifest.cold_model == content.version
