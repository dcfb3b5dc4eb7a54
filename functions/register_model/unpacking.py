"""Unpacking of a training job's model.tar.gz, which contains only a bundle."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import CONTENT_FILE, FILES, MANIFEST_FILE, PUBLIC_FILE
from alsolike.runtime.errors import InvalidBundle

HEADER_BYTES = 100_000
"""Maximum number of bytes for a file's headers. tarfile keeps extended headers of any size in memory."""


def unpack_bundle(archive: IO[bytes], directory: Path, *, maximum_bytes: int) -> Bundle:
    """Unpack a stream of model.tar.gz into an empty directory, verify every checksum and open the bundle.

    Raise `InvalidBundle` if the archive is unreadable, contains unexpected or duplicate files, or does not match its
    manifest. Raise it also if the served files together, or another file, exceed `maximum_bytes`.
    """
    try:
        stream = _Limited(gzip.GzipFile(fileobj=archive))
        with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]  # reads only
            for member in _bundle_files(tar, maximum_bytes=maximum_bytes):
                stream.allow(member.size)
                tar.extract(member, directory, filter="data")
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, RecursionError, ValueError) as error:
        raise InvalidBundle(f"model.tar.gz cannot be unpacked: {error}") from error
    return Bundle(directory, files=FILES)


class _Limited:
    """Reader of the decompressed archive with a size limit."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._left = HEADER_BYTES

    def allow(self, size_bytes: int) -> None:
        """Set the limit to the data of a file and the headers of the next file."""
        self._left = size_bytes + HEADER_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InvalidBundle(f"model.tar.gz has headers of more than {HEADER_BYTES} bytes")
        return data


def _bundle_files(tar: tarfile.TarFile, *, maximum_bytes: int) -> Iterator[tarfile.TarInfo]:
    """Yield the bundle's files at the top level of the archive. Sizes are checked before files are written."""
    size_bytes, names = 0, set()
    for member in tar:
        if member.isdir() and member.name in (".", "./"):
            continue
        name = member.name.removeprefix("./")
        if not member.isreg() or member.issparse() or name not in (*FILES, MANIFEST_FILE):
            raise InvalidBundle(f"model.tar.gz contains {member.name!r}, which is not part of a model bundle")
        if name in names:
            raise InvalidBundle(f"model.tar.gz contains {member.name!r} twice")
        names.add(name)
        size_bytes += member.size if name not in (CONTENT_FILE, PUBLIC_FILE) else 0
        if member.size < 0 or max(size_bytes, member.size) > maximum_bytes:
            raise InvalidBundle(f"model.tar.gz contains more than {maximum_bytes} bytes with {member.name!r}")
        yield member
