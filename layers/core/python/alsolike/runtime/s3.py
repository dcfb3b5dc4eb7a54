"""S3 objects: files, scans of a prefix, conditional writes."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.runtime.clients import ObjectClient, ObjectLister, ObjectReader, PagedClient
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable

_CHUNK_BYTES = 1 << 20


def download(client: Any, bucket: str, key: str, path: Path, *, check_time: Callable[[], None] = lambda: None) -> None:
    """Write an object to a file; an interrupted download leaves a partial file.

    Parameters
    ----------
    check_time
        Called during the download; it may raise.

    Raises
    ------
    ClientError, BotoCoreError, OSError
        Errors of the client and the disk.
    """
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    with path.open("wb") as file:
        while chunk := body.read(_CHUNK_BYTES):
            check_time()
            file.write(chunk)


def upload(client: Any, bucket: str, key: str, path: Path) -> None:
    """Store a file as an object, a large one in parts.

    Raises
    ------
    Unavailable
        If S3 does not take it.
    OSError
        If the file cannot be read.
    """
    from boto3.exceptions import S3UploadFailedError  # slow imports that only uploads need
    from boto3.s3.transfer import S3Transfer

    try:
        S3Transfer(client).upload_file(str(path), bucket, key)
    except S3UploadFailedError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error


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


_FAILED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")  # the last: there is no object to match


def put_if_unchanged(
    client: ObjectClient,
    bucket: str,
    key: str,
    body: bytes,
    *,
    etag: str | None,
    content_type: str = "application/json",
    conflict: str | None = None,
) -> str:
    """Write an object in place of the one with this ETag, or of none; return its ETag.

    Botocore repeats a request whose response was lost, and the repeated one finds the object of the first. An object
    with the same content is therefore the caller's own.

    Parameters
    ----------
    conflict
        The message of `ConcurrentUpdate`.

    Raises
    ------
    ConcurrentUpdate
        If another process wrote or deleted the object meanwhile.
    Unavailable
        If S3 does not answer.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        answer = client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **condition)
        return str(answer["ETag"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _FAILED:
            raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
        if (own := _etag_of(client, bucket, key, body)) is None:
            raise ConcurrentUpdate(conflict or f"s3://{bucket}/{key} changed meanwhile; look again") from error
        return own
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error


def _etag_of(client: ObjectClient, bucket: str, key: str, body: bytes) -> str | None:
    """Return the ETag of an object with this content; None if it is missing or different."""
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        return str(answer["ETag"]) if answer["Body"].read() == body else None
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error
