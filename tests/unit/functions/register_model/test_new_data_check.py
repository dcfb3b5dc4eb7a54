"""The gate's check of new data: the gain from training on the data, and its predictability."""

import dataclasses

import pytest

from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import (
    CHAMPION,
    DAY_MS,
    checks,
    compared,
)

NEW_DATA = {
    "since_ms": NOW_MS - DAY_MS,
    "half_ms": NOW_MS - DAY_MS // 2,
    "interactions": 400,
    "taught": {"users": 60, "candidate": 0.20, "champion": 0.20, "ahead": [-0.02, 0.02]},
    "foreseen": {"before_users": 50, "before": 0.18, "users": 60, "now": 0.17, "difference": [-0.04, 0.02]},
}


def judged_new_data(*, taught=None, foreseen=None, **limits):
    found = {
        **NEW_DATA,
        "taught": {**NEW_DATA["taught"], **(taught or {})},  # type: ignore[dict-item]
        "foreseen": {**NEW_DATA["foreseen"], **(foreseen or {})},  # type: ignore[dict-item]
    }
    return checks(with_new_data(found), CHAMPION, **limits)["new data"]


def with_new_data(found):
    candidate = compared()
    return dataclasses.replace(candidate, metrics={**candidate.metrics, "new_data": found})


def test_new_data_similar_to_earlier_data_passes_with_figures():
    assert str(judged_new_data()) == (
        "passed: new data: 400 interactions are new; trained on half of them, ndcg is 0.2000 on the rest, "
        "champion 0.2000, 60 users; ndcg above random lists is 0.1700, in an earlier period of the same length 0.1800"
    )


@pytest.mark.parametrize(
    ("candidate", "ahead", "passed"),
    [
        (0.15, [-0.07, -0.03], False),
        (0.15, [-0.12, 0.02], True),  # The fall may be random.
        (0.15, [-0.1, 0.0], True),  # The fall may be random, because the interval touches zero.
        (0.198, [-0.003, -0.001], True),  # The fall is significant, but within the margin.
        (0.196, [-0.012, -0.002], True),  # The value is exactly at the margin of 2% below 0.2.
        (0.195, [-0.012, -0.002], False),
    ],
)
def test_new_data_that_lowers_ndcg_significantly_fails(candidate, ahead, passed):
    check = judged_new_data(taught={"candidate": candidate, "ahead": ahead})

    assert check.passed == passed
    assert check.figures.endswith("; training on them lowers ndcg significantly by more than 2%") == (not passed)


@pytest.mark.parametrize(
    ("now", "difference", "passed"),
    [
        (0.03, [-0.19, -0.11], False),
        (-0.01, [-0.22, -0.16], False),
        (0.03, [-0.35, 0.05], True),
        (0.05, [-0.17, -0.09], True),  # The fall is less than four fifths.
        (0.0359, [-0.17, -0.09], False),  # The value is below 0.036, which is 0.18 less 80%.
        (0.0361, [-0.17, -0.09], True),
    ],
)
def test_new_data_with_significantly_lower_predictability_fails(now, difference, passed):
    check = judged_new_data(foreseen={"now": now, "difference": difference})

    assert check.passed == passed
    assert check.figures.endswith("; predictability falls significantly by more than 80%") == (not passed)


def test_new_data_without_earlier_predictability_passes():
    assert judged_new_data(foreseen={"before": -0.01, "now": -0.02, "difference": [-0.02, -0.001]}).passed
    assert judged_new_data(foreseen={"before": 0.0, "now": -0.02, "difference": [-0.02, -0.001]}).passed


def test_missing_comparison_is_omitted_from_the_figures():
    check = checks(with_new_data({**NEW_DATA, "taught": None}), CHAMPION, min_compared_users=1)["new data"]

    assert check.figures == (
        "400 interactions are new; ndcg above random lists is 0.1700, in an earlier period of the same length 0.1800"
    )


def test_new_data_with_too_few_users_pass():
    check = judged_new_data(
        taught={"candidate": 0.1, "ahead": [-0.12, -0.08]}, foreseen={"now": 0.0}, min_compared_users=61
    )

    assert check.passed
    assert check.figures == "400 interactions are new; fewer than 61 users could be compared"


@pytest.mark.parametrize("few", ["before_users", "users"])
def test_predictability_with_too_few_users_in_one_period_passes(few):
    check = judged_new_data(foreseen={few: 29, "now": 0.0, "difference": [-0.22, -0.16]})

    assert check.passed
    assert "was not compared with an earlier period: fewer than 30 users in one of them" in check.figures
    assert not judged_new_data(foreseen={few: 30, "now": 0.0, "difference": [-0.22, -0.16]}).passed


def test_fall_limit_of_100_percent_accepts_chance_level():
    found = {"now": 0.0, "difference": [-0.22, -0.16]}

    assert judged_new_data(foreseen=found, max_fall_percent=100).passed
    assert not judged_new_data(foreseen=found, max_fall_percent=99).passed
