"""A scan of all objects below a prefix by key, a few at once, which can be resumed."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.clients import ObjectLister, ObjectReader, PagedClient
from alsolike.errors import Unavailable

AT_ONCE = 4
"""Objects that are read ahead: enough to keep the network busy, few enough to hold in memory."""

_GONE = ("NoSuchKey", "404")


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was read; `body` is None if it went between being listed and being read."""

    key: str
    etag: str
    body: bytes | None
    modified_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """An existing object."""

    key: str
    etag: str
    modified_ms: int


def listed(client: PagedClient, bucket: str, prefix: str, *, after: str = "", since_ms: int = 0) -> Iterator[Listed]:
    """Yield the objects below a prefix by key.

    Parameters
    ----------
    after
        Start after this key.
    since_ms
        Skip objects written earlier.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    try:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, **({"StartAfter": after} if after else {})
        )
        for page in pages:
            for entry in page.get("Contents", []):
                modified_ms = int(entry["LastModified"].timestamp() * 1000)
                if modified_ms >= since_ms:
                    yield Listed(entry["Key"], entry["ETag"], modified_ms)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"s3://{bucket}/{prefix}: {error}") from error


def scan(
    client: ObjectLister,
    bucket: str,
    prefix: str,
    *,
    after: str = "",
    since_ms: int = 0,
    at_once: int = AT_ONCE,
    wanted: Callable[[str], bool] = lambda key: True,
) -> Iterator[StoredObject]:
    """Yield the objects below a prefix with their contents, by key; see `listed`.

    Parameters
    ----------
    wanted
        Returns true for keys whose object must be read.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    ahead: collections.deque[Future[StoredObject]] = collections.deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for entry in listed(client, bucket, prefix, after=after, since_ms=since_ms):
                if not wanted(entry.key):
                    continue
                ahead.append(pool.submit(_get, client, bucket, entry))
                if len(ahead) == at_once:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _get(client: ObjectReader, bucket: str, entry: Listed) -> StoredObject:
    key = entry.key
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        return StoredObject(key, answer["ETag"], answer["Body"].read(), entry.modified_ms)
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return StoredObject(key, "", None, entry.modified_ms)
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
