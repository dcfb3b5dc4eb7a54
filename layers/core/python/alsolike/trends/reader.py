"""The current trends for functions: the shards' objects, polled and cached."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.runtime.errors import InvalidTrends, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct
from alsolike.trends.store import TrendsStore
from alsolike.trends.trends import NO_TRENDS, NOTHING_COUNTED, ShardCounts, Trends

OBJECTS_AT_ONCE = 8
"""A request waits for all that changed, and S3 takes tens of milliseconds for each."""


@struct
class _Read:
    etag: str
    counts: ShardCounts
    readable: bool = True


class TrendsReader:
    """The trends of one deployment, in this process: read on the first call, and on the first one after `check_s`.

    Only changed objects are read. An unreadable one counts as empty.

    Parameters
    ----------
    client
        A low-level S3 client; its role needs s3:GetObject of `trends/*` and s3:ListBucket.
    bucket
        The artefact bucket.

    Attributes
    ----------
    stale
        True if the last read failed, so that earlier counters, which still decay, are used; or if a shard is
        unreadable and left out.
    """

    def __init__(self, client: Any, bucket: str, *, check_s: float = 30) -> None:
        self._store = TrendsStore(client, bucket)
        self._check_ms = check_s * 1000
        self._next_check_ms = 0.0
        self._shards: dict[str, _Read] | None = None
        self._trends = NO_TRENDS
        self.stale = False

    def is_due(self, *, now_ms: int) -> bool:
        """Return true if `current` would read the objects again."""
        return now_ms >= self._next_check_ms

    def current(self, *, now_ms: int) -> Trends:
        """Return the trends; none, before anything was counted. Where a look fails, those before it.

        Raises
        ------
        Unavailable
            If there are none yet because S3 does not answer.
        """
        if now_ms < self._next_check_ms:
            return self._trends
        try:
            self._refresh()
            self.stale = not all(shard.readable for shard in (self._shards or {}).values())
        except Unavailable as error:
            if self._shards is None:
                raise Unavailable(f"there are no trends to go by: {error}") from error
            self.stale = True
            logger.error("trends cannot be read", reason=str(error))
        self._next_check_ms = now_ms + self._check_ms
        return self._trends

    def _refresh(self) -> None:
        known = self._shards or {}
        etags = self._store.etags()
        changed = [key for key, etag in etags.items() if key not in known or known[key].etag != etag]
        kept = {key: known[key] for key in etags if key in known and key not in changed}
        read = map(self._read, changed) if len(changed) < 2 else _threads().map(self._read, changed)
        found = kept | {key: shard for key, shard in zip(changed, read, strict=True) if shard is not None}
        if self._shards is None or changed or found.keys() != known.keys():
            self._trends = Trends([found[key].counts for key in sorted(found)])
        self._shards = found

    def _read(self, key: str) -> _Read | None:
        """Return an object; None if it was deleted after it was listed."""
        stored = self._store.read(key)
        if stored is None:
            return None
        try:
            return _Read(stored.etag, ShardCounts.from_bytes(stored.body, name=self._store.uri(key)))
        except InvalidTrends as error:
            logger.error("trends of a shard are left out", reason=str(error))
            return _Read(stored.etag, NOTHING_COUNTED, readable=False)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(OBJECTS_AT_ONCE, "trends")
