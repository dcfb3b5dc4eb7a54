"""The objects of the lake for readers that are concurrent with compaction and erasure.

A listed object may be deleted before it is read. That is no error: compaction deletes an object only after another one
has held its rows for `MERGE_GRACE_MS`, longer than any reader takes. So a reader that misses the object has the other
one in its list. Rows that retention or an erasure deletes must not be read. Hence the two rules: list first, then read;
skip deleted objects.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.runtime import s3
from alsolike.runtime.clients import ObjectReader, PagedClient

MERGE_GRACE_MS = 3_600_000
"""Time for which the inputs of a merge stay next to its result; a reader may take less, from its listing to its end."""

_DAY = re.compile(r"[a-z]+/[a-z_]+=(?P<date>[^/]+)/.+\.parquet")


@dataclasses.dataclass(frozen=True, slots=True)
class LakeObject:
    """One object of a table.

    Attributes
    ----------
    etag
        Of its content, in quotes as S3 has it.
    """

    key: str
    size_bytes: int
    etag: str
    modified_ms: int

    @property
    def date(self) -> str:
        """Its partition."""
        return self.key.split("/")[1].partition("=")[2]


def list_objects(client: PagedClient, bucket: str, *, prefix: str = INTERACTIONS_PREFIX) -> Iterator[LakeObject]:
    """Yield the Parquet objects below a prefix, by default all interactions, by key: a day's stand together."""
    for entry in s3.listed(client, bucket, prefix):
        if _DAY.fullmatch(entry.key):
            yield LakeObject(entry.key, entry.size_bytes, entry.etag, entry.modified_ms)


def read(client: ObjectReader, bucket: str, listed: LakeObject, *, unchanged: bool = False) -> bytes | None:
    """Return an object's content; None if it was deleted.

    Parameters
    ----------
    unchanged
        If true, return None also if the content has changed since it was listed.
    """
    stored = s3.S3Object(client, bucket, listed.key)
    content = stored.read_if_unchanged(listed.etag) if unchanged else stored.read()
    return content.body if content else None


def batches(objects: Iterable[LakeObject], *, max_bytes: int, max_objects: int) -> Iterator[list[LakeObject]]:
    """Yield the objects in batches within both limits; an object above `max_bytes` is a batch of its own."""
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
