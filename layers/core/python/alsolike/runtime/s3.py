"""Operations on S3 objects: conditional reads and writes, transfers of files, and scans of a prefix."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from alsolike.runtime.aws_errors import CONDITION_FAILED, MISSING, NOT_MODIFIED, translate_aws_errors
from alsolike.runtime.client_protocols import PagedClient, S3Client
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable

_CHUNK_BYTES = 1 << 20
_MAX_DELETED = 1_000  # S3's limit per request.

T = TypeVar("T")


class Content(NamedTuple):
    body: bytes
    etag: str


class Unchanged(enum.Enum):
    """Type of `UNCHANGED`, the result of a conditional read of an unchanged object."""

    UNCHANGED = enum.auto()


UNCHANGED: Final = Unchanged.UNCHANGED


class S3Object:
    """Existing or missing object. Methods raise `Unavailable` if S3 does not respond or rejects the request.

    For a missing object or an unmet condition, methods return None, false or `UNCHANGED`. Only `replace` and `update`
    raise `ConcurrentUpdate` if the object is not in the expected state.
    """

    __slots__ = ("_bucket", "_client", "_key")

    def __init__(self, client: S3Client, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def read(self) -> Content | None:
        return self._get(MISSING)

    def read_if_changed(self, etag: str | None) -> Content | Unchanged | None:
        """Return the content, or `UNCHANGED` if the object has this ETag, or None if the object does not exist."""
        try:
            return self._get(MISSING, **({"IfNoneMatch": etag} if etag else {}))
        except Unavailable as error:
            if etag and error.code in NOT_MODIFIED:
                return UNCHANGED
            raise

    def read_if_unchanged(self, etag: str) -> Content | None:
        return self._get(MISSING | CONDITION_FAILED, IfMatch=etag)

    def etag(self) -> str | None:
        try:
            with translate_aws_errors(self.uri):
                return str(self._client.head_object(Bucket=self._bucket, Key=self._key)["ETag"])
        except Unavailable as error:
            if error.code in MISSING:
                return None
            raise

    def was_deleted(self) -> bool:
        """Return true if the object of a versioned bucket was deleted. The result is false if it was never written."""
        try:
            with translate_aws_errors(self.uri):
                self._client.head_object(Bucket=self._bucket, Key=self._key)
        except Unavailable as error:
            if error.code not in MISSING:
                raise
            metadata = getattr(error.__cause__, "response", {}).get("ResponseMetadata", {})
            return bool(metadata.get("HTTPHeaders", {}).get("x-amz-delete-marker") == "true")
        return False

    def write(self, body: bytes, *, content_type: str | None = "application/json") -> None:
        self._put(body, content_type, {})

    def create(self, body: bytes, *, content_type: str | None = "application/json") -> bool:
        """Write the object unless it exists. Return true if it was written.

        The result can be false although this call wrote the object, because botocore retries a request whose response
        was lost.
        """
        try:
            self._put(body, content_type, {"IfNoneMatch": "*"})
        except Unavailable as error:
            if error.code in CONDITION_FAILED:
                return False
            raise
        return True

    def replace(
        self,
        body: bytes,
        *,
        etag: str | None,
        content_type: str | None = "application/json",
        cache_control: str | None = None,
        conflict: str | None = None,
    ) -> str:
        """Replace the object if it has this ETag, or create it if `etag` is empty. Return the new ETag.

        An existing object with the same content counts as written by this call, because botocore retries a request
        whose response was lost, and the retry then finds the object of the first attempt.
        """
        caching = {"CacheControl": cache_control} if cache_control else {}
        try:
            return self._put(body, content_type, {**caching, **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"})})
        except Unavailable as error:
            if error.code not in CONDITION_FAILED | MISSING:  # MISSING is the code for IfMatch with a missing object.
                raise
            stored = self.read()
            if stored is None or stored.body != body:
                raise ConcurrentUpdate(conflict or f"{self.uri} changed meanwhile; look again") from error
            return stored.etag

    def update(self, change: Callable[[Content | None], tuple[T, bytes | None]], *, attempts: int) -> T:
        """Read the object, and write the body that `change` returns. Both steps are retried after a concurrent update.

        Parameters
        ----------
        change
            Function that returns the result of this method and the new body. A body of None leaves the object
            unchanged.
        """
        for _ in range(attempts):
            stored = self.read()
            result, body = change(stored)
            if body is None:
                return result
            try:
                self.replace(body, etag=stored.etag if stored else None)
            except ConcurrentUpdate:
                continue
            return result
        raise ConcurrentUpdate(f"{self.uri} changed {attempts} times while it was updated")

    def delete(self, *, etag: str | None = None) -> bool:
        """Delete the object, or with `etag`, only an object with this ETag. Return false if no object has this ETag."""
        try:
            with translate_aws_errors(self.uri):
                condition = {"IfMatch": etag} if etag else {}
                self._client.delete_object(Bucket=self._bucket, Key=self._key, **condition)
        except Unavailable as error:
            if etag and error.code in CONDITION_FAILED | MISSING:
                return False
            raise
        return True

    def _get(self, absent: frozenset[str], **condition: str) -> Content | None:
        """Return the content, or None if S3 answers with one of the error codes `absent`."""
        try:
            with translate_aws_errors(self.uri):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **condition)
                return Content(answer["Body"].read(), answer["ETag"])
        except Unavailable as error:
            if error.code in absent:
                return None
            raise

    def _put(self, body: bytes, content_type: str | None, headers: dict[str, str]) -> str:
        described = {"ContentType": content_type} if content_type else {}
        with translate_aws_errors(self.uri):
            answer = self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body, **described, **headers)
            return str(answer["ETag"])


def download(
    client: S3Client,
    bucket: str,
    key: str,
    path: Path,
    *,
    check_time: Callable[[], None] = lambda: None,
    on_chunk: Callable[[bytes], None] = lambda chunk: None,
) -> None:
    """Write an object to a file. An interrupted download leaves a partial file.

    Parameters
    ----------
    check_time
        Function that is called repeatedly during the download. An exception stops the download.
    """
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        body = client.get_object(Bucket=bucket, Key=key)["Body"]
        with path.open("wb") as file:
            while chunk := body.read(_CHUNK_BYTES):
                check_time()
                on_chunk(chunk)
                file.write(chunk)


def upload(client: S3Client, bucket: str, key: str, path: Path) -> None:
    """Store a file as an object. Large files are uploaded in parts."""
    from boto3.exceptions import S3UploadFailedError  # Slow imports that only uploads need.
    from boto3.s3.transfer import S3Transfer

    try:
        with translate_aws_errors(f"s3://{bucket}/{key}"):
            S3Transfer(client).upload_file(str(path), bucket, key)
    except S3UploadFailedError as error:
        raise Unavailable(f"s3://{bucket}/{key}: {error}") from error


MAX_CONCURRENT_READS = 4
"""Default number of concurrent reads, as a compromise between throughput and memory."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """Object with its content. `body` is None if the object was deleted after the listing."""

    key: str
    etag: str
    body: bytes | None
    modified_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    key: str
    etag: str
    modified_ms: int
    size_bytes: int


def listed(client: PagedClient, bucket: str, prefix: str, *, after: str = "", since_ms: int = 0) -> Iterator[Listed]:
    """Yield the objects with a prefix in the order of their keys."""
    for page in _pages(client, bucket, prefix, **({"StartAfter": after} if after else {})):
        for entry in page.get("Contents", []):
            modified_ms = int(entry["LastModified"].timestamp() * 1000)
            if modified_ms >= since_ms:
                yield Listed(entry["Key"], entry["ETag"], modified_ms, entry["Size"])


def folders(client: PagedClient, bucket: str, prefix: str) -> list[str]:
    """Return the folders directly below a prefix, sorted."""
    pages = _pages(client, bucket, prefix, Delimiter="/")
    return [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]


def _pages(client: PagedClient, bucket: str, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
    with translate_aws_errors(f"s3://{bucket}/{prefix}"):
        yield from client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options)


def delete_objects(client: S3Client, bucket: str, keys: Sequence[str]) -> None:
    """Delete objects. Missing objects count as deleted."""
    for first in range(0, len(keys), _MAX_DELETED):
        objects = [{"Key": key} for key in keys[first : first + _MAX_DELETED]]
        with translate_aws_errors(f"s3://{bucket}/{objects[0]['Key']}"):
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for refused in answer.get("Errors", []):
            raise Unavailable(f"s3://{bucket}/{refused['Key']} cannot be deleted: {refused.get('Message')}")


def scan(
    client: S3Client,
    bucket: str,
    prefix: str,
    *,
    after: str = "",
    since_ms: int = 0,
    at_once: int = MAX_CONCURRENT_READS,
    wanted: Callable[[Listed], bool] = lambda entry: True,
) -> Iterator[StoredObject]:
    """Yield the objects of `listed` with their contents in the order of their keys. The reads are concurrent."""
    ahead: collections.deque[Future[StoredObject]] = collections.deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for entry in listed(client, bucket, prefix, after=after, since_ms=since_ms):
                if not wanted(entry):
                    continue
                ahead.append(pool.submit(_get, client, bucket, entry))
                if len(ahead) == at_once:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _get(client: S3Client, bucket: str, entry: Listed) -> StoredObject:
    content = S3Object(client, bucket, entry.key).read()
    if content is None:
        return StoredObject(entry.key, "", None, entry.modified_ms)
    return StoredObject(entry.key, content.etag, content.body, entry.modified_ms)
