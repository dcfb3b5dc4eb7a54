"""Unpacking a training job's model.tar.gz, which holds a bundle and nothing else."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from alsolike.bundle import CONTENT_FILE, FILES, MANIFEST_FILE, Bundle
from alsolike.errors import InvalidBundle


def unpack_bundle(archive: IO[bytes], directory: Path, *, maximum_bytes: int) -> Bundle:
    """Unpack a stream of model.tar.gz into an empty directory and open the bundle, every checksum compared.

    Raises
    ------
    InvalidBundle
        If the archive is unreadable, holds anything but a bundle's files, or more than `maximum_bytes` of what serving
        reads or of what it does not, or if the bundle is not what its manifest says.
    """
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in _bundle_files(tar, maximum_bytes=maximum_bytes):
                tar.extract(member, directory, filter="data")
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise InvalidBundle(f"model.tar.gz cannot be unpacked: {error}") from error
    return Bundle(directory, files=FILES)


def _bundle_files(tar: tarfile.TarFile, *, maximum_bytes: int) -> Iterator[tarfile.TarInfo]:
    """Yield the bundle's files at the archive's top; sizes are known before anything is written."""
    size_bytes = 0
    for member in tar:
        if member.isdir() and member.name in (".", "./"):
            continue
        name = member.name.removeprefix("./")
        if not member.isfile() or name not in (*FILES, MANIFEST_FILE):
            raise InvalidBundle(f"model.tar.gz holds {member.name!r}, which is no file of a model bundle")
        size_bytes += member.size if name != CONTENT_FILE else 0
        if max(size_bytes, member.size) > maximum_bytes:
            raise InvalidBundle(f"model.tar.gz holds more than {maximum_bytes} bytes, at {member.name!r}")
        yield member
