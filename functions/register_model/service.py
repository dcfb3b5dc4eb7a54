"""Registration of a training job's output as a version, with the gate's decision."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alsolike.bundle.bundle import Bundle
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.decision import Decision, Decisions
from functions.register_model.gate import judge
from functions.register_model.limits import GateLimits
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.serving_check import serving_checks
from functions.register_model.unpacking import unpack_bundle

MAX_UNPACKED_BYTES = 1_800_000_000
"""Maximum size in bytes of all files for serving, and of each other file. The function's disk stores all these
files."""


def register_model(
    run_id: str,
    *,
    model_data_s3_uri: str,
    training_job_name: str,
    models: ModelStore,
    packages: ModelPackages,
    decisions: Decisions,
    registry: Registry,
    limits: GateLimits,
    now_ms: int,
) -> Decision:
    """Unpack, check, store and register a training job's output. Return the gate's decision.

    A repeated call gives the same state. The first decision counts, even if the champion has changed.
    """
    with tempfile.TemporaryDirectory() as directory:
        bundle = unpack_bundle(models.open(model_data_s3_uri), Path(directory), maximum_bytes=MAX_UNPACKED_BYTES)
        decision = decisions.keep(
            _judge(bundle, run_id=run_id, champion=registry.champion(), models=models, limits=limits, now_ms=now_ms)
        )
        models.upload(bundle.directory, version=run_id)
        packages.register(
            bundle.manifest,
            decision=decision,
            source_uri=models.uri(run_id),
            decision_uri=models.decision_uri(run_id),
            training_job_name=training_job_name,
        )
    return decision


def _judge(
    bundle: Bundle, *, run_id: str, champion: Champion | None, models: ModelStore, limits: GateLimits, now_ms: int
) -> Decision:
    version = champion.version if champion is not None else None
    measure = models.manifest(version) if version is not None else None
    figures = judge(
        bundle.manifest, run_id=run_id, champion=version, champion_manifest=measure, limits=limits, now_ms=now_ms
    )
    checks = (*figures, *serving_checks(bundle, limits=limits))
    return Decision(version=run_id, decided_ms=now_ms, champion=version, checks=checks)
