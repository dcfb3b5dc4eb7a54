"""Candidate compared with the champion: clearly better, equal but newer, or rejected."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.declarations.times import DAY_MS
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import (
    AGAINST,
    CANDIDATES,
    CHAMPION,
    against,
    checks,
    compared,
    failed,
    with_metrics,
)

WAITING = "it waits for more interactions, or for `alsolike models promote v1`"


@pytest.mark.parametrize(
    ("candidate", "text"),
    [
        (
            compared(),
            "passed: against the champion: significantly better: ndcg@10 0.2200, champion v0 0.2000, "
            "ahead by +0.0100 to +0.0300, by 60 users since 2026-09-20 14:13:20 UTC",
        ),
        (compared(candidate=None, reason="no list"), f"waits: against the champion: no list; {WAITING}"),
        (compared(champion=None, reason="no list"), f"waits: against the champion: no list; {WAITING}"),
        (
            compared(
                candidate=None, champion=None, refusal="nothing new", reason="no user came", asked_users=0,
                last_event_ms=CHAMPION.last_event_ms,
            ),
            "failed: against the champion: no user came; it is not fresher, so there is nothing new to evaluate",
        ),
        (
            compared(candidate=None, champion=None, version=None, refusal="broken", reason="graph.onnx is cut"),
            "passed: against the champion: the bundle of champion v0 did not run, so there is no comparison: "
            "graph.onnx is cut",
        ),
        (
            compared(version="v-1"),
            "failed: against the champion: the candidate was compared with v-1, the champion is v0; train again",
        ),
        (
            with_metrics(against_champion=None),
            "failed: against the champion: the candidate was compared with no champion, the champion is v0; "
            "train again",
        ),
    ],
    ids=["better", "no list of the candidate", "no list of the champion", "same data", "broken champion",
         "replaced champion", "champion of the first training"],
)  # fmt: skip
def test_comparison_with_the_champion_has_its_result_and_reason(candidate, text):
    assert str(against(candidate)) == text


def test_comparison_check_has_its_values():
    assert against(compared()).values == {
        "ndcg": 0.22, "champion_ndcg": 0.2, "ahead": 0.02, "ahead_interval": [0.01, 0.03], "asked_users": 60,
        "hit_users": 40, "targets": 90, "since_ms": NOW_MS - DAY_MS, "margin_percent": 2, "fresher": True,
    }  # fmt: skip
    assert against(compared(candidate=None)).values == {"asked_users": 60, "min_compared_users": 30}
    assert against(compared(asked_users=None)).values["asked_users"] == 0


def test_comparison_without_an_interval_waits():
    check = against(compared(ahead=None))

    assert (check.passed, check.waits) == (False, True)
    assert "ahead by" not in check.figures
    assert check.values["ahead_interval"] == [None, None]


def test_thirty_users_are_enough_for_a_comparison():
    worse = {**AGAINST["candidate"], "ndcg": 0.1}  # type: ignore[dict-item]

    assert against(compared(asked_users=30, ahead=[-0.2, -0.1], candidate=worse)).figures.startswith(
        "significantly more than 2% below: "
    )


def test_slices_of_another_champion_or_few_users_are_not_compared():
    fallen = {"users": 30, "candidate": 0.1, "champion": 0.2, "ahead": [-0.2, -0.1]}
    few = {**fallen, "users": 29}

    replaced = checks(compared(version="v-1", slices={"tail items": fallen}), CHAMPION)["slices"]
    steady = checks(compared(slices={"a": {**fallen, "ahead": [-0.2, 0.1]}, "b": few}), CHAMPION)["slices"]

    assert str(replaced) == "passed: slices: no segment has 30 users"
    assert (
        str(steady) == "passed: slices: none of 1 segments falls significantly by more than 25%; 1 have too few users"
    )


@pytest.mark.parametrize(
    ("ahead", "fresher_ms", "result", "end"),
    [
        ([0.001, 0.01], 0, "passed", "significantly better"),
        ([-0.004, 0.01], 1, "passed", "fresher, and a fall of more than 2% is excluded"),
        ([0.0, 0.0], 1, "passed", "fresher, and a fall of more than 2% is excluded"),
        ([0.0, 0.0], 0, "failed", "neither significantly better nor fresher"),
        ([-0.0041, -0.0039], 1, "waits", f"a fall of more than 2% is not excluded, so {WAITING}"),
        ([-0.0041, 0.1], 0, "failed", "neither significantly better nor fresher"),
        ([-0.1, -0.0041], 1, "failed", "significantly more than 2% below"),
    ],
)  # fmt: skip
def test_confidence_interval_of_the_lead_decides(ahead, fresher_ms, result, end):
    check = against(compared(ahead=ahead, last_event_ms=CHAMPION.last_event_ms + fresher_ms))

    assert str(check).partition(":")[0] == result
    assert check.figures.partition(": ")[0] == end


@pytest.mark.parametrize(
    ("taught", "ahead", "result"),
    [
        ({}, [-0.01, 0.01], "passed"),
        ({"ahead": [-0.0061, 0.1]}, [-0.01, 0.01], "waits"),
        ({"ahead": [None, None]}, [-0.01, 0.01], "waits"),
        ({"users": 29}, [-0.01, 0.01], "waits"),
        ({"hit_users": 9}, [-0.01, 0.01], "waits"),
        # The lead of `taught` does not outweigh the significant loss of `ahead`.
        ({"ahead": [0.1, 0.2]}, [-0.1, -0.01], "failed"),
    ],
)
def test_lead_on_half_of_the_new_interactions_is_evidence(taught, ahead, result):
    figures = {"users": 30, "hit_users": 10, "candidate": 0.3, "champion": 0.3, "ahead": [-0.006, 0.1], **taught}
    metrics = {"new_data": {"interactions": 90, "taught": figures, "foreseen": None}}
    candidate = compared(ahead=ahead)

    check = against(dataclasses.replace(candidate, metrics={**candidate.metrics, **metrics}))

    assert str(check).partition(":")[0] == result


@pytest.mark.parametrize(
    ("imported", "fresher_ms", "waits"), [(False, 1, True), (False, 0, False), (True, 1, True), (True, 0, True)]
)
def test_candidate_with_too_few_users_waits_if_it_is_newer_or_imported(imported, fresher_ms, waits):
    candidate = compared(asked_users=29, last_event_ms=CHAMPION.last_event_ms + fresher_ms)
    metrics = {**candidate.metrics, **({"imported": {"name": "SASRec"}} if imported else {})}

    check = against(dataclasses.replace(candidate, metrics=metrics))

    assert (check.passed, check.waits) == (False, waits)
    assert check.figures.startswith("29 users have new interactions, 30 are needed for a comparison; ")


@pytest.mark.parametrize("hit_users", [9, None])
def test_equal_lists_without_relevant_items_wait(hit_users):
    check = against(compared(hit_users=hit_users, ahead=[0.0, 0.0]))

    assert (check.passed, check.waits) == (False, True)
    assert check.figures.startswith(
        f"{hit_users or 0} of 60 users have a relevant item in either list, 10 are needed; it waits for "
    )


@pytest.mark.parametrize(
    ("candidate", "users", "high", "passed"),
    [
        (0.15, 30, -0.01, True),  # 0.15 is a quarter less than the champion's value.
        (0.1499, 30, -0.01, False),
        (0.1, 29, -0.01, True),  # A comparison requires 30 users.
        (0.1, 30, 0.0, True),  # The interval includes 0, so the difference may be random.
        (0.1, 30, None, True),
    ],
)
def test_slice_that_falls_significantly_above_the_limit_fails(candidate, users, high, passed):
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
def test_better_candidate_passes_every_check_that_a_worse_one_passes(
    ndcg, low, days, coverage, ratio,
    more, later, covers_more, less_popular
):  # fmt: skip
    def candidate(ndcg, low, days, coverage, ratio):
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
