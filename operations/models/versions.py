"""Model versions of a deployment; see `alsolike.registry.versions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.bundle.manifest import Manifest
from alsolike.registry.bundle_files import BundleFiles, DamagedFile
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.versions import ModelVersion, ModelVersions
from operations.client.deployment import Deployment
from operations.progress import counted


def of(deployment: Deployment) -> ModelVersions:
    names = deployment.names
    return ModelVersions(
        deployment.client("s3"),
        deployment.client("sagemaker"),
        bucket=names.artefact_bucket,
        group=names.model_package_group,
    )


def pointer(deployment: Deployment) -> Registry:
    return Registry(deployment.client("s3"), deployment.names.artefact_bucket)


def manifest(deployment: Deployment, version: str) -> Manifest:
    return of(deployment).manifest(version)


def status(model_version: ModelVersion, *, damaged: Sequence[DamagedFile] = ()) -> str:
    return model_version.status + ", forced" * model_version.forced + ", damaged" * bool(damaged)


def damaged(deployment: Deployment) -> Mapping[str, tuple[DamagedFile, ...]]:
    return _bundles(deployment).all_damaged(pointer(deployment).champion())


def damaged_files_of(deployment: Deployment, version: str) -> tuple[DamagedFile, ...]:
    return _bundles(deployment).damaged(version)


def _bundles(deployment: Deployment) -> BundleFiles:
    return BundleFiles(deployment.client("s3"), deployment.names.artefact_bucket)


def damage_sentence(damaged: Sequence[DamagedFile]) -> str:
    return f"damaged: {', '.join(map(str, damaged))}; repair it with `alsolike models repair`"


def left_out(manifest: Manifest) -> Mapping[str, str]:
    """Return the reasons for skipped algorithms by name. Empty for bundles of earlier releases."""
    left_out: Mapping[str, str] = manifest.metrics.get("left_out", {})
    return left_out


def reranker(manifest: Manifest) -> str | None:
    """Return a sentence on the reranker and its metrics. None for bundles of earlier releases."""
    figures: Mapping[str, Any] = manifest.metrics.get("reranker") or {}
    sentence: str | None = figures.get("sentence")
    return sentence


def selection(manifest: Manifest) -> list[str]:
    """Return the reason for the selected algorithm, and its settings. Empty for bundles of earlier releases."""
    reason = manifest.metrics.get("selection")
    settings = (
        entry.get("settings")
        for entry in manifest.metrics.get("candidates", ())
        if entry["algorithm"] == manifest.algorithm
    )
    return [f"{reason}. Its settings: {next(settings, None) or 'defaults'}"] if reason else []


def holdout_title(manifest: Manifest) -> str:
    parts = ["Quality on the test part"]
    if (users := manifest.metrics.get("asked_users")) is not None:
        parts.append(counted(users, "user"))
    if (seen := manifest.metrics.get("seen")) is not None:
        parts.append(f"seen items {seen}")
    return f"{', '.join(parts)} (* selected on the validation part)"
