"""Simulations of canary decisions: how often an equal version is rolled back, and how soon a worse one is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from alsolike.experiments.comparison import critical_z
from functions.run_canary.evaluation import ALPHA, Tolerance, judge
from functions.run_canary.figures import CAP_MS, GROUPS, Answers, Arm, Outcomes, arm_of, group_of

LIMITS = Tolerance(error_points=1.0, latency_share=0.5)
NO_TOLERANCE = Tolerance(error_points=0.0, latency_share=0.0)
USERS, SHARE, LOOKS = 2_500, 0.2, 24
Rng = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """Distribution of an arm's answers and outcomes."""

    error_rate: float = 0.02
    latency_ms: float = 20.0
    click_rate: float = 0.05


def history(rng: Rng, users: int, shop: Behaviour, *, first_user: int) -> tuple[Any, ...]:
    """Return answers in their order: user, failed, took, clicks of 5 shown. Some users come often, some err often."""
    often = rng.gamma(0.5, 2.0, users)
    answers = rng.choice(users, size=users * 4, p=often / often.sum())
    prone = rng.beta(2, 8, users)
    failed = rng.random(len(answers)) < prone[answers] * shop.error_rate / 0.2
    took_ms = rng.lognormal(np.log(shop.latency_ms) - 0.5, 1.0, len(answers))
    clicks = rng.binomial(5, rng.beta(1, 19, users)[answers] * shop.click_rate / 0.05)
    return answers + first_user, failed, took_ms, clicks


def arm(columns: tuple[Any, ...], part: float) -> Arm:
    users, failed, took_ms, clicks = (column[: round(len(column) * part)] for column in columns)
    hashes = users.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # any that spreads
    groups = group_of(hashes >> np.uint64(20))
    counts = np.bincount(groups, minlength=GROUPS).astype(float)
    clicked = np.bincount(groups, weights=clicks, minlength=GROUPS).astype(float)
    outcomes = Outcomes(counts, 5 * counts, clicked, clicked)
    return arm_of(
        Answers(hashes >> np.uint64(20), failed.astype(bool), took_ms.astype(np.float32)), outcomes, by_impressions=True
    )


def first_breach(rng: Rng, candidate: Behaviour, champion: Behaviour, limits: Tolerance) -> tuple[str, int] | None:
    """Return what took the version back and at which look; None where it got through."""
    ours = history(rng, round(USERS * SHARE), candidate, first_user=0)
    theirs = history(rng, round(USERS * (1 - SHARE)), champion, first_user=USERS)
    planned = 4 * USERS
    for look in range(1, LOOKS + 1):
        part = look / LOOKS
        for test in judge(
            arm(ours, part), arm(theirs, part), share=SHARE, planned=planned, limits=limits, fraction=1.0
        ):
            if test.breached:
                return test.name, look
    return None


def test_a_version_that_is_no_worse_is_rarely_taken_back_at_any_of_many_looks() -> None:
    """Where nothing at all is tolerated, which leaves the tests their whole level."""
    rng = np.random.default_rng(7)
    runs = 60

    false = sum(first_breach(rng, Behaviour(), Behaviour(), NO_TOLERANCE) is not None for _ in range(runs))

    # 5% of 60 are 3; more than 7 would come by chance once in a hundred times if it were exactly 5%.
    assert false <= ALPHA * runs + 4


@pytest.mark.parametrize(
    ("worse", "what", "within"),
    [
        (Behaviour(error_rate=0.06), "error rate", 16),
        (Behaviour(latency_ms=60.0), "latency", 6),
        (Behaviour(click_rate=0.02), "click-through", 16),
        (Behaviour(error_rate=0.9), "fails outright", 1),
    ],
)
def test_a_version_that_is_much_worse_is_soon_taken_back(worse: Behaviour, what: str, within: int) -> None:
    rng = np.random.default_rng(11)

    found = [first_breach(rng, worse, Behaviour(), LIMITS) for _ in range(10)]

    assert [breach[0] if breach else None for breach in found].count(what) >= 9
    assert np.median([breach[1] if breach else LOOKS for breach in found]) <= within


def test_what_is_tolerated_is_not_held_against_it() -> None:
    rng = np.random.default_rng(13)
    tolerated = Behaviour(error_rate=0.03, latency_ms=29.0)

    false = sum(first_breach(rng, tolerated, Behaviour(), LIMITS) is not None for _ in range(15))

    assert false <= 2


def test_figures_of_an_arm_by_hand() -> None:
    users = np.array([1, 1, 2, 3], np.uint64)
    counts = np.bincount([1, 1, 2, 3], minlength=GROUPS).astype(float)
    outcomes = Outcomes(counts, 10 * counts, counts, 2 * counts)
    answers = Answers(users, np.array([True, False, False, False]), np.array([10, 30, np.nan, 5_000], np.float32))

    shown, answered = (arm_of(answers, outcomes, by_impressions=by) for by in (True, False))

    assert (shown.answers, shown.users, shown.attributed) == (4, 3, 4)
    assert shown.errors.ratio == pytest.approx(1 / 4)
    assert shown.latency.ratio == pytest.approx((10 + 30 + CAP_MS) / 3)
    assert [shown.clicks.ratio, answered.clicks.ratio] == pytest.approx([1 / 10, 2 / 1])


def test_clicks_are_told_by_the_clock_of_what_is_known_of_them() -> None:
    """Attribution is an hour behind: the bound for clicks is that of the answers whose clicks are known."""
    rng = np.random.default_rng(17)
    ours, theirs = (history(rng, users, Behaviour(), first_user=first) for users, first in ((500, 0), (2_000, 500)))
    late = [
        dataclasses.replace(arm(columns, 1.0), clicks=known.clicks, attributed=known.attributed)
        for columns in (ours, theirs)
        for known in (arm(columns, 0.25),)
    ]

    *_, clicks = judge(*late, share=SHARE, planned=10_000, limits=LIMITS, fraction=1.0)

    assert clicks.critical_z == pytest.approx(
        critical_z(alpha=ALPHA / 3, observed=2_500, planned=10_000, one_sided=True)
    )


def test_a_sample_of_the_answers_has_a_clock_of_its_own() -> None:
    rng = np.random.default_rng(19)
    ours, theirs = (arm(history(rng, users, Behaviour(), first_user=users), 0.5) for users in (500, 2_000))

    tests = {test.name: test for test in judge(ours, theirs, share=SHARE, planned=10_000, limits=LIMITS, fraction=0.5)}

    assert tests["latency"].critical_z == pytest.approx(
        critical_z(alpha=ALPHA / 3, observed=5_000, planned=5_000, one_sided=True)
    )
