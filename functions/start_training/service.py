"""Deciding what a run does first."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

from functions.start_training.run import Run


class First(StrEnum):
    """Where a run begins."""

    DATASET = "dataset"
    CANARY = "canary"


class Engine(StrEnum):
    """What builds the dataset."""

    LAMBDA = "lambda"
    SPARK = "spark"


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What the workflow is told."""

    first: First
    engine: Engine
    reason: str


def start_training(run: Run, *, version: str | None) -> Start:
    """Return where the run begins: with the canary of a version that is named, else with a dataset."""
    if version is not None:
        return Start(First.CANARY, Engine.LAMBDA, f"{run.run_id} tries version {version}")
    return Start(First.DATASET, Engine.LAMBDA, f"{run.run_id} trains a version")
