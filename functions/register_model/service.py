"""From a training job's output to a registered version, with the gate's decision on it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alsolike.bundle import Manifest
from alsolike.decision import Decision
from alsolike.registry import Champion, Registry
from functions.register_model.gate import judge
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.unpacking import unpack_bundle


def register_model(
    run_id: str,
    *,
    model_data_s3_uri: str,
    training_job_name: str,
    models: ModelStore,
    packages: ModelPackages,
    registry: Registry,
    max_bundle_bytes: int,
    now_ms: int,
) -> Decision:
    """Unpack, check, keep and register the output of a training job; say whether it may go on trial.

    A repeated call ends in the same state. The champion stays.

    Raises
    ------
    InvalidBundle
        If the output is no sound bundle, or a larger one than `max_bundle_bytes`.
    """
    with tempfile.TemporaryDirectory() as directory:
        bundle = unpack_bundle(models.open(model_data_s3_uri), Path(directory), maximum_bytes=max_bundle_bytes)
        decision = _judge(bundle.manifest, run_id=run_id, champion=registry.champion(), models=models, now_ms=now_ms)
        models.keep(decision)
        models.upload(bundle.directory, version=run_id)
        packages.register(
            bundle.manifest,
            version=run_id,
            approved=decision.passed,
            source_uri=models.uri(run_id),
            training_job_name=training_job_name,
        )
    return decision


def _judge(manifest: Manifest, *, run_id: str, champion: Champion | None, models: ModelStore, now_ms: int) -> Decision:
    measure = models.manifest(champion.version) if champion is not None else None
    return Decision(
        version=run_id,
        decided_ms=now_ms,
        champion=champion.version if champion is not None else None,
        checks=judge(manifest, run_id=run_id, champion=measure),
    )
