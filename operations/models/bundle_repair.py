"""Repair of the champion, previous champions and the canary from earlier versions of their files in S3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.registry.bundle_files import BundleFiles, checked_manifest, object_sha256
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.registry.retention import LAST_GOOD
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, InvalidInput
from alsolike.runtime.s3 import S3Object
from operations.object_versions import ObjectChange, ObjectVersion, apply, read_version, stored_versions


def repair_bundles(client: S3Client, bucket: str, *, reason: str, now_ms: int) -> list[str]:
    """Restore damaged files of the champion, the canary and the last `LAST_GOOD` previous champions.

    Return sentences on the results. If the champion cannot be restored, the latest undamaged one of these previous
    champions replaces it.
    """
    registry, bundles = Registry(client, bucket), BundleFiles(client, bucket)
    champion = registry.champion()
    if champion is None:
        return []
    canary = () if champion.canary is None else (champion.canary.version,)
    done: list[str] = []
    damaged: dict[str, str] = {}
    for version in dict.fromkeys((champion.version, *canary, *champion.predecessors[:LAST_GOOD])):
        if not (files := bundles.damaged(version)):
            continue
        names = restore_files(client, bucket, version)
        if names is None:
            damaged[version] = ", ".join(map(str, files))
        else:
            done.append(f"{version}: restored {', '.join(names)}")
    if champion.version in damaged:
        return [*done, _replace(registry, champion, damaged, reason=reason, now_ms=now_ms)]
    if done:
        registry.note_repair(champion, now_ms=now_ms)
    return [*done, *(f"{version} cannot be restored: {files}" for version, files in damaged.items())]


def _replace(registry: Registry, champion: Champion, damaged: dict[str, str], *, reason: str, now_ms: int) -> str:
    faults = f"{champion.version} cannot be restored: {damaged[champion.version]}"
    for version in champion.predecessors[:LAST_GOOD]:
        if version not in damaged:
            registry.restore(champion, version, reason=f"{reason}: {faults}", now_ms=now_ms)
            return f"{faults}; the previous champion {version} serves"
    raise InvalidInput(f"{faults}; no previous champion is undamaged. Run `alsolike train`, then promote its version")


def restore_files(client: S3Client, bucket: str, version: str) -> list[str] | None:
    """Restore damaged files of a model from the latest object versions that match its manifest.

    Return the names of the restored files. None if some file has no matching object version; then no file is changed.
    """
    bundles = BundleFiles(client, bucket)
    names = [file.name for file in bundles.damaged(version)]
    prefix = model_prefix(version)
    changes: list[ObjectChange] = []
    if MANIFEST_FILE in names:
        change, manifest = _earlier_manifest(client, bucket, version)
        if change is None or manifest is None:
            return None
        changes.append(change)
        names = [file.name for file in bundles.compared(bundles.stored(version), manifest, written_ms=None)]
    else:
        stored = S3Object(client, bucket, f"{prefix}{MANIFEST_FILE}").read()
        manifest = Manifest.from_json(stored.body if stored else b"")
    for name in names:
        source = _earlier_file(client, bucket, f"{prefix}{name}", manifest.files[name])
        if source is None:
            return None
        changes.append(source)
    for change in reversed(changes):  # Restore the manifest last, because a version with a manifest counts as complete.
        with translate_aws_errors(f"s3://{bucket}/{change.key}"):
            apply(client, bucket, change)
    return sorted(change.key.removeprefix(prefix) for change in changes)


def _earlier_manifest(client: S3Client, bucket: str, version: str) -> tuple[ObjectChange | None, Manifest | None]:
    for stored in stored_versions(client, bucket, f"{model_prefix(version)}{MANIFEST_FILE}"):
        try:
            manifest = checked_manifest(read_version(client, bucket, stored), version)
        except InvalidBundle:
            continue
        return _restoring(stored), manifest
    return None, None


def _earlier_file(client: S3Client, bucket: str, key: str, stated: Mapping[str, Any]) -> ObjectChange | None:
    """Return the change that restores the latest stored version with the stated size and hash, or None if no version
    matches.
    """
    for stored in stored_versions(client, bucket, key):
        is_same_size = stored.size == stated["size_bytes"]
        if is_same_size and object_sha256(client, bucket, key, VersionId=stored.version_id) == stated["sha256"]:
            return _restoring(stored)
    return None


def _restoring(stored: ObjectVersion) -> ObjectChange:
    return ObjectChange(stored.key, "restore", stored.version_id, stored.size)
