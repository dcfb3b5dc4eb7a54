"""Comparison of bundles in the artefact bucket with their manifests, and the repair of their files."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.bundle.files import FILES, MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.registry.registry import model_prefix
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.s3 import Listed, S3Object, listed
from operations.models.stored_versions import read_version, stored_versions
from operations.recovery.versions import ObjectChange, apply

MAX_UPLOAD_MS = 900_000
"""Maximum time between the upload of a file and that of its manifest, which is the last file."""

_CONNECTIONS = 8
_PART_BYTES = 8 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class DamagedFile:
    """A missing or faulty file of a bundle."""

    name: str
    fault: str

    def __str__(self) -> str:
        return f"{self.name} {self.fault}"


def damaged_files(client: Any, bucket: str, version: str) -> tuple[DamagedFile, ...]:
    """Return the files of a version that differ from its manifest.

    Objects in S3 never change, and the gate verified the bundle before the upload. So only files that were not uploaded
    together with the manifest are read; of the others, the sizes are compared.
    """
    return _damaged(client, bucket, version, _files(client, bucket, model_prefix(version)).get(version, {}))


def damaged_versions(client: Any, bucket: str) -> Mapping[str, tuple[DamagedFile, ...]]:
    """Return the damaged files of all versions with a manifest, by version; see `damaged_files`."""
    versions = _files(client, bucket, MODELS_PREFIX)
    complete = {version: files for version, files in versions.items() if MANIFEST_FILE in files}
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        results = pool.map(lambda entry: _damaged(client, bucket, *entry), complete.items())
    return {version: damaged for version, damaged in zip(complete, results, strict=True) if damaged}


def restore_files(client: Any, bucket: str, version: str) -> list[str] | None:
    """Restore damaged files of a version from the latest stored versions that match the manifest.

    Returns
    -------
        Names of the restored files; None, without a change, if a file has no such version.
    """
    damaged = damaged_files(client, bucket, version)
    names = [file.name for file in damaged]
    prefix = model_prefix(version)
    changes: list[ObjectChange] = []
    if MANIFEST_FILE in names:
        change, manifest = _earlier_manifest(client, bucket, version)
        if change is None or manifest is None:
            return None
        changes.append(change)
        files = _files(client, bucket, prefix).get(version, {})
        names = [file.name for file in _compared(client, bucket, version, files, manifest, written_ms=None)]
    else:
        manifest = Manifest.from_json(_body(client, bucket, version))
    for name in names:
        source = _earlier_file(client, bucket, f"{prefix}{name}", manifest.files[name])
        if source is None:
            return None
        changes.append(source)
    for change in reversed(changes):  # the manifest last: a version with a manifest is complete
        with translate_aws_errors(f"s3://{bucket}/{change.key}"):
            apply(client, bucket, change)
    return sorted(change.key.removeprefix(prefix) for change in changes)


def _files(client: Any, bucket: str, prefix: str) -> Mapping[str, Mapping[str, Listed]]:
    versions: dict[str, dict[str, Listed]] = {}
    for entry in listed(client, bucket, prefix):
        version, _, name = entry.key.removeprefix(MODELS_PREFIX).partition("/")
        versions.setdefault(version, {})[name] = entry
    return versions


def _damaged(client: Any, bucket: str, version: str, files: Mapping[str, Listed]) -> tuple[DamagedFile, ...]:
    if MANIFEST_FILE not in files:
        return (DamagedFile(MANIFEST_FILE, "is missing"),)
    try:
        manifest = _checked_manifest(_body(client, bucket, version), version)
    except InvalidBundle as error:
        return (DamagedFile(MANIFEST_FILE, f"is unreadable: {error}"),)
    return tuple(_compared(client, bucket, version, files, manifest, written_ms=files[MANIFEST_FILE].modified_ms))


def _compared(
    client: Any,
    bucket: str,
    version: str,
    files: Mapping[str, Listed],
    manifest: Manifest,
    *,
    written_ms: int | None,
) -> Iterator[DamagedFile]:
    """Yield the files that differ from a manifest.

    Parameters
    ----------
    written_ms
        Time of the manifest's upload; None to read all files.
    """
    for name, stated in sorted(manifest.files.items()):
        entry = files.get(name)
        if entry is None:
            yield DamagedFile(name, "is missing")
        elif entry.size_bytes != stated["size_bytes"]:
            yield DamagedFile(name, f"has {entry.size_bytes:,} bytes, expected {stated['size_bytes']:,}")
        elif (written_ms is None or not written_ms - MAX_UPLOAD_MS <= entry.modified_ms <= written_ms) and _sha256(
            client, bucket, f"{model_prefix(version)}{name}"
        ) != stated["sha256"]:
            yield DamagedFile(name, "differs from its checksum")


def _body(client: Any, bucket: str, version: str) -> bytes:
    stored = S3Object(client, bucket, f"{model_prefix(version)}{MANIFEST_FILE}").read()
    return stored.body if stored else b""


def _checked_manifest(body: bytes, version: str) -> Manifest:
    manifest = Manifest.from_json(body)
    if manifest.version != version:
        raise InvalidBundle(f"it is of version {manifest.version}")
    for name in manifest.files_of(FILES):
        stated = manifest.files.get(name)
        if not isinstance(stated, dict) or not {"sha256", "size_bytes"} <= stated.keys():
            raise InvalidBundle(f"it states no checksum of {name}")
    return manifest


def _earlier_manifest(client: Any, bucket: str, version: str) -> tuple[ObjectChange | None, Manifest | None]:
    for stored in stored_versions(client, bucket, f"{model_prefix(version)}{MANIFEST_FILE}"):
        try:
            manifest = _checked_manifest(read_version(client, bucket, stored), version)
        except InvalidBundle:
            continue
        return _restoring(stored), manifest
    return None, None


def _earlier_file(client: Any, bucket: str, key: str, stated: Mapping[str, Any]) -> ObjectChange | None:
    """Return the restoration of the latest stored version that matches; None if none does."""
    for stored in stored_versions(client, bucket, key):
        is_same_size = stored["Size"] == stated["size_bytes"]
        if is_same_size and _sha256(client, bucket, key, VersionId=stored["VersionId"]) == stated["sha256"]:
            return _restoring(stored)
    return None


def _restoring(stored: Mapping[str, Any]) -> ObjectChange:
    return ObjectChange(stored["Key"], "restore", stored["VersionId"], stored["Size"])


def _sha256(client: Any, bucket: str, key: str, **version: str) -> str:
    digest = hashlib.sha256()
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        for part in client.get_object(Bucket=bucket, Key=key, **version)["Body"].iter_chunks(_PART_BYTES):
            digest.update(part)
    return digest.hexdigest()


def sentence(damaged: Sequence[DamagedFile]) -> str:
    """Return a sentence on damaged files."""
    return f"damaged: {', '.join(map(str, damaged))}; repair it with `alsolike models repair`"
