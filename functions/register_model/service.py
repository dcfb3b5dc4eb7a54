"""From a training job's output to a registered version, champion if it passes the gate."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from alsolike.registry import Registry
from functions.register_model.gate import judge
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.unpacking import unpack_bundle


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """Whether a version became champion, and each check that decided it."""

    version: str
    promoted: bool
    reasons: tuple[str, ...]


def register_model(
    run_id: str,
    *,
    model_data_s3_uri: str,
    training_job_name: str,
    models: ModelStore,
    packages: ModelPackages,
    registry: Registry,
    now_ms: int,
) -> Decision:
    """Unpack, check and register the output of a training job; make it champion if every check passes.

    A repeated call ends in the same state. Whatever fails, the champion stays.

    Raises
    ------
    InvalidBundle
        If the output is no sound bundle.
    """
    with tempfile.TemporaryDirectory() as directory:
        bundle = unpack_bundle(models.open(model_data_s3_uri), Path(directory))
        champion = registry.champion()
        checks = judge(
            bundle.manifest,
            run_id=run_id,
            champion=models.manifest(champion.version) if champion is not None else None,
        )
        promoted = all(check.passed for check in checks)
        if promoted:
            models.upload(Path(directory), version=run_id)
    packages.register(
        bundle.manifest,
        version=run_id,
        approved=promoted,
        source_uri=models.uri(run_id) if promoted else model_data_s3_uri,
        training_job_name=training_job_name,
    )
    if promoted:
        registry.promote(run_id, reason=f"trained by {training_job_name}, passed the gate", now_ms=now_ms)
    return Decision(run_id, promoted, tuple(str(check) for check in checks))
