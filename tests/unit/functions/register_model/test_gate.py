"""The gate's checks of a candidate, with and without a champion."""

import dataclasses
import re
from pathlib import Path

import pytest

from alsolike.declarations.times import DAY_MS
from functions.register_model.limits import GateLimits, falls
from tests.builders.bundles import MANIFEST
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import (
    AGAINST,
    CANDIDATES,
    CHAMPION,
    checks,
    compared,
    failed,
    with_metrics,
    with_winner,
    without_metric,
)


def test_valid_first_candidate_passes_with_its_figures():
    candidate = with_metrics(parity={"histories": 64, "largest_difference": 4.03356693823298e-07})

    assert [str(check) for check in checks(candidate).values()] == [
        "passed: version: the bundle says v1, the run is v1",
        "passed: parity: histories 64, largest difference 4e-07",
        "passed: enough data: 2000 interactions of 100 users, at least 1000 of 50",
        "passed: latest training event: 2026-09-21 14:13:20 UTC, without a champion",
        "passed: algorithms: none was left out",
        "passed: ndcg@10 on the hold-out: table 0.2500, popularity 0.1000",
        "passed: against the champion: there is no champion yet",
        "passed: coverage: 4 of 4 items are recommended, 100.0% of the 4 that 40 lists of 10 could hold, at least 1%",
        "passed: popularity bias: lists are 1.25 times as popular as the histories, at most 10; "
        "those of popularity 3.00 times",
        "passed: reranker: off",
    ]


def aged(age_ms):
    """Return a candidate whose latest training event has this age."""
    return dataclasses.replace(MANIFEST, last_event_ms=NOW_MS + DAY_MS - age_ms)


@pytest.mark.parametrize(
    ("candidate", "limits", "expected"),
    [
        (dataclasses.replace(MANIFEST, version="v0"), {}, ["version"]),
        (with_metrics(parity=None), {}, ["parity"]),
        (with_metrics(parity={}), {}, ["parity"]),
        (with_metrics(parity={"histories": 64, "largest_difference": float("nan")}), {}, ["parity"]),
        (with_metrics(dataset={"interactions": 1_000, "users": 50}), {}, []),
        (with_metrics(dataset={"interactions": 999, "users": 50}), {}, ["enough data"]),
        (with_metrics(dataset={"interactions": 1_000, "users": 49}), {}, ["enough data"]),
        (dataclasses.replace(MANIFEST, algorithm="popularity"), {}, []),
        (aged(0), {"max_age_days": 2}, []),
        (aged(2 * DAY_MS), {"max_age_days": 2}, []),
        (aged(2 * DAY_MS + 1), {"max_age_days": 2}, ["latest training event"]),
        (aged(2 * DAY_MS + 1), {}, []),
        (with_winner(popularity_ratio=10.0), {}, []),
        (with_winner(popularity_ratio=10.01), {}, ["popularity bias"]),
        (with_metrics(asked_users=None), {}, ["coverage"]),
        (with_metrics(k=None), {}, ["coverage"]),
    ],
)
def test_candidate_fails_the_checks_whose_limits_it_misses(candidate, limits, expected):
    assert failed(candidate, **limits) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"popularity": 0.3, "table": 0.29}, "failed: {name}: table 0.2900, popularity 0.3000"),
        ({"popularity": 0.3, "table": 0.3}, "passed: {name}: table 0.3000, popularity 0.3000"),
        ({"popularity": 0.25}, "failed: {name}: "),
        ({"table": 0.25}, "failed: {name}: "),
    ],
)
def test_winner_must_not_be_below_popularity(values, expected):
    name = "ndcg@10 on the hold-out"

    check = checks(with_metrics(candidates=[{"algorithm": key, "ndcg": ndcg} for key, ndcg in values.items()]))[name]

    assert str(check).startswith(expected.format(name=name))
    if len(values) == 2:
        assert check.values == {"ndcg": values["table"], "popularity_ndcg": 0.3}


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
def test_missing_metrics_of_an_earlier_training_fail(metric, expected):
    champion = CHAMPION if metric in ("against_champion", "new_data") else None

    candidate = without_metric(metric)
    if metric == "new_data":
        candidate = dataclasses.replace(candidate, metrics={**candidate.metrics, "against_champion": AGAINST})
    assert failed(candidate, champion) == expected


@pytest.mark.parametrize(
    ("settings", "figures", "champion_excluded"),
    [
        ({"algorithm": "ease"}, "left out: sasrec (too slow); slist (too large)", []),
        (
            {"algorithm": "blend", "parts": [{"algorithm": "ease"}, {"algorithm": "sasrec"}]},
            "warning: the champion uses sasrec; left out: sasrec (too slow); slist (too large)",
            ["sasrec"],
        ),
    ],
)
def test_excluded_algorithms_are_a_warning_if_the_champion_uses_them(settings, figures, champion_excluded):
    champion = dataclasses.replace(CHAMPION, metrics={**CHAMPION.metrics, "settings": settings})
    candidate = with_metrics(left_out={"sasrec": "too slow", "slist": "too large"})

    check = checks(candidate, champion)["algorithms"]

    assert (check.passed, check.figures) == (True, figures)
    assert check.values == {"left_out": 2, "of_champion": champion_excluded}


def test_freshness_check_has_both_times_in_text_and_values():
    day = "2026-09-21 14:13:20 UTC"
    newer = dataclasses.replace(CHAMPION, last_event_ms=NOW_MS + 1_000)

    fresh = checks(compared(), CHAMPION, max_age_days=30)["latest training event"]
    older = checks(compared(), newer)["latest training event"]

    assert fresh.figures == f"{day}, not older than champion v0's of 2026-09-20 14:13:20 UTC"
    champion_ms = NOW_MS - DAY_MS
    assert fresh.values == {
        "last_event_ms": NOW_MS, "age_days": 1.0, "max_age_days": 30, "champion_last_event_ms": champion_ms,
    }  # fmt: skip
    assert older.figures == f"{day}, older than champion v0's of 2026-09-21 14:13:21 UTC"
    assert "max_age_days" not in older.values
    outdated = checks(compared(last_event_ms=champion_ms - DAY_MS), CHAMPION, max_age_days=2)["latest training event"]
    assert (outdated.passed, outdated.values["champion_last_event_ms"]) == (False, champion_ms)
    assert checks(aged(DAY_MS * 11 // 9))["latest training event"].values["age_days"] == 1.22


@pytest.mark.parametrize(("champion_ms", "expected"), [(NOW_MS, []), (NOW_MS + 1, ["latest training event"])])
def test_candidate_with_older_data_than_the_champion_fails(champion_ms, expected):
    champion = dataclasses.replace(CHAMPION, last_event_ms=champion_ms)

    assert failed(compared(), champion) == expected


@pytest.mark.parametrize(
    ("coverage", "asked", "expected"),
    [
        (0.10, 10, []),  # 10 lists of 10 positions can contain all 100 items. They contain 10 items, which is 10%.
        (0.09, 10, ["coverage"]),
        (0.05, 5, []),  # 5 lists could contain 50 items.
        (0.0, 0, ["coverage"]),
    ],
)
def test_coverage_is_relative_to_the_items_that_lists_can_contain(coverage, asked, expected):
    *others, winner = CANDIDATES
    candidate = with_metrics(candidates=[*others, {**winner, "coverage": coverage}], asked_users=asked)

    assert failed(dataclasses.replace(candidate, items=100), min_coverage_percent=10) == expected


def test_coverage_of_a_single_position_is_100_percent():
    candidate = dataclasses.replace(with_metrics(asked_users=1, k=1), items=1)

    check = checks(candidate)["coverage"]

    assert check.values == {"recommended_items": 1, "possible_items": 1, "percent": 100.0, "min_coverage_percent": 1}


def test_gate_check_values_include_metrics_since_the_champion():
    found = checks(compared(), CHAMPION)

    assert found["coverage"].values["since_champion"] == {"candidate": 0.9, "champion": 0.8}
    ratios = {"popularity_ratio": 1.25, "of_popularity": 3.0, "max_popularity_ratio": 10}
    assert found["popularity bias"].values == {**ratios, "since_champion": {"candidate": 1.5, "champion": 2.5}}


@pytest.mark.parametrize("missing", ["candidate", "champion"])
def test_metrics_of_only_one_model_are_not_compared(missing):
    assert "since_champion" not in checks(compared(**{missing: None}), CHAMPION)["coverage"].values  # type: ignore[arg-type]


def test_limits_have_the_defaults_of_the_documentation():
    document = (Path(__file__).parents[4] / "docs/gate.md").read_text()
    written = {name: int(value) for name, value in re.findall(r"`(gate_\w+)` (\d+)", document)}
    written |= {"gate_max_age_days": 0, "max_bundle_mb": 150}  # Settings of the deployment determine both limits.

    assert dataclasses.asdict(GateLimits()) == written


def test_comparison_with_a_limit_ignores_rounding_errors():
    assert not falls(0.19 - 0.2, 0.2, percent=5)
    assert not falls(-1e-9, 0.0, percent=5)
    assert falls(-1.1e-9, 0.0, percent=5)
    assert falls(0.1899 - 0.2, 0.2, percent=5)


@pytest.mark.parametrize(
    ("low", "expected"), [(0.001, []), (0.0, ["reranker"]), (float("nan"), ["reranker"]), (None, ["reranker"])]
)
def test_reranker_must_be_better_than_the_first_stage(low, expected):
    figures = {"on": True, "sentence": "on, NDCG 0.6", "quality": {"ndcg": 0.6, "lead_interval": [low, 0.2]}}

    assert failed(with_metrics(reranker=figures)) == expected
    assert failed(with_metrics(reranker={**figures, "on": False})) == []


def test_reranker_without_an_evaluation_fails_with_the_training_message():
    check = checks(with_metrics(reranker={"on": True, "sentence": "on, not evaluated", "quality": None}))["reranker"]

    assert (check.passed, check.figures) == (False, "on, not evaluated")
