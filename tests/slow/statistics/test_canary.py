"""Canaries of equal and of worse versions, with an hourly check for a day.

`make slow WHAT=statistics ARGS="-s -k canaries"` prints the tables of docs/models.md.
"""

import numpy as np
import pytest

from alsolike.experiments.sequential_tests import ALPHA
from functions.run_canary.evaluation import Tolerance
from tests.builders.simulated_canary import Behaviour, Canary

RUNS = 200


def rolled_back(canary, test=None, *, runs=RUNS):
    """Return the share of canaries that `test` rolls back (by default any test), and print the row of the table."""
    breaches = [canary.first_breach(np.random.default_rng([42, run])) for run in range(runs)]
    share = float(np.mean([breach is not None and test in (None, breach[0]) for breach in breaches]))
    candidate = canary.candidate
    print(
        f"\n| {canary.users:,} | {canary.share:.0%} | {candidate.error_rate:.0%} | {candidate.latency_ms:.0f} ms "
        f"| {candidate.click_rate:.2%} | {share:.1%} |",
        end="",
    )
    return share


@pytest.mark.parametrize("canary", [
    Canary(users=4_000, share=0.1, limits=Tolerance(error_points=0.0, latency_share=0.0)),
    Canary(users=4_000, share=0.5, limits=Tolerance(error_points=0.0, latency_share=0.0)),
    Canary(users=4_000, share=0.1, candidate=Behaviour(error_rate=0.03, latency_ms=30)),
])  # fmt: skip
def test_canaries_of_tolerated_versions_are_rarely_rolled_back(canary):
    assert rolled_back(canary, runs=400) <= ALPHA


@pytest.mark.parametrize(("canary", "test", "at_least"), [
    (Canary(users=4_000, share=0.1, candidate=Behaviour(click_rate=0.045)), "click-through", 0.01),
    (Canary(users=4_000, share=0.1, candidate=Behaviour(click_rate=0.04)), "click-through", 0.1),
    (Canary(users=4_000, share=0.1, candidate=Behaviour(click_rate=0.03)), "click-through", 0.85),
    (Canary(users=20_000, share=0.1, candidate=Behaviour(click_rate=0.0435)), "click-through", 0.5),
    (Canary(users=4_000, share=0.1, candidate=Behaviour(latency_ms=60)), "latency", 0.95),
    (Canary(users=4_000, share=0.1, candidate=Behaviour(error_rate=0.06)), "error rate", 0.9),
])  # fmt: skip
def test_canaries_of_worse_versions_are_rolled_back_often(canary, test, at_least):
    assert rolled_back(canary, test) >= at_least


def test_canaries_rarely_exclude_a_fall_that_is_true():
    """The smallest fall that any check excludes is smaller than the true fall in at most `ALPHA` of the canaries."""
    canary = Canary(users=4_000, candidate=Behaviour(click_rate=0.04))
    smallest = []
    for run in range(RUNS):
        judgements = canary.judgements(np.random.default_rng([43, run]))
        smallest.append(
            min(
                (1.0 if test.excluded is None else test.excluded for tests in judgements for test in tests), default=1.0
            )
        )

    assert np.mean(np.array(smallest) < 0.2) <= ALPHA
