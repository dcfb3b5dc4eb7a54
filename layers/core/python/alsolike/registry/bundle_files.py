"""Integrity check of bundles in the artefact bucket against their manifests."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from alsolike.bundle.files import FILES, MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.s3 import Listed, S3Object, listed

MAX_UPLOAD_MS = 900_000
"""Maximum time between the upload of a bundle's first file and of its manifest, which is the last file."""

_CONNECTIONS = 8
_PART_BYTES = 8 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class DamagedFile:
    name: str
    fault: str

    def __str__(self) -> str:
        return f"{self.name} {self.fault}"


class BundleFiles:
    """Check of the bundles in an artefact bucket against their manifests.

    The gate verified each bundle before the upload. Therefore this check compares the sizes of all files, but the
    contents only of files that were not uploaded together with the manifest. A version is rechecked only if one of its
    objects has changed.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._results: dict[str, tuple[Mapping[str, Listed], tuple[DamagedFile, ...]]] = {}

    def damaged(self, version: str) -> tuple[DamagedFile, ...]:
        return self._damaged(version, self.stored(version))

    def all_damaged(self, champion: Champion | None) -> Mapping[str, tuple[DamagedFile, ...]]:
        """Return the damaged or missing files of all versions, by version.

        A missing manifest counts as damage for the champion, the previous version and the canary. Other versions
        without a manifest count as incomplete uploads, which are ignored.
        """
        named = set() if champion is None else {champion.version, champion.previous}
        if champion is not None and champion.canary is not None:
            named.add(champion.canary.version)
        versions: dict[str, Mapping[str, Listed]] = {version: {} for version in named if version is not None}
        versions |= {
            version: files
            for version, files in self._listed(MODELS_PREFIX).items()
            if version in versions or MANIFEST_FILE in files
        }
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            results = pool.map(lambda entry: self._damaged(*entry), versions.items())
        return {version: damaged for version, damaged in zip(versions, results, strict=True) if damaged}

    def stored(self, version: str) -> Mapping[str, Listed]:
        return self._listed(model_prefix(version)).get(version, {})

    def compared(
        self, files: Mapping[str, Listed], manifest: Manifest, *, written_ms: int | None
    ) -> Iterator[DamagedFile]:
        """Yield the damaged or missing files of a bundle.

        `written_ms` is the time of the manifest's upload in epoch milliseconds; None to read all files.
        """
        for name, stated in sorted(manifest.files.items()):
            entry = files.get(name)
            if entry is None:
                yield DamagedFile(name, "is missing")
            elif entry.size_bytes != stated["size_bytes"]:
                yield DamagedFile(name, f"has {entry.size_bytes:,} bytes, expected {stated['size_bytes']:,}")
            elif (written_ms is None or not written_ms - MAX_UPLOAD_MS <= entry.modified_ms <= written_ms) and (
                object_sha256(self._client, self._bucket, entry.key) != stated["sha256"]
            ):
                yield DamagedFile(name, "differs from its checksum")

    def _listed(self, prefix: str) -> Mapping[str, Mapping[str, Listed]]:
        versions: dict[str, dict[str, Listed]] = {}
        for entry in listed(self._client, self._bucket, prefix):
            version, _, name = entry.key.removeprefix(MODELS_PREFIX).partition("/")
            versions.setdefault(version, {})[name] = entry
        return versions

    def _damaged(self, version: str, files: Mapping[str, Listed]) -> tuple[DamagedFile, ...]:
        known = self._results.get(version)
        if known is not None and known[0] == files:
            return known[1]
        damaged = tuple(self._compare(version, files))
        self._results[version] = files, damaged
        return damaged

    def _compare(self, version: str, files: Mapping[str, Listed]) -> Sequence[DamagedFile]:
        if MANIFEST_FILE not in files:
            return [DamagedFile(MANIFEST_FILE, "is missing")]
        stored = S3Object(self._client, self._bucket, files[MANIFEST_FILE].key).read()
        try:
            manifest = checked_manifest(stored.body if stored else b"", version)
        except InvalidBundle as error:
            return [DamagedFile(MANIFEST_FILE, f"is unreadable: {error}")]
        return [*self.compared(files, manifest, written_ms=files[MANIFEST_FILE].modified_ms)]


def checked_manifest(body: bytes, version: str) -> Manifest:
    manifest = Manifest.from_json(body)
    if manifest.version != version:
        raise InvalidBundle(f"it is of version {manifest.version}")
    for name in manifest.files_of(FILES):
        stated = manifest.files.get(name)
        if not isinstance(stated, dict) or not {"sha256", "size_bytes"} <= stated.keys():
            raise InvalidBundle(f"it lacks the checksum of {name}")
    return manifest


def object_sha256(client: S3Client, bucket: str, key: str, **version: str) -> str:
    """Return the SHA-256 of an object in hexadecimal digits. `VersionId` selects a version of the object."""
    digest = hashlib.sha256()
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        for part in client.get_object(Bucket=bucket, Key=key, **version)["Body"].iter_chunks(_PART_BYTES):
            digest.update(part)
    return digest.hexdigest()
