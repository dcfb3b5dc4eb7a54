"""Sources of data files: local paths, and objects, prefixes and patterns on S3."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from alsolike.runtime.aws_errors import CONDITION_FAILED, MISSING, translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import listed

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_SCHEME = "s3://"
_READ_BYTES = 1 << 20
_ID_BYTES = 8


@dataclasses.dataclass(frozen=True, slots=True)
class LocalFile:
    """Local data file.

    `content_id` is a hash of the content, in 16 hexadecimal digits. `rejected_path` ignores `flat`, which only
    `SourceObject` needs.
    """

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    def open_arrow(self) -> pa.NativeFile:
        return pa.OSFile(str(self.path))

    def content_id(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_ID_BYTES)).hexdigest()

    def rejected_path(self, *, flat: bool) -> Path:
        return self.path.with_name(f"{self.path.name}.rejected.csv")


@dataclasses.dataclass(frozen=True, slots=True)
class SourceObject:
    """S3 object as it was listed. Reading it fails if it has changed since.

    `flat` puts the complete key into the name of the file for rejected rows, because several objects may have equal
    base names.
    """

    client: S3Client
    bucket: str
    key: str
    size_bytes: int
    etag: str

    @property
    def name(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.key}"

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Ranges(self), _READ_BYTES))

    def open_arrow(self) -> pa.NativeFile:
        return pa.PythonFile(io.BufferedReader(_Ranges(self), _READ_BYTES), mode="r")

    def content_id(self) -> str:
        """Return the hash of the ETag and the size, without downloading the object."""
        return hashlib.blake2b(f"{self.etag} {self.size_bytes}".encode(), digest_size=_ID_BYTES).hexdigest()

    def rejected_path(self, *, flat: bool) -> Path:
        name = self.key.replace("/", "_") if flat else self.key.rsplit("/", 1)[-1]
        return Path(re.sub(r"[^\w.=@ -]", "_", name)[-200:] + ".rejected.csv")


Source = LocalFile | SourceObject


class _Ranges(io.RawIOBase):
    """Reader that requests byte ranges of an object, so that botocore's retries repeat only one range."""

    def __init__(self, source: SourceObject) -> None:
        self._source = source
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._source.size_bytes}[whence]
        self._place = start + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        end = min(self._place + len(buffer), self._source.size_bytes)
        if end <= self._place:
            return 0
        data = self._fetch(self._place, end - 1)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _fetch(self, first: int, last: int) -> bytes:
        source = self._source
        try:
            with translate_aws_errors(source.name):
                answer = source.client.get_object(
                    Bucket=source.bucket, Key=source.key, Range=f"bytes={first}-{last}", IfMatch=source.etag
                )
                return bytes(answer["Body"].read())
        except Unavailable as error:
            if error.code in CONDITION_FAILED:
                raise Unavailable(f"{source.name} changed while it was read; import it again") from error
            raise


def find(names: Sequence[str | Path], s3: Callable[[], Any], *, suffixes: tuple[str, ...] = SUFFIXES) -> list[Source]:
    """Return the files in the order of `names`. Objects of a prefix or pattern are ordered by key.

    A name is a local path, `s3://bucket/key`, `s3://bucket/prefix/` for all data files below it, or a key with the
    wildcards `*` and `?`, which also match slashes.
    """
    sources: list[Source] = []
    for name in names:
        if str(name).startswith(_SCHEME):
            sources += _objects(str(name), s3(), suffixes)
        else:
            path = Path(name)
            if not path.is_file():
                raise InvalidInput(f"{path} does not exist, or is not a file")
            sources.append(LocalFile(path))
    for source in sources:
        if not source.name.lower().endswith(suffixes):
            raise InvalidInput(f"{source.name} has an unknown extension; expected one of {', '.join(suffixes)}")
    return sources


def _objects(uri: str, client: S3Client, suffixes: tuple[str, ...]) -> list[SourceObject]:
    bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise InvalidInput(f"{uri} has no bucket, expected s3://bucket/key")
    plain = re.split(r"[*?]", key, maxsplit=1)[0]
    try:
        with translate_aws_errors(uri):
            if plain != key or not key or key.endswith("/"):
                pattern = key if plain != key else f"{key}*"
                objects = list(_listed(client, bucket, prefix=plain, pattern=pattern, suffixes=suffixes))
            else:
                head = client.head_object(Bucket=bucket, Key=key)
                objects = [SourceObject(client, bucket, key, head["ContentLength"], head["ETag"])]
    except Unavailable as error:
        if error.code in MISSING or error.code == "NoSuchBucket":
            raise InvalidInput(f"{uri} is not an object on S3") from error
        raise
    if not objects:
        raise InvalidInput(f"{uri} matches no data file, expected names that end with one of {', '.join(suffixes)}")
    return objects


def _listed(
    client: S3Client, bucket: str, *, prefix: str, pattern: str, suffixes: tuple[str, ...]
) -> Iterator[SourceObject]:
    fits = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
    for entry in listed(client, bucket, prefix):
        if entry.key.lower().endswith(suffixes) and fits(entry.key):
            yield SourceObject(client, bucket, entry.key, entry.size_bytes, entry.etag)
