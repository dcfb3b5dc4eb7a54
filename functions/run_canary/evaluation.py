"""Evaluation of a canary: a comparison of both arms' responses, which may be repeated any number of times.

Three one-sided tests each have a third of `ALPHA` as their level. So the probability that any of them rejects an equal
version is at most `ALPHA` over all evaluations. Let R be the metric of an arm and V the variance of R, estimated from
groups of users. A test rejects the version if

    z = (R_candidate - f R_champion - m) / sqrt(V_candidate + f^2 V_champion)

is above the one-sided always valid critical value of `alsolike.experiments.sequential_tests`. f and m express the
tolerance. For the error rate, f is 1 and m the tolerated increase. For the latency, f is 1 + the tolerated share and m
is 0. For clicks, f is 1, m is 0 and the sign of z is reversed. V_candidate is at least V_champion scaled to the
candidate's number of groups, because few groups without a click do not prove a low click rate.

Two further rules, which `ALPHA` does not cover, reject a version with mostly errors or with too few users in the log.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from alsolike.declarations.times import DAY_MS
from alsolike.experiments import sequential_tests
from alsolike.experiments.sequential_tests import ALPHA, MIN_EVENTS, MIN_USERS, ArmSample, sample_ratio_p_value
from functions.run_canary.responses import Arm

TESTS = 3

SMALL_FALL = 0.1
"""Relative fall of click-through that a canary must exclude. Otherwise `conclusion` does not report that it passed."""

OUTRIGHT_ANSWERS, OUTRIGHT_USERS, OUTRIGHT_RATE = 20, 5, 0.5
"""Minimum number of responses and users, and maximum share of errors among the responses.

A version with more errors is rolled back immediately, unless the champion's share is at least half of the version's
share.
"""


MISSING_BELOW = 0.001
"""Threshold of the always valid p-value for the number of users in the candidate's arm.

A p-value below the threshold means that responses of the candidate are missing in the log.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Tolerance:
    """Tolerated increase of the error rate in percentage points, and of the latency as a share."""

    error_points: float
    latency_share: float


@dataclasses.dataclass(frozen=True, slots=True)
class Test:
    """Comparison of candidate and champion.

    `z` and `critical_z` are None if there is too little data, or the test has no statistic. `excluded` is the
    relative fall of click-through that is excluded with a confidence of 95% over all evaluations; None if no fall is
    excluded.
    """

    name: str
    sentence: str
    z: float | None
    critical_z: float | None
    breached: bool
    excluded: float | None = None

    def document(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def judge(
    candidate: Arm, champion: Arm, *, share: float, planned: float, limits: Tolerance, fraction: float
) -> tuple[Test, ...]:
    """Return all comparisons of the candidate with the champion.

    `share` is the candidate's share of users. `planned` is the planned number of responses of both
    arms. `fraction` is the share of the responses that were read. All outcomes are read.
    """
    clock = _Clock(candidate.answers + champion.answers, planned * fraction)
    # Outcomes arrive late. Therefore, the critical value for clicks depends only on responses with attributed outcomes.
    clicks_clock = _Clock(candidate.attributed + champion.attributed, planned)
    return (
        _outright(candidate, champion),
        _missing(candidate, champion, share=share),
        _errors(candidate.errors, champion.errors, points=limits.error_points, clock=clock),
        _latency(candidate.latency, champion.latency, share=limits.latency_share, clock=clock),
        _clicks(candidate.clicks, champion.clicks, clock=clicks_clock),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Clock:
    observed: float
    planned: float

    def critical_z(self, alpha: float = ALPHA / TESTS) -> float:
        return sequential_tests.critical_z(alpha=alpha, observed=self.observed, planned=self.planned, one_sided=True)


def _outright(candidate: Arm, champion: Arm) -> Test:
    candidate_share, champion_share = candidate.errors.ratio or 0.0, champion.errors.ratio or 0.0
    enough = candidate.answers >= OUTRIGHT_ANSWERS and candidate.users >= OUTRIGHT_USERS
    sentence = f"{candidate_share:.1%} of its {candidate.answers:,} answers to {candidate.users:,} users are errors"
    # If the champion fails too, the version is not the cause.
    breached = enough and candidate_share > OUTRIGHT_RATE and champion_share < candidate_share / 2
    return Test("fails outright", sentence, None, None, breached)


def _missing(candidate: Arm, champion: Arm, *, share: float) -> Test:
    users = candidate.users + champion.users
    lacks = candidate.users < share * users
    p = sample_ratio_p_value([candidate.users, champion.users], [share, 1 - share]) if lacks else 1.0
    sentence = f"{candidate.users:,} of {users:,} users in the log belong to the version, {share:.0%} expected"
    return Test("missing users", sentence, None, None, p < MISSING_BELOW)


def _errors(candidate: ArmSample, champion: ArmSample, *, points: float, clock: _Clock) -> Test:
    z = None
    if candidate.eventful >= MIN_EVENTS:
        z = _z(candidate, champion, factor=1.0, margin=points / 100)
    elif _comparable(candidate, champion):
        z = 0.0  # so few errors do not prove an error rate above that of the champion
    sentence = (
        f"{_percent(candidate)} of its answers are errors, {_percent(champion)} of the champion's; "
        f"{points:g} points more are allowed"
    )
    return _test("error rate", sentence, z, clock)


def _latency(candidate: ArmSample, champion: ArmSample, *, share: float, clock: _Clock) -> Test:
    sentence = f"its answers take {_ms(candidate)}, the champion's {_ms(champion)}; {share:.0%} more is allowed"
    return _test("latency", sentence, _z(candidate, champion, factor=1 + share, margin=0.0), clock)


def _clicks(candidate: ArmSample, champion: ArmSample, *, clock: _Clock) -> Test:
    expected = champion.eventful / champion.users * candidate.users if champion.users else 0.0
    z = _z(candidate, champion, factor=1.0, margin=0.0) if expected >= MIN_EVENTS else None
    sentence = f"its click-through is {_percent(candidate)}, the champion's {_percent(champion)}"
    test = _test("click-through", sentence, None if z is None else -z, clock)
    if z is None or (excluded := _excluded_fall(candidate, champion, z=clock.critical_z(ALPHA))) is None:
        return test
    return dataclasses.replace(
        test, sentence=f"{test.sentence}; a fall of more than {excluded:.0%} is excluded", excluded=excluded
    )


def _excluded_fall(candidate: ArmSample, champion: ArmSample, *, z: float) -> float | None:
    if candidate.ratio is None or champion.ratio is None:
        return None
    low = sequential_tests.fieller(candidate.ratio, champion.ratio, _variances(candidate, champion), z=z).low
    return None if low is None or low <= -1 else max(-low, 0.0)


def conclusion(tests: Sequence[Test]) -> str:
    """Return the result of a canary without a breach, with the fall of click-through that it excludes, if any."""
    excluded = next((test.excluded for test in tests if test.excluded is not None), None)
    if excluded is None:
        return "the canary has no evidence about click-through: too few responses"
    if excluded > SMALL_FALL:
        return f"no evidence of harm above {excluded:.0%}: smaller falls of click-through are not excluded"
    return f"passed its canary: a fall of click-through of more than {excluded:.0%} is excluded"


def detectable(clicks: ArmSample, *, share: float, duration_ms: int) -> str:
    """Return a sentence about the fall of click-through that a canary can detect.

    `clicks` are the clicks of all users in the period before the canary that is as long as the canary.
    """
    expects = clicks.eventful * share >= MIN_EVENTS and clicks.users * share >= MIN_USERS
    fall = sequential_tests.detectable_fall(clicks, share=share, alpha=ALPHA / TESTS) if expects else None
    if fall is None:
        return "too few clicks before the canary to detect a fall of click-through"
    days = duration_ms / DAY_MS * (fall / SMALL_FALL) ** 2
    return (
        f"a fall of click-through of {fall:.0%} is found with a chance of {sequential_tests.POWER:.0%}; "
        f"one of {SMALL_FALL:.0%} would take about {_days(days)}"
    )


def _days(days: float) -> str:
    hours = round(days * 24)
    return f"{hours} hours" if hours < 48 else f"{days:,.0f} days"


def _test(name: str, sentence: str, z: float | None, clock: _Clock) -> Test:
    if z is None:
        return Test(name, f"{sentence} (too few responses to compare)", None, None, False)
    critical = clock.critical_z()
    return Test(name, f"{sentence} (z {z:.2f}, breach above {critical:.2f})", z, critical, z > critical)


def _z(candidate: ArmSample, champion: ArmSample, *, factor: float, margin: float) -> float | None:
    if not _comparable(candidate, champion) or candidate.ratio is None or champion.ratio is None:
        return None
    own_variance, champion_variance = _variances(candidate, champion)
    variance = own_variance + factor**2 * champion_variance
    excess = candidate.ratio - factor * champion.ratio - margin
    if variance <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / math.sqrt(variance)


def _variances(candidate: ArmSample, champion: ArmSample) -> tuple[float, float]:
    return max(candidate.variance, champion.spread / candidate.users), champion.variance


def _comparable(candidate: ArmSample, champion: ArmSample) -> bool:
    return min(candidate.users, champion.users) >= MIN_USERS


def _percent(sample: ArmSample) -> str:
    return "unknown" if sample.ratio is None else f"{sample.ratio:.2%}"


def _ms(sample: ArmSample) -> str:
    return "unknown" if sample.ratio is None else f"{sample.ratio:.1f} ms"
