"""Simulated responses of a canary's arms, and the tests at every check."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from functions.run_canary.evaluation import Test, Tolerance, judge
from functions.run_canary.responses import GROUPS, Answers, Arm, Outcomes, arm_of, group_of

ANSWERS, SHOWN = 4, 5
"""Mean number of responses per user, and number of items per response."""

LIMITS = Tolerance(error_points=1.0, latency_share=0.5)

Rng = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """Distribution of an arm's responses and outcomes."""

    error_rate: float = 0.02
    latency_ms: float = 20.0
    click_rate: float = 0.05


def history(rng: Rng, users: int, shop: Behaviour, *, first_user: int) -> tuple[Any, ...]:
    """Return columns of responses in order of time: user, failure, duration and clicks.

    Activity, error rate and click rate vary by user.
    """
    often = rng.gamma(0.5, 2.0, users)
    answers = rng.choice(users, size=users * ANSWERS, p=often / often.sum())
    prone = rng.beta(2, 8, users)
    failed = rng.random(len(answers)) < prone[answers] * shop.error_rate / 0.2
    took_ms = rng.lognormal(np.log(shop.latency_ms) - 0.5, 1.0, len(answers))
    clicks = rng.binomial(SHOWN, rng.beta(1, 19, users)[answers] * shop.click_rate / 0.05)
    return answers + first_user, failed, took_ms, clicks


def arm(columns: tuple[Any, ...], part: float) -> Arm:
    """Return the metrics of the first responses of a history, up to the share `part` of all responses."""
    users, failed, took_ms, clicks = (column[: round(len(column) * part)] for column in columns)
    # Any hash function would do that distributes the users evenly.
    hashes = users.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)
    groups = group_of(hashes)
    counts = np.bincount(groups, minlength=GROUPS).astype(float)
    clicked = np.bincount(groups, weights=clicks, minlength=GROUPS).astype(float)
    outcomes = Outcomes(counts, SHOWN * counts, clicked, clicked)
    return arm_of(Answers(hashes, failed.astype(bool), took_ms.astype(np.float32)), outcomes, by_impressions=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Canary:
    """Canary on simulated users, with checks at regular intervals."""

    users: int = 2_500
    share: float = 0.2
    looks: int = 24
    candidate: Behaviour = Behaviour()
    champion: Behaviour = Behaviour()
    limits: Tolerance = LIMITS

    def judgements(self, rng: Rng) -> list[tuple[Test, ...]]:
        """Return the tests of every check, up to the first breach."""
        own = round(self.users * self.share)
        ours = history(rng, own, self.candidate, first_user=0)
        theirs = history(rng, self.users - own, self.champion, first_user=own)
        judgements = []
        for look in range(1, self.looks + 1):
            arms = (arm(columns, look / self.looks) for columns in (ours, theirs))
            planned = ANSWERS * self.users
            tests = judge(*arms, share=self.share, planned=planned, limits=self.limits, fraction=1.0)
            judgements.append(tests)
            if any(test.breached for test in tests):
                break
        return judgements

    def first_breach(self, rng: Rng) -> tuple[str, int] | None:
        """Return the first breached test and the number of the check, or None if no test was breached."""
        judgements = self.judgements(rng)
        return next(((test.name, len(judgements)) for test in judgements[-1] if test.breached), None)
