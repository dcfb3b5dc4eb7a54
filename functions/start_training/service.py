"""Decision whether a training run may start, and selection of its first step."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.declarations.storage import GRAPHS_PREFIX, INTERACTIONS_PREFIX
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.registry.training_lock import TrainingLock
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import MissingSetting, NotFound
from alsolike.runtime.s3 import listed
from alsolike.training.dataset import CHAMPION_FOLDER, IMPORTED_FOLDER, prefix
from functions.start_training.training_run import RunId, Trigger

_BYTES_PER_MB = 1_000_000


AUTO = "auto"

MODEL_FILE = "model.json"
"""File that describes an imported graph, see `model_export.imported.folder`."""


class First(StrEnum):
    """First step of a run, or the reason for not running."""

    DATASET = "dataset"
    CANARY = "canary"
    BUSY = "busy"


class Engine(StrEnum):
    LAMBDA = "lambda"
    SPARK = "spark"


@dataclasses.dataclass(frozen=True, slots=True)
class EngineRule:
    """Rule that selects the engine: a fixed engine or, with `auto`, Spark above a size of the lake's interactions."""

    engine: str
    spark_above_mb: int

    def __post_init__(self) -> None:
        if self.engine not in (AUTO, *Engine):
            raise MissingSetting(f"DATASET_ENGINE is {self.engine!r}, expected {AUTO}, {', '.join(Engine)}")

    def choose(self, stores: Stores) -> Engine:
        if self.engine != AUTO:
            return Engine(self.engine)
        return Engine.SPARK if _exceeds(stores, self.spark_above_mb) else Engine.LAMBDA


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Instructions for the workflow.

    `version` is the version that this run evaluates or trains. `orphan` is a version whose canary this run has ended,
    because the run that supervised the canary is no longer active.
    """

    first: First
    engine: Engine
    reason: str
    version: str
    orphan: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Stores:
    s3: S3Client
    bucket: str
    lake_bucket: str
    lock: TrainingLock
    registry: Registry


def start_training(run: RunId, trigger: Trigger, *, execution_id: str, rule: EngineRule, stores: Stores) -> Start:
    """Acquire the training lock for a run, and prepare the inputs of its steps.

    If another run holds the lock, return `First.BUSY`. Otherwise end a canary that no run supervises. A repeated call
    for the same execution holds the lock already. Raise `ConcurrentUpdate` if another run acquires the lock
    concurrently, or another caller changed the champion pointer, and `NotFound` if a graph to import has no files.
    """
    holder = stores.lock.acquire(execution_id, run_id=run.run_id, now_ms=run.started_ms)
    version = trigger.version or run.run_id
    if holder.execution_id != execution_id:
        reason = f"{trigger}; not started, because run {holder.run_id} is active as execution {holder.execution_id}"
        return Start(First.BUSY, Engine.LAMBDA, reason, version)
    champion, orphan = stores.registry.champion(), None
    if champion and champion.canary and champion.canary.run_id != run.run_id:
        orphan = champion.canary.version
        champion = stores.registry.end_canary(
            champion, reason=f"run {run.run_id} started, and no run supervised the canary"
        )
    if trigger.version is not None:
        return Start(First.CANARY, Engine.LAMBDA, f"{trigger}; tries version {version}", version, orphan)
    if champion is not None:
        _copy(stores, model_prefix(champion.version), f"{prefix(run.run_id)}{CHAMPION_FOLDER}/", last=MANIFEST_FILE)
    if trigger.imported is not None:
        source = f"{GRAPHS_PREFIX}{trigger.imported}/"
        if not _copy(stores, source, f"{prefix(run.run_id)}{IMPORTED_FOLDER}/", last=MODEL_FILE):
            raise NotFound(f"s3://{stores.bucket}/{source} has no files: repeat `alsolike models import`")
    return Start(First.DATASET, rule.choose(stores), str(trigger), version, orphan)


def _exceeds(stores: Stores, megabytes: int) -> bool:
    """Return true if the total size of interaction objects exceeds a limit. Listing stops at the limit."""
    size_bytes = 0
    for entry in listed(stores.s3, stores.lake_bucket, INTERACTIONS_PREFIX):
        size_bytes += entry.size_bytes
        if size_bytes > megabytes * _BYTES_PER_MB:
            return True
    return False


def _copy(stores: Stores, source: str, target: str, *, last: str) -> int:
    """Copy all objects with the prefix `source` to `target`, the object `last` at the end. Return their number."""
    names = [entry.key.removeprefix(source) for entry in listed(stores.s3, stores.bucket, source)]
    for name in sorted(names, key=lambda name: name == last):
        with translate_aws_errors(f"s3://{stores.bucket}/{source}{name}"):
            stores.s3.copy_object(
                Bucket=stores.bucket,
                Key=f"{target}{name}",
                CopySource={"Bucket": stores.bucket, "Key": f"{source}{name}"},
            )
    return len(names)
