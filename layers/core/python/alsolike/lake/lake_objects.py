"""Objects of the lake, for readers that run concurrently with compaction and erasure.

Readers list all objects first, and skip objects that are deleted before they are read. Compaction deletes an object
only after the merged object has existed for `MERGE_GRACE_MS`, within which readers must finish. Therefore a reader that
misses an object has the merged object in its list. All other missing rows were deleted by retention or an erasure and
must not be read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.runtime import s3
from alsolike.runtime.client_protocols import PagedClient, S3Client

MERGE_GRACE_MS = 3_600_000
"""Minimum time in milliseconds between the write of a merged object and the deletion of its inputs."""

_DAY = re.compile(r"[a-z]+/[a-z_]+=(?P<date>[^/]+)/.+\.parquet")


@dataclasses.dataclass(frozen=True, slots=True)
class LakeObject:
    """Object of a lake table. The ETag contains quotes, as S3 returns it."""

    key: str
    size_bytes: int
    etag: str
    modified_ms: int

    @property
    def date(self) -> str:
        return self.key.split("/")[1].partition("=")[2]


def list_objects(client: PagedClient, bucket: str, *, prefix: str = INTERACTIONS_PREFIX) -> Iterator[LakeObject]:
    """Yield the Parquet objects with a prefix, in the order of days."""
    for entry in s3.listed(client, bucket, prefix):
        if _DAY.fullmatch(entry.key):
            yield LakeObject(entry.key, entry.size_bytes, entry.etag, entry.modified_ms)


def read(client: S3Client, bucket: str, listed: LakeObject, *, unchanged: bool = False) -> bytes | None:
    """Return the content of an object, or None if it was deleted. With `unchanged`, return None also for a changed
    object.
    """
    stored = s3.S3Object(client, bucket, listed.key)
    content = stored.read_if_unchanged(listed.etag) if unchanged else stored.read()
    return content.body if content else None


def batches(objects: Iterable[LakeObject], *, max_bytes: int, max_objects: int) -> Iterator[list[LakeObject]]:
    """Yield batches of objects within both limits. An object that exceeds `max_bytes` is a separate batch."""
    batch: list[LakeObject] = []
    size_bytes = 0
    for listed in objects:
        if batch and (size_bytes + listed.size_bytes > max_bytes or len(batch) == max_objects):
            yield batch
            batch, size_bytes = [], 0
        batch.append(listed)
        size_bytes += listed.size_bytes
    if batch:
        yield batch
