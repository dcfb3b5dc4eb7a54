"""The store of the trends' counters: one object per shard of the stream, with conditional writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.declarations.storage import TRENDS_PREFIX
from alsolike.runtime.s3 import Content, S3Object, listed
from alsolike.trends.trends import ShardCounts


def trends_key(shard_id: str) -> str:
    """Return the key of a shard's object in the artefact bucket."""
    return f"{TRENDS_PREFIX}{shard_id}.tensors"


class TrendsStore:
    """The objects of one deployment."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def etags(self) -> Mapping[str, str]:
        """Return the ETag of each object by its key, in the order of the keys."""
        return {entry.key: entry.etag for entry in listed(self._client, self._bucket, TRENDS_PREFIX)}

    def read(self, key: str) -> Content | None:
        """Return an object, or None if there is none."""
        return S3Object(self._client, self._bucket, key).read()

    def write(self, key: str, counts: ShardCounts, *, replaces: str | None) -> str:
        """Replace the shard's object that the counts were based on; return the new ETag.

        Parameters
        ----------
        replaces
            The ETag of that object; None if there was none.

        Raises
        ------
        ConcurrentUpdate
            If the object has changed since.
        """
        return S3Object(self._client, self._bucket, key).replace(
            counts.to_bytes(),
            etag=replaces,
            content_type="application/octet-stream",
            conflict=f"{self.uri(key)} was written by another process",
        )

    def uri(self, key: str) -> str:
        """Return the URI of an object, for messages."""
        return f"s3://{self._bucket}/{key}"
