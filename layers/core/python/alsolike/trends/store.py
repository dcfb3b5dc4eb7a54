"""Store of the trend counters with one object per shard, and reader of the current trends."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from alsolike.declarations.storage import TRENDS_PREFIX
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidTrends
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import EVERY_30_S, NO_DEFAULT, PolledValue, Polling
from alsolike.runtime.s3 import Content, S3Object, listed
from alsolike.runtime.struct import struct
from alsolike.trends.counters import NO_TRENDS, NOTHING_COUNTED, ShardCounts, Trends


def trends_key(shard_id: str) -> str:
    return f"{TRENDS_PREFIX}{shard_id}.tensors"


class TrendsStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def etags(self) -> Mapping[str, str]:
        return {entry.key: entry.etag for entry in listed(self._client, self._bucket, TRENDS_PREFIX)}

    def read(self, key: str) -> Content | None:
        return S3Object(self._client, self._bucket, key).read()

    def write(self, key: str, counts: ShardCounts, *, replaces: str | None) -> str:
        """Write the counters of a shard if the object is unchanged, and return the new ETag.

        Parameters
        ----------
        replaces
            ETag of the object on which the counts are based; None to create the object.
        """
        return S3Object(self._client, self._bucket, key).replace(
            counts.to_bytes(),
            etag=replaces,
            content_type="application/octet-stream",
            conflict=f"{self.uri(key)} was written by another process",
        )

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


MAX_CONCURRENT_READS = 8
"""Maximum number of concurrent reads. A request waits for all changed objects."""


@struct
class _Read:
    etag: str
    counts: ShardCounts
    readable: bool = True


class TrendsReader(PolledValue[Trends]):
    """Trends of a deployment as a polled value.

    Only changed objects are read. An unreadable object counts as empty, and the trends count as stale. After a failed
    read, the earlier counters continue to decay.
    """

    def __init__(
        self, client: S3Client, bucket: str, *, polling: Polling = EVERY_30_S, default: Trends = NO_DEFAULT
    ) -> None:
        self._store = TrendsStore(client, bucket)
        self._shards: dict[str, _Read] | None = None
        self._trends = NO_TRENDS
        super().__init__(self._read_shards, name="trends", polling=polling, default=default)

    def _read_shards(self, _: Callable[[], float]) -> Trends:
        known = self._shards or {}
        etags = self._store.etags()
        changed = [key for key, etag in etags.items() if key not in known or known[key].etag != etag]
        kept = {key: known[key] for key in etags if key in known and key not in changed}
        read = map(self._read_shard, changed) if len(changed) < 2 else _threads().map(self._read_shard, changed)
        shards = kept | {key: shard for key, shard in zip(changed, read, strict=True) if shard is not None}
        if self._shards is None or changed or shards.keys() != known.keys():
            read_shards = [shards[key] for key in sorted(shards)]
            self._trends = Trends([shard.counts for shard in read_shards], etags=[shard.etag for shard in read_shards])
        self._shards = shards
        self.is_partial = not all(shard.readable for shard in shards.values())
        return self._trends

    def _read_shard(self, key: str) -> _Read | None:
        stored = self._store.read(key)
        if stored is None:
            return None
        try:
            return _Read(stored.etag, ShardCounts.from_bytes(stored.body, name=self._store.uri(key)))
        except InvalidTrends as error:
            logger.error("trends of a shard are ignored", reason=str(error))
            return _Read(stored.etag, NOTHING_COUNTED, readable=False)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_CONCURRENT_READS, "trends")
