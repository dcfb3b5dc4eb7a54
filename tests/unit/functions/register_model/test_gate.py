import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.bundle import Manifest
from alsolike.decision import Check
from functions.register_model.gate import judge
from functions.register_model.limits import Limits
from tests.unit.functions.bundles import MANIFEST, METRICS
from tests.unit.functions.factories import NOW_MS

DAY_MS = 86_400_000
CANDIDATES: list[dict[str, Any]] = METRICS["candidates"]  # type: ignore[assignment]
CHAMPION = dataclasses.replace(MANIFEST, version="v0", last_event_ms=NOW_MS - DAY_MS)
AGAINST = {
    "k": 10,
    "version": "v0",
    "since_ms": NOW_MS - DAY_MS,
    "refusal": None,
    "reason": None,
    "users": 80,
    "asked_users": 60,
    "targets": 90,
    "candidate": {"ndcg": 0.22, "coverage": 0.9, "popularity": 0.01, "popularity_ratio": 1.5},
    "champion": {"ndcg": 0.20, "coverage": 0.8, "popularity": 0.02, "popularity_ratio": 2.5},
    "difference": 0.02,
    "ahead": [0.01, 0.03],
    "slices": {},
}


def checks(candidate: Manifest = MANIFEST, champion: Manifest | None = None, **limits: Any) -> dict[str, Check]:
    found = judge(
        candidate,
        run_id="v1",
        champion=champion.version if champion else None,
        champion_manifest=champion,
        limits=Limits(**limits),
        now_ms=NOW_MS + DAY_MS,
    )
    return {check.name: check for check in found}


def failed(candidate: Manifest = MANIFEST, champion: Manifest | None = None, **limits: Any) -> list[str]:
    return [name for name, check in checks(candidate, champion, **limits).items() if not check.passed]


def with_metrics(**metrics: Any) -> Manifest:
    return dataclasses.replace(MANIFEST, metrics={**METRICS, **metrics})


def without_metric(name: str) -> Manifest:
    return dataclasses.replace(MANIFEST, metrics={key: value for key, value in METRICS.items() if key != name})


def with_winner(**figures: Any) -> Manifest:
    *others, winner = CANDIDATES
    return with_metrics(candidates=[*others, {**winner, **figures}])


def compared(*, last_event_ms: int = NOW_MS, **found: Any) -> Manifest:
    """A candidate that was compared with champion v0; it is a day fresher."""
    candidate = with_metrics(against_champion={**AGAINST, **found})
    return dataclasses.replace(candidate, last_event_ms=last_event_ms)


def against(candidate: Manifest, champion: Manifest = CHAMPION, **limits: Any) -> Check:
    return checks(candidate, champion, **limits)["against the champion"]


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


def test_surely_better_candidate_passes_with_both_figures() -> None:
    check = against(compared())

    assert str(check) == (
        "passed: against the champion: surely better: ndcg@10 0.2200, champion v0 0.2000, ahead by +0.0100 to +0.0300, "
        "by 60 users since 2026-09-20 14:13:20 UTC"
    )
    assert check.values["asked_users"] == 60
    assert check.values["ahead_interval"] == [0.01, 0.03]


def test_surely_better_candidate_need_not_be_fresher() -> None:
    assert against(compared(last_event_ms=CHAMPION.last_event_ms)).passed


@pytest.mark.parametrize(
    ("ndcg", "last_event_ms", "passed", "end"),
    [
        (0.19, NOW_MS, True, "not surely better, but no more than 5% below, and fresher"),
        (0.1899, NOW_MS, False, "more than 5% below"),
        (0.21, CHAMPION.last_event_ms, False, "neither surely better nor fresher"),
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
    assert check.figures.startswith("29 users had something new since, 30 are needed to say more; ")


def test_trained_twice_on_the_same_data_there_is_nothing_to_judge_by() -> None:
    nothing: dict[str, Any] = {"refusal": "nothing new", "reason": "nobody came", "candidate": None, "champion": None}

    check = against(compared(**nothing, asked_users=0, last_event_ms=CHAMPION.last_event_ms))

    assert str(check) == (
        "failed: against the champion: nobody came; it is not fresher either, so there is nothing new to judge by"
    )


def test_champion_whose_bundle_did_not_run_is_no_measure() -> None:
    broken: dict[str, Any] = {"refusal": "broken", "reason": "graph.onnx is cut", "candidate": None, "champion": None}

    check = against(compared(**broken, version=None))

    assert check.passed
    assert check.figures == "champion v0 is no measure, its bundle did not run: graph.onnx is cut"


def test_champion_that_was_replaced_meanwhile_fails_the_check() -> None:
    check = against(compared(version="v-1"))

    assert str(check) == ("failed: against the champion: it was compared with v-1, champion is v0; train again")


def test_champion_that_came_while_the_first_model_was_trained_fails_the_check() -> None:
    check = against(with_metrics(against_champion=None))

    assert str(check) == (
        "failed: against the champion: the training compared it with none, champion is v0; train again"
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


NEW_DATA = {
    "since_ms": NOW_MS - DAY_MS,
    "half_ms": NOW_MS - DAY_MS // 2,
    "interactions": 400,
    "taught": {"users": 60, "candidate": 0.20, "champion": 0.20, "ahead": [-0.02, 0.02]},
    "foreseen": {"before_users": 50, "before": 0.18, "users": 60, "now": 0.17, "difference": [-0.04, 0.02]},
}


def judged_new_data(*, taught: Any = None, foreseen: Any = None, **limits: Any) -> Check:
    found = {
        **NEW_DATA,
        "taught": {**NEW_DATA["taught"], **(taught or {})},  # type: ignore[dict-item]
        "foreseen": {**NEW_DATA["foreseen"], **(foreseen or {})},  # type: ignore[dict-item]
    }
    return checks(with_new_data(found), CHAMPION, **limits)["new data"]


def with_new_data(found: Any) -> Manifest:
    candidate = compared()
    return dataclasses.replace(candidate, metrics={**candidate.metrics, "new_data": found})


def test_new_data_as_what_was_before_passes_with_its_figures() -> None:
    assert str(judged_new_data()) == (
        "passed: new data: 400 interactions are new; half of them taught ndcg 0.2000 on the rest, champion 0.2000, "
        "60 users; above chance it foresaw 0.1700, as long a time before 0.1800"
    )


@pytest.mark.parametrize(
    ("candidate", "ahead", "passed"),
    [
        (0.15, [-0.07, -0.03], False),
        (0.15, [-0.12, 0.02], True),  # it may be chance
        (0.195, [-0.008, -0.002], True),  # surely, and within the tolerance
    ],
)
def test_what_new_data_taught_must_not_surely_fall_on_the_rest(candidate: float, ahead: Any, passed: bool) -> None:
    check = judged_new_data(taught={"candidate": candidate, "ahead": ahead})

    assert check.passed == passed
    assert check.figures.endswith("; what they taught surely falls by more than 5%") == (not passed)


@pytest.mark.parametrize(
    ("now", "difference", "passed"),
    [
        (0.03, [-0.19, -0.11], False),
        (-0.01, [-0.22, -0.16], False),
        (0.03, [-0.35, 0.05], True),
        (0.05, [-0.17, -0.09], True),  # by less than four fifths
    ],
)
def test_new_data_must_not_be_foreseen_surely_less_than_a_fifth_as_well(
    now: float, difference: Any, passed: bool
) -> None:
    check = judged_new_data(foreseen={"now": now, "difference": difference})

    assert check.passed == passed
    assert check.figures.endswith("; that surely falls by more than 80%") == (not passed)


def test_nothing_is_lost_where_nothing_was_foreseen_before() -> None:
    assert judged_new_data(foreseen={"before": -0.01, "now": -0.02, "difference": [-0.02, -0.001]}).passed


def test_few_users_say_nothing_of_new_data() -> None:
    check = judged_new_data(
        taught={"candidate": 0.1, "ahead": [-0.12, -0.08]}, foreseen={"now": 0.0}, min_compared_users=61
    )

    assert check.passed
    assert check.figures == "400 interactions are new; fewer than 61 users could be asked"


@pytest.mark.parametrize("few", ["before_users", "users"])
def test_few_users_at_either_time_do_not_say_that_new_data_can_be_foreseen_worse(few: str) -> None:
    check = judged_new_data(foreseen={few: 29, "now": 0.0, "difference": [-0.22, -0.16]})

    assert check.passed
    assert "is not known: fewer than 30 users could be asked then or now" in check.figures
    assert not judged_new_data(foreseen={few: 30, "now": 0.0, "difference": [-0.22, -0.16]}).passed


def test_a_limit_of_one_hundred_percent_lets_all_pass_that_is_no_worse_than_chance() -> None:
    found = {"now": 0.0, "difference": [-0.22, -0.16]}

    assert judged_new_data(foreseen=found, max_fall_percent=100).passed
    assert not judged_new_data(foreseen=found, max_fall_percent=99).passed
