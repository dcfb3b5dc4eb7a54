"""Deciding whether a run may go, and what it does first."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from alsolike.errors import MissingSetting
from alsolike.registry import Registry
from alsolike.training_turn import Turn
from functions.start_training.run import Run
from functions.start_training.stores import LakeSize, copy_champion
from functions.start_training.trigger import Trigger

AUTO = "auto"


class First(StrEnum):
    """Where a run begins, or that it does not."""

    DATASET = "dataset"
    CANARY = "canary"
    BUSY = "busy"


class Engine(StrEnum):
    """What builds the dataset."""

    LAMBDA = "lambda"
    SPARK = "spark"


@dataclasses.dataclass(frozen=True, slots=True)
class EngineRule:
    """Which engine builds datasets.

    Parameters
    ----------
    engine
        One always, or `auto`.
    spark_above_mb
        Of the lake's interactions, in 10^6 bytes: past that, `auto` is Spark.

    Raises
    ------
    MissingSetting
        If `engine` is neither.
    """

    engine: str
    spark_above_mb: int

    def __post_init__(self) -> None:
        if self.engine not in (AUTO, *Engine):
            raise MissingSetting(f"DATASET_ENGINE is {self.engine!r}, expected {AUTO}, {', '.join(Engine)}")

    def choose(self, lake: LakeSize) -> Engine:
        """Return the engine for what the lake holds now."""
        if self.engine != AUTO:
            return Engine(self.engine)
        return Engine.SPARK if lake.exceeds(self.spark_above_mb) else Engine.LAMBDA


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What the workflow is told.

    Attributes
    ----------
    version
        The one that this run is about: the one that it tries, or makes.
    orphan
        A version whose trial this run has ended, for the run that looked after it does so no more.
    """

    first: First
    engine: Engine
    reason: str
    version: str
    orphan: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Stores:
    """Where a run looks."""

    s3: Any
    bucket: str
    turn: Turn
    lake: LakeSize
    registry: Registry


def start_training(run: Run, trigger: Trigger, *, execution_id: str, rule: EngineRule, stores: Stores) -> Start:
    """Take the turn for a run, and prepare what its steps need.

    Calling it again for the same execution gives the same.

    Raises
    ------
    ConcurrentUpdate
        If another run took the turn, or somebody wrote the champion pointer, at the same time.
    Unavailable
        If a service does not answer.
    """
    holder = stores.turn.take(execution_id, run_id=run.run_id, now_ms=run.started_ms)
    version = trigger.version or run.run_id
    if holder is not None:
        reason = f"{trigger}; not now, for run {holder.run_id} goes on as execution {holder.execution_id}"
        return Start(First.BUSY, Engine.LAMBDA, reason, version)
    champion, orphan = stores.registry.champion(), None
    if champion and champion.canary and champion.canary.run_id != run.run_id:
        orphan = champion.canary.version
        champion = stores.registry.end_canary(champion, reason=f"run {run.run_id} began, and nobody looked after it")
    if trigger.version is not None:
        return Start(First.CANARY, Engine.LAMBDA, f"{trigger}; tries version {version}", version, orphan)
    if champion is not None:
        copy_champion(stores.s3, stores.bucket, champion.version, run_id=run.run_id)
    return Start(First.DATASET, rule.choose(stores.lake), str(trigger), version, orphan)
