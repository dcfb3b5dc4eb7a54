"""Import of a graph that another trainer exported, see docs/models.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alsolike.declarations.storage import GRAPHS_PREFIX
from alsolike.registry.versions import RETIRED, ModelVersion
from alsolike.runtime.errors import InvalidBundle, NotFound
from alsolike.runtime.s3 import upload
from operations import extras
from operations.client.deployment import Deployment
from operations.models import training_run
from operations.models import versions as model_versions

if TYPE_CHECKING:
    from model_export.imported.folder import Folder

_ALGORITHM = "imported"


def check(directory: Path) -> Folder:
    """Check a folder and run its graph."""
    extras.require("onnxruntime")
    from model_export.imported.checks import check_folder

    return check_folder(directory)


def imported_version(deployment: Deployment, folder: Folder) -> ModelVersion | None:
    """Return the latest version that contains the graph and has files, or None."""
    versions = model_versions.of(deployment)
    for version in versions.all():
        if version.algorithm != _ALGORITHM or version.status == RETIRED:
            continue
        try:
            figures = versions.manifest(version.version).metrics.get("imported") or {}
        except (NotFound, InvalidBundle):  # Other commands report the damaged version.
            continue
        if figures.get("sha256") == folder.sha256:
            return version
    return None


def start(deployment: Deployment, folder: Folder, *, reason: str) -> str:
    """Upload the files, start the run that evaluates the graph, and return the execution's ARN."""
    bucket = deployment.names.artefact_bucket
    for name in folder.files:
        key = f"{GRAPHS_PREFIX}{folder.sha256}/{name}"
        upload(deployment.client("s3"), bucket, key, folder.directory / name)
    return training_run.start(deployment, reason=reason, imported=folder.sha256)
