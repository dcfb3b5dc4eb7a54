"""Transfers of whole files from and to S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.errors import Unavailable

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
