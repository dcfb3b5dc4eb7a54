"""Models of synthetic shops, which are trained, compared and evaluated one after the other."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alsolike.bundle.bundle import Bundle
from alsolike.registry.decision import Check
from functions.register_model.gate import judge
from functions.register_model.limits import GateLimits
from functions.register_model.serving_check import serving_checks
from model_export.job.hyperparameters import Hyperparameters
from model_export.job.train import train
from tests.unit.model_export.shops import random_sequences, write_dataset

LIMITS = GateLimits(gate_min_interactions=100)
Walks = Mapping[str, Sequence[str]]


def shuffled(walks: Walks, *, days: int) -> Walks:
    """Return walks whose first days are shuffled across users. Popularity remains the same, but the order is lost."""
    early = [item for items in walks.values() for item in items[:days]]
    random.Random(0).shuffle(early)
    return {
        user: [*early[number * days : (number + 1) * days], *items[days:]]
        for number, (user, items) in enumerate(walks.items())
    }


def trained(folder: Path, walks: Walks, *, version: str, champion: Path | None = None, lines: Any = None) -> Path:
    dataset = write_dataset(folder / f"{version}-data", walks)
    if champion is not None:
        (dataset / "champion").symlink_to(champion)
    output = folder / version
    train(
        dataset=dataset,
        output=output,
        hyperparameters=Hyperparameters(run_id=version, algorithms="popularity,transitions"),
        now_ms=0,
        say=[].append if lines is None else lines.append,
    )
    return output


def random_walks(*, users: int, items: int, days: int) -> Walks:
    """Return random sequences of users through the items, mostly in order."""
    sequences = random_sequences(users=users, items=items, length=days)
    return {f"user{user:02d}": [f"item{item:02d}" for item in sequence] for user, sequence in enumerate(sequences)}


def judged(candidate: Path, champion: Path | None = None) -> dict[str, Check]:
    bundle = Bundle(candidate)
    manifest = Bundle(champion).manifest if champion else None
    checks = judge(
        bundle.manifest,
        run_id=bundle.manifest.version,
        champion=manifest.version if manifest else None,
        champion_manifest=manifest,
        limits=LIMITS,
        now_ms=0,
    )
    return {check.name: check for check in (*checks, *serving_checks(bundle, limits=LIMITS))}


def failed(checks: Mapping[str, Check]) -> list[str]:
    return [str(check) for check in checks.values() if not check.passed]
