import dataclasses
from typing import Any

import pytest

from alsolike.bundle import Manifest
from alsolike.decision import Check
from functions.register_model.gate import judge
from tests.unit.functions.bundles import MANIFEST, METRICS
from tests.unit.functions.factories import NOW_MS


def checks(candidate: Manifest = MANIFEST, champion: Manifest | None = None) -> dict[str, Check]:
    return {check.name: check for check in judge(candidate, run_id="v1", champion=champion)}


def with_metrics(**metrics: Any) -> Manifest:
    return dataclasses.replace(MANIFEST, metrics={**METRICS, **metrics})


def failed(candidate: Manifest = MANIFEST, champion: Manifest | None = None) -> list[str]:
    return [name for name, check in checks(candidate, champion).items() if not check.passed]


def test_sound_first_candidate_passes_with_its_figures() -> None:
    candidate = with_metrics(parity={"histories": 64, "largest_difference": 4.03356693823298e-07})

    assert [str(check) for check in judge(candidate, run_id="v1", champion=None)] == [
        "passed: version: the bundle says v1, the run is v1",
        "passed: parity: histories 64, largest difference 4e-07",
        "passed: ndcg@10 on the hold-out: table 0.2500, popularity 0.1000",
        "passed: latest training event: 2026-09-21 14:13:20 UTC, and there is no champion yet",
    ]


def test_version_of_another_run_fails() -> None:
    assert failed(dataclasses.replace(MANIFEST, version="v0")) == ["version"]


@pytest.mark.parametrize("parity", [None, {}, {"histories": 64, "largest_difference": float("nan")}])
def test_missing_parity_fails(parity: Any) -> None:
    assert failed(with_metrics(parity=parity)) == ["parity"]


def test_winner_below_popularity_fails() -> None:
    candidates = [{"algorithm": "popularity", "ndcg": 0.3}, {"algorithm": "table", "ndcg": 0.29}]

    check = checks(with_metrics(candidates=candidates))["ndcg@10 on the hold-out"]

    assert str(check) == "failed: ndcg@10 on the hold-out: table 0.2900, popularity 0.3000"


def test_popularity_itself_may_win() -> None:
    candidate = dataclasses.replace(MANIFEST, algorithm="popularity")

    assert failed(candidate) == []


def test_missing_figures_fail() -> None:
    assert failed(with_metrics(candidates=[{"algorithm": "table", "ndcg": 0.3}])) == ["ndcg@10 on the hold-out"]


@pytest.mark.parametrize(("champion_ms", "expected"), [(NOW_MS, []), (NOW_MS + 1, ["latest training event"])])
def test_candidate_trained_on_older_data_than_the_champion_fails(champion_ms: int, expected: list[str]) -> None:
    champion = dataclasses.replace(MANIFEST, version="v0", last_event_ms=champion_ms)

    assert failed(MANIFEST, champion) == expected
