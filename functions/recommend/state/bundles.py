"""Model bundles, downloaded from the artefact bucket to the local disk and loaded from there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import MANIFEST_FILE, SERVED_FILES
from alsolike.bundle.manifest import Manifest
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, Unavailable
from alsolike.runtime.s3 import download
from functions.recommend.state.model import Model

ANSWER_TIME_MS = 5_000
"""Minimum remaining time of a download in milliseconds, reserved for a started read and the response."""

_UNFINISHED = ".unfinished-"


class BundleCache:
    """Bundles below one local directory, one folder per version.

    A version's folder appears when it is complete. Only this process uses the directory.
    """

    def __init__(self, client: S3Client, bucket: str, directory: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._directory = directory
        self._kept_too: tuple[str, ...] = ()

    def fetch(self, version: str, *, remaining_ms: Callable[[], float]) -> Path:
        """Return the version's folder. If it does not exist, download and verify the bundle.

        An existing folder was verified after its download. Verifying it again would take one second per gigabyte. Raise
        `InvalidBundle` for a missing or damaged file, and `Unavailable` if the download fails, or less than
        `ANSWER_TIME_MS` remain.
        """
        target = self._directory / version
        if target.is_dir():
            return target
        try:
            self._download(version, target, remaining_ms=remaining_ms)
        except OSError as error:
            raise Unavailable(f"{self._uri(version)} cannot be fetched into {self._directory}: {error}") from error
        return target

    def drop(self, version: str) -> None:
        """Delete the files of a version. Existing memory mappings remain valid."""
        shutil.rmtree(self._directory / version, ignore_errors=True)

    def keep_too(self, versions: Sequence[str]) -> None:
        self._kept_too = tuple(versions)

    def keep_only(self, version: str) -> None:
        """Delete all versions except `version` and the versions of `keep_too`.

        An earlier process may have left bundles.
        """
        for folder in self._directory.iterdir():
            if folder.name != version and folder.name not in self._kept_too:
                shutil.rmtree(folder, ignore_errors=True)

    def has_room_for_another(self, version: str) -> bool:
        """Return true if the disk has space for another bundle as large as that of an existing version."""
        size_bytes = sum(file.stat().st_size for file in (self._directory / version).iterdir())
        return shutil.disk_usage(self._directory).free >= size_bytes

    def _download(self, version: str, target: Path, *, remaining_ms: Callable[[], float]) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for folder in self._directory.glob(f"{_UNFINISHED}*"):  # A process that was killed left these folders.
            shutil.rmtree(folder, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(dir=self._directory, prefix=_UNFINISHED))
        try:
            self._download_file(version, MANIFEST_FILE, unfinished, remaining_ms=remaining_ms)
            manifest = Manifest.from_json((unfinished / MANIFEST_FILE).read_bytes())
            for name in manifest.files_of(SERVED_FILES):
                self._download_file(version, name, unfinished, remaining_ms=remaining_ms)
            Bundle(unfinished)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _download_file(self, version: str, name: str, directory: Path, *, remaining_ms: Callable[[], float]) -> None:
        key = f"{model_prefix(version)}{name}"

        def check_time() -> None:
            if remaining_ms() < ANSWER_TIME_MS:
                raise Unavailable(f"s3://{self._bucket}/{key} was not downloaded in time")

        try:
            download(self._client, self._bucket, key, directory / name, check_time=check_time)
        except Unavailable as error:
            if error.code in MISSING:
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist") from error
            raise

    def _uri(self, version: str) -> str:
        return f"s3://{self._bucket}/{model_prefix(version)}"


def load(bundles: BundleCache, version: str, *, remaining_ms: Callable[[], float]) -> Model:
    """Load a version. If its files on the disk are damaged, download it again once.

    Raise `InvalidBundle` if the downloaded version is broken, too.
    """
    try:
        return _opened(bundles, version, remaining_ms=remaining_ms)
    except InvalidBundle:
        bundles.drop(version)
    try:
        return _opened(bundles, version, remaining_ms=remaining_ms)
    except InvalidBundle:
        bundles.drop(version)
        raise


def _opened(bundles: BundleCache, version: str, *, remaining_ms: Callable[[], float]) -> Model:
    model = Model(bundles.fetch(version, remaining_ms=remaining_ms))
    if model.version != version:
        raise InvalidBundle(f"the bundle of {version} contains the version {model.version}")
    return model
