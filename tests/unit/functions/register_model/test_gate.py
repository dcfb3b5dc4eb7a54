"""What a candidate has to show by itself."""

import dataclasses
from typing import Any

import pytest

from tests.builders.bundles import MANIFEST
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import (
    AGAINST,
    CANDIDATES,
    CHAMPION,
    DAY_MS,
    checks,
    compared,
    failed,
    with_metrics,
    with_winner,
    without_metric,
)


def test_sound_first_candidate_passes_with_its_figures() -> None:
    candidate = with_metrics(parity={"histories": 64, "largest_difference": 4.03356693823298e-07})

    assert [str(check) for check in checks(candidate).values()] == [
        "passed: version: the bundle says v1, the run is v1",
        "passed: parity: histories 64, largest difference 4e-07",
        "passed: enough data: 2000 interactions of 100 users, at least 1000 of 50",
        "passed: latest training event: 2026-09-21 14:13:20 UTC, and there is no champion to be fresher than",
        "passed: ndcg@10 on the hold-out: table 0.2500, popularity 0.1000",
        "passed: against the champion: there is no champion yet",
        "passed: coverage: 4 of 4 items are recommended, 100.0% of the 4 that 40 lists of 10 could hold, at least 1%",
        "passed: popularity bias: lists are 1.25 times as popular as what users had, at most 10; "
        "those of popularity 3.00 times",
    ]


def test_version_of_another_run_fails() -> None:
    assert failed(dataclasses.replace(MANIFEST, version="v0")) == ["version"]


@pytest.mark.parametrize("parity", [None, {}, {"histories": 64, "largest_difference": float("nan")}])
def test_missing_parity_fails(parity: Any) -> None:
    assert failed(with_metrics(parity=parity)) == ["parity"]


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ({"interactions": 1_000, "users": 50}, []),
        ({"interactions": 999, "users": 50}, ["enough data"]),
        ({"interactions": 1_000, "users": 49}, ["enough data"]),
    ],
)
def test_too_few_interactions_or_users_fail(dataset: Any, expected: list[str]) -> None:
    assert failed(with_metrics(dataset=dataset)) == expected


def test_winner_below_popularity_fails() -> None:
    candidates = [{"algorithm": "popularity", "ndcg": 0.3}, {"algorithm": "table", "ndcg": 0.29}]

    check = checks(with_metrics(candidates=candidates))["ndcg@10 on the hold-out"]

    assert str(check) == "failed: ndcg@10 on the hold-out: table 0.2900, popularity 0.3000"


def test_popularity_itself_may_win() -> None:
    assert failed(dataclasses.replace(MANIFEST, algorithm="popularity")) == []


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("candidates", ["ndcg@10 on the hold-out", "coverage", "popularity bias"]),
        ("dataset", ["enough data"]),
        ("asked_users", ["coverage"]),
        ("against_champion", ["against the champion"]),
        ("new_data", ["new data"]),
    ],
)
def test_figures_that_an_earlier_training_did_not_record_fail(metric: str, expected: list[str]) -> None:
    champion = CHAMPION if metric in ("against_champion", "new_data") else None

    candidate = without_metric(metric)
    if metric == "new_data":
        candidate = dataclasses.replace(candidate, metrics={**candidate.metrics, "against_champion": AGAINST})
    assert failed(candidate, champion) == expected


@pytest.mark.parametrize(("champion_ms", "expected"), [(NOW_MS, []), (NOW_MS + 1, ["latest training event"])])
def test_candidate_trained_on_older_data_than_the_champion_fails(champion_ms: int, expected: list[str]) -> None:
    champion = dataclasses.replace(CHAMPION, last_event_ms=champion_ms)

    assert failed(compared(), champion) == expected


@pytest.mark.parametrize(("age_days", "expected"), [(0, []), (1, []), (2, [])])
def test_age_within_the_limit_passes(age_days: int, expected: list[str]) -> None:
    candidate = dataclasses.replace(MANIFEST, last_event_ms=NOW_MS + DAY_MS - age_days * DAY_MS)

    assert failed(candidate, max_age_days=2) == expected


def test_older_data_than_the_limit_fail_and_without_a_limit_they_do_not() -> None:
    candidate = dataclasses.replace(MANIFEST, last_event_ms=NOW_MS - DAY_MS - 1)

    assert failed(candidate, max_age_days=2) == ["latest training event"]
    assert failed(candidate) == []


@pytest.mark.parametrize(
    ("coverage", "asked", "expected"),
    [
        (0.10, 10, []),  # 10 of 100 items, as 10 lists of 10 could hold 100: 10%
        (0.09, 10, ["coverage"]),
        (0.05, 5, []),  # 5 lists could hold 50
        (0.0, 0, ["coverage"]),
    ],
)
def test_coverage_is_of_what_the_lists_could_hold(coverage: float, asked: int, expected: list[str]) -> None:
    *others, winner = CANDIDATES
    candidate = with_metrics(candidates=[*others, {**winner, "coverage": coverage}], asked_users=asked)

    assert failed(dataclasses.replace(candidate, items=100), min_coverage_percent=10) == expected


@pytest.mark.parametrize(("ratio", "expected"), [(10.0, []), (10.01, ["popularity bias"])])
def test_lists_that_are_too_popular_fail(ratio: float, expected: list[str]) -> None:
    assert failed(with_winner(popularity_ratio=ratio)) == expected
