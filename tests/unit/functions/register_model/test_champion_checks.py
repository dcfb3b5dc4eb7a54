"""A candidate compared with the champion: clearly better, equal but newer, or rejected."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.bundle.bundle import Manifest
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import (
    AGAINST,
    CANDIDATES,
    CHAMPION,
    DAY_MS,
    against,
    checks,
    compared,
    failed,
    with_metrics,
)


def test_surely_better_candidate_passes_with_both_figures() -> None:
    check = against(compared())

    assert str(check) == (
        "passed: against the champion: significantly better: ndcg@10 0.2200, champion v0 0.2000, "
        "ahead by +0.0100 to +0.0300, by 60 users since 2026-09-20 14:13:20 UTC"
    )
    assert check.values["asked_users"] == 60
    assert check.values["ahead_interval"] == [0.01, 0.03]


def test_comparison_keeps_its_figures() -> None:
    assert against(compared()).values == {
        "ndcg": 0.22,
        "champion_ndcg": 0.2,
        "ahead": 0.02,
        "ahead_interval": [0.01, 0.03],
        "asked_users": 60,
        "targets": 90,
        "since_ms": NOW_MS - DAY_MS,
        "tolerance_percent": 5,
        "fresher": True,
    }


def test_comparison_without_an_interval_names_none() -> None:
    check = against(compared(ahead=None))

    assert check.passed
    assert "ahead by" not in check.figures
    assert check.values["ahead_interval"] == [None, None]


@pytest.mark.parametrize("missing", ["candidate", "champion"])
def test_comparison_without_figures_of_one_model_passes_a_fresher_candidate(missing: str) -> None:
    nothing: dict[str, Any] = {missing: None}

    check = against(compared(**nothing, reason="no list"))

    assert check.passed
    assert check.figures == "no list; it is fresher"
    assert check.values == {"asked_users": 60, "min_compared_users": 30}


def test_thirty_users_are_compared() -> None:
    worse = {**AGAINST["candidate"], "ndcg": 0.1}  # type: ignore[dict-item]

    assert not against(compared(asked_users=30, ahead=[-0.2, -0.1], candidate=worse)).passed


def test_comparison_without_a_count_of_users_has_none() -> None:
    assert against(compared(asked_users=None)).values["asked_users"] == 0


def test_slices_of_another_champion_or_of_few_users_are_not_compared() -> None:
    fallen = {"users": 30, "candidate": 0.1, "champion": 0.2, "ahead": [-0.2, -0.1]}
    few = {**fallen, "users": 29}

    replaced = checks(compared(version="v-1", slices={"tail items": fallen}), CHAMPION)["slices"]
    steady = checks(compared(slices={"a": {**fallen, "ahead": [-0.2, 0.1]}, "b": few}), CHAMPION)["slices"]

    assert str(replaced) == "passed: slices: no segment has 30 users"
    assert (
        str(steady) == "passed: slices: none of 1 segments falls significantly by more than 25%; 1 have too few users"
    )


def test_surely_better_candidate_need_not_be_fresher() -> None:
    assert against(compared(last_event_ms=CHAMPION.last_event_ms)).passed


@pytest.mark.parametrize(
    ("ndcg", "last_event_ms", "passed", "end"),
    [
        (0.19, NOW_MS, True, "not significantly better, but no more than 5% below, and fresher"),
        (0.1899, NOW_MS, False, "more than 5% below"),
        (0.21, CHAMPION.last_event_ms, False, "neither significantly better nor fresher"),
    ],
)
def test_candidate_about_as_good_has_to_be_fresher(ndcg: float, last_event_ms: int, passed: bool, end: str) -> None:
    candidate = compared(
        candidate={**AGAINST["candidate"], "ndcg": ndcg},  # type: ignore[dict-item]
        ahead=[0.0, 0.01],
        last_event_ms=last_event_ms,
    )

    check = against(candidate)

    assert (check.passed, check.figures.partition(":")[0]) == (passed, end)


@pytest.mark.parametrize(("fresher_ms", "passed"), [(1, True), (0, False)])
def test_by_too_few_users_only_a_fresher_candidate_passes(fresher_ms: int, passed: bool) -> None:
    last_event_ms = CHAMPION.last_event_ms + fresher_ms
    worse = compared(asked_users=29, ahead=[-0.2, -0.1], last_event_ms=last_event_ms)

    check = against(worse)

    assert check.passed is passed
    assert check.figures.startswith("29 users have new interactions, 30 are needed for a comparison; ")


def test_trained_twice_on_the_same_data_there_is_nothing_to_judge_by() -> None:
    nothing: dict[str, Any] = {"refusal": "nothing new", "reason": "nobody came", "candidate": None, "champion": None}

    check = against(compared(**nothing, asked_users=0, last_event_ms=CHAMPION.last_event_ms))

    assert str(check) == (
        "failed: against the champion: nobody came; it is not fresher, so there is nothing new to evaluate"
    )


def test_champion_whose_bundle_did_not_run_is_no_measure() -> None:
    broken: dict[str, Any] = {"refusal": "broken", "reason": "graph.onnx is cut", "candidate": None, "champion": None}

    check = against(compared(**broken, version=None))

    assert check.passed
    assert check.figures == "the bundle of champion v0 did not run, so there is no comparison: graph.onnx is cut"


def test_champion_that_was_replaced_meanwhile_fails_the_check() -> None:
    check = against(compared(version="v-1"))

    assert str(check) == (
        "failed: against the champion: the candidate was compared with v-1, the champion is v0; train again"
    )


def test_champion_that_came_while_the_first_model_was_trained_fails_the_check() -> None:
    check = against(with_metrics(against_champion=None))

    assert str(check) == (
        "failed: against the champion: "
        "the training compared the candidate with no champion, the champion is v0; train again"
    )


@pytest.mark.parametrize(
    ("candidate", "users", "high", "passed"),
    [
        (0.15, 30, -0.01, True),  # a quarter less
        (0.1499, 30, -0.01, False),
        (0.1, 29, -0.01, True),  # too few users
        (0.1, 30, 0.0, True),  # chance
        (0.1, 30, None, True),
    ],
)
def test_slice_that_surely_falls_by_more_than_allowed_fails(
    candidate: float, users: int, high: float | None, passed: bool
) -> None:
    fallen = {"users": users, "candidate": candidate, "champion": 0.2, "ahead": [-0.2, high]}
    steady = {"users": 60, "candidate": 0.2, "champion": 0.2, "ahead": [-0.1, 0.1]}

    check = checks(compared(slices={"tail items": fallen, "new users": steady}), CHAMPION)["slices"]

    assert check.passed is passed
    assert ("tail items" in check.figures) is not passed
    assert "new users" not in check.figures


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 1), st.floats(-0.5, 0.5), st.integers(0, 2), st.floats(0, 1), st.floats(0, 20), st.floats(0, 0.5),
    st.integers(0, 1), st.floats(0, 1), st.floats(0, 10),
)  # fmt: skip
def test_better_candidate_never_fails_where_a_worse_one_passes(
    ndcg: float, low: float, days: int, coverage: float, ratio: float,
    more: float, later: int, covers_more: float, less_popular: float,
) -> None:  # fmt: skip
    def candidate(ndcg: float, low: float, days: int, coverage: float, ratio: float) -> Manifest:
        *others, winner = CANDIDATES
        figures = {**winner, "ndcg": ndcg, "coverage": coverage, "popularity_ratio": ratio}
        each = {"users": 40, "candidate": ndcg, "champion": 0.2, "ahead": [low, low + 0.2]}
        manifest = with_metrics(
            candidates=[*others, figures],
            against_champion={
                **AGAINST, "candidate": {**AGAINST["candidate"], "ndcg": ndcg},  # type: ignore[dict-item]
                "ahead": [low, low + 0.2], "slices": {"tail items": each},
            },
        )  # fmt: skip
        return dataclasses.replace(manifest, last_event_ms=NOW_MS + (days - 2) * DAY_MS)

    worse = candidate(ndcg, low, days, coverage, ratio)
    better = candidate(
        ndcg + more, low + more, days + later, min(1.0, coverage + covers_more), max(0.0, ratio - less_popular)
    )

    assert set(failed(better, CHAMPION)) <= set(failed(worse, CHAMPION))
