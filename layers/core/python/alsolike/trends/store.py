"""The store of the trends' counters: one object per shard of the stream, with conditional writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.declarations.storage import TRENDS_PREFIX
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import put_if_unchanged
from alsolike.runtime.struct import struct
from alsolike.trends.trends import ShardCounts

_NOT_FOUND = ("NoSuchKey", "404")


def trends_key(shard_id: str) -> str:
    """Return the key of a shard's object in the artefact bucket."""
    return f"{TRENDS_PREFIX}{shard_id}.tensors"


@struct
class StoredBytes:
    """An object's content with its ETag.

    Attributes
    ----------
    etag
        What a conditional write compares.
    """

    data: bytes
    etag: str


class TrendsStore:
    """The objects of one deployment.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The artefact bucket.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def etags(self) -> Mapping[str, str]:
        """Return the ETag of each object by its key, in the order of the keys.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=TRENDS_PREFIX)
            return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"{self.uri(TRENDS_PREFIX)}: {error}") from error

    def read(self, key: str) -> StoredBytes | None:
        """Return an object, or None if there is none.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return StoredBytes(answer["Body"].read(), answer["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return None
            raise Unavailable(f"{self.uri(key)}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"{self.uri(key)}: {error}") from error

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
        Unavailable
            If S3 does not answer.
        """
        return put_if_unchanged(
            self._client,
            self._bucket,
            key,
            counts.to_bytes(),
            etag=replaces,
            content_type="application/octet-stream",
            conflict=f"{self.uri(key)} was written by another process",
        )

    def uri(self, key: str) -> str:
        """Return the URI of an object, for messages."""
        return f"s3://{self._bucket}/{key}"
