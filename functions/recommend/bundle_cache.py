"""Model bundles of the artefact bucket on the local disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.bundle import FILES, MANIFEST_FILE
from alsolike.errors import InvalidBundle, Unavailable
from alsolike.registry import model_prefix


class BundleCache:
    """Bundles below one local directory, one folder a version.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The artefact bucket.
    directory
        Where folders appear, each at once and complete.
    """

    def __init__(self, client: Any, bucket: str, directory: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._directory = directory

    def fetch(self, version: str) -> Path:
        """Return the version's folder, downloaded if it is not there yet. Contents are not verified.

        Raises
        ------
        InvalidBundle
            If the version misses a file.
        Unavailable
            If S3 does not answer.
        """
        target = self._directory / version
        if target.is_dir():
            return target
        self._directory.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=self._directory, prefix=".unfinished-"))
        try:
            for name in (*FILES, MANIFEST_FILE):
                self._download(f"{model_prefix(version)}{name}", unfinished / name)
            self._publish(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return target

    def drop(self, version: str) -> None:
        """Remove the version's folder; a process that has it mapped keeps what it has."""
        shutil.rmtree(self._directory / version, ignore_errors=True)

    def _download(self, key: str, path: Path) -> None:
        try:
            self._client.download_file(self._bucket, key, str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist") from error
            raise Unavailable(f"s3://{self._bucket}/{key}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{self._bucket}/{key}: {error}") from error

    @staticmethod
    def _publish(unfinished: Path, target: Path) -> None:
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster; its folder holds the same
            if not target.is_dir():
                raise
