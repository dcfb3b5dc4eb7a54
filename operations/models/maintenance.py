"""Repair and retirement of model versions."""

from __future__ import annotations

from alsolike.configuration_document.reader import read_current
from alsolike.registry.retention import ModelFiles, protected
from alsolike.registry.training_lock import TrainingLock
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.names import MODEL_VERSION, MODEL_VERSION_FORM
from operations.client.deployment import Deployment
from operations.models import training_run
from operations.models import versions as model_versions
from operations.models.actions_repair import repair_actions
from operations.models.bundle_repair import repair_bundles
from operations.models.pointer_repair import forget_pointer, repair_pointer


def repair(
    deployment: Deployment, *, version: str | None, without_champion: bool, reason: str, now_ms: int
) -> list[str]:
    """Repair the actions, the training lock, the champion pointer and bundles. Return sentences on the results.

    `version` becomes champion if the pointer is damaged. `without_champion` deletes the pointer. Bundles are then not
    repaired.
    """
    if version is not None and not MODEL_VERSION.fullmatch(version):
        raise InvalidInput(f"the version is {version!r}, expected {MODEL_VERSION_FORM}")
    s3, bucket = deployment.client("s3"), deployment.names.artefact_bucket
    done = repair_actions(s3, bucket)
    runs, lock = training_run.runs(deployment), TrainingLock(s3, deployment.client("stepfunctions"), bucket)
    if lock.is_broken():
        runs.check_idle()
        lock.clear()
        done.append("the training lock was unreadable and is deleted")
    if without_champion:
        forget_pointer(s3, bucket)
        done.append("the champion pointer is deleted; the next version that passes the gate becomes champion")
        return done
    decision = None if version is None else model_versions.of(deployment).decisions.get(version)
    forced = decision is not None and not decision.passed
    champion = repair_pointer(s3, bucket, version=version, reason=reason, now_ms=now_ms, forced=forced)
    if champion is not None:
        done.append(f"{champion.version} is champion; the champion pointer is readable")
    return done + repair_bundles(s3, bucket, reason=reason, now_ms=now_ms)


def retire(deployment: Deployment, version: str, *, now_ms: int) -> int:
    bucket = deployment.names.artefact_bucket
    experiments = read_current(deployment.client("s3"), bucket).configuration().experiments.values()
    keeps = protected(model_versions.pointer(deployment).champion(), experiments, now_ms=now_ms)
    if version in keeps:
        raise InvalidInput(f"model version {version!r} {keeps[version]}; its files are kept")
    deleted = ModelFiles(deployment.client("s3"), bucket).delete(version)
    if not deleted:
        raise NotFound(f"model version {version!r} has no files; `alsolike models list` shows which have")
    return deleted
