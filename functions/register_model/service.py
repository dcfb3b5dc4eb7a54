"""From a training job's output to a registered version, champion if it passes the gate."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from pathlib import Path

from alsolike.bundle import Manifest
from alsolike.errors import ConcurrentUpdate
from alsolike.registry import Champion, Registry
from functions.register_model.gate import judge
from functions.register_model.model_packages import ModelPackages
from functions.register_model.model_store import ModelStore
from functions.register_model.unpacking import unpack_bundle

MAX_JUDGEMENTS = 3
"""How often a candidate is judged again because the champion changed meanwhile."""


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
    max_bundle_bytes: int,
    now_ms: int,
) -> Decision:
    """Unpack, check and register the output of a training job; make it champion if every check passes.

    A repeated call ends in the same state. Whatever fails, the champion stays.

    Raises
    ------
    InvalidBundle
        If the output is no sound bundle, or a larger one than `max_bundle_bytes`.
    ConcurrentUpdate
        If the champion changed each time between judging and promoting.
    """
    with tempfile.TemporaryDirectory() as directory:
        bundle = unpack_bundle(models.open(model_data_s3_uri), Path(directory), maximum_bytes=max_bundle_bytes)
        for _ in range(MAX_JUDGEMENTS):
            champion = registry.champion()
            decision = _judge(bundle.manifest, run_id=run_id, champion=champion, models=models)
            if decision.promoted:
                models.upload(bundle.directory, version=run_id)
            packages.register(
                bundle.manifest,
                version=run_id,
                approved=decision.promoted,
                source_uri=models.uri(run_id) if decision.promoted else model_data_s3_uri,
                training_job_name=training_job_name,
            )
            if not decision.promoted:
                return decision
            reason = f"trained by {training_job_name}, passed the gate"
            with contextlib.suppress(ConcurrentUpdate):
                registry.replace(champion, run_id, reason=reason, now_ms=now_ms)
                return decision
    raise ConcurrentUpdate(f"the champion changed {MAX_JUDGEMENTS} times while {run_id} was judged")


def _judge(manifest: Manifest, *, run_id: str, champion: Champion | None, models: ModelStore) -> Decision:
    measure = models.manifest(champion.version) if champion is not None else None
    checks = judge(manifest, run_id=run_id, champion=measure)
    return Decision(run_id, all(check.passed for check in checks), tuple(str(check) for check in checks))
