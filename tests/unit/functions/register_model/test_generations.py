"""Models of made-up shops, one after the other: trained, compared and judged."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alsolike.bundle import Bundle, Manifest
from alsolike.decision import Check
from functions.register_model.gate import judge
from functions.register_model.limits import Limits
from functions.register_model.serving_check import serving_checks
from model_export.hyperparameters import Hyperparameters
from model_export.train import train
from tests.unit.model_export.shops import random_sequences, write_dataset

LIMITS = Limits(min_interactions=100)
USERS, DAYS, CHAMPIONS_DAYS = 80, 14, 10
Walks = Mapping[str, Sequence[str]]


@pytest.fixture(scope="module")
def walks() -> Walks:
    """Who walks through 20 items, mostly in their order."""
    return {
        f"user{user}": [f"item{item:02d}" for item in sequence]
        for user, sequence in enumerate(random_sequences(users=USERS, items=20, length=DAYS))
    }


def shuffled(walks: Walks, *, days: int) -> Walks:
    """What everybody had in the first days, dealt out anew: as popular as it was, and without any order."""
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


def against(manifest: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = manifest.metrics["against_champion"]
    return found


def test_worse_candidate_is_refused_and_a_better_one_passes(tmp_path: Path, walks: Walks) -> None:
    early = {user: items[:CHAMPIONS_DAYS] for user, items in walks.items()}
    good = trained(tmp_path, early, version="good")
    poor = trained(tmp_path, shuffled(early, days=CHAMPIONS_DAYS), version="poor")
    lines: list[str] = []

    # Of the champion's last day all is true, so that it is told what its users really had last.
    garbled = shuffled(walks, days=CHAMPIONS_DAYS - 1)

    worse = trained(tmp_path, garbled, version="worse", champion=good, lines=lines)
    better = trained(tmp_path, walks, version="better", champion=poor)
    steady = trained(tmp_path, walks, version="steady", champion=good)

    assert failed(judged(good)) == []
    refused = judged(worse, good)["against the champion"]
    assert not refused.passed
    assert refused.values["ahead_interval"][1] < 0
    assert refused.values["asked_users"] > 70
    (said,) = [line for line in lines if line.startswith("against champion good, by ")]
    assert "ahead -" in said
    assert failed(judged(better, poor)) == []
    assert judged(better, poor)["against the champion"].figures.startswith("surely better: ")
    # The champion's own settings on the champion's own data: the very same lists, and fresher.
    assert against(Bundle(steady).manifest)["difference"] == pytest.approx(0, abs=0.02)
    assert failed(judged(steady, good)) == []


def test_training_twice_on_the_same_data_says_that_there_is_nothing_new(tmp_path: Path, walks: Walks) -> None:
    first = trained(tmp_path, walks, version="first")
    second = trained(tmp_path, walks, version="second", champion=first)

    (refused,) = failed(judged(second, first))

    assert refused.endswith("it is not fresher either, so there is nothing new to judge by")
    assert against(Bundle(second).manifest)["asked_users"] == 0
