"""Coverage of forecasts in simulated shops: `make slow WHAT=statistics ARGS="-s -k forecast"`."""

import numpy as np
import pytest

from benchmarks.forecasting import DRAFTS, Shop, forecasts

SEEDS = range(101, 141)


@pytest.mark.parametrize("draft", [draft for draft in DRAFTS if draft != "cap"])
def test_forecast_interval_contains_the_truth(draft):
    covered, errors = [], []
    for seed in SEEDS:
        result, truth = forecasts(Shop(users=1_500, responses=8_000), seed, [draft])[0][draft]
        for outcome in result.outcomes:
            if outcome.difference is not None:
                covered.append(outcome.difference.low <= truth[outcome.name] <= outcome.difference.high)
                errors.append((outcome.difference.value - truth[outcome.name]) / truth[f"present {outcome.name}"])

    print(f"\n| {draft} | {len(covered)} | {np.mean(covered):.1%} | {np.mean(errors):+.2%} |", end="")
    assert len(covered) >= 3 * len(SEEDS)
    assert np.mean(covered) >= 0.93


def test_forecast_of_many_new_items_has_no_number():
    """With at most two items of a category (`cap`), lists contain items that no response had."""
    outcomes = [
        outcome
        for seed in SEEDS
        for outcome in forecasts(Shop(users=1_500, responses=8_000), seed, ["cap"])[0]["cap"][0].outcomes
    ]

    assert np.mean([outcome.missing is not None for outcome in outcomes]) >= 0.8
