"""Shares of experiments, with and without a true difference, in which daily checks of the report find a difference.

`make slow WHAT=statistics ARGS="-s -k experiments"` prints the tables of docs/experiments.md.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alsolike.experiments.metrics import METRICS
from alsolike.experiments.report import MISMATCH_BELOW
from alsolike.experiments.sequential_tests import ALPHA, compare, sample_ratio_p_value
from tests.builders.simulated_users import DrawnUsers, Shop, drawn_of, looks_of

WITHOUT_DIFFERENCE, WITH_DIFFERENCE, BEFORE_THE_START = 800, 400, 300


@dataclasses.dataclass(frozen=True)
class Found:
    """Shares of experiments with a finding: of the report, of the usual test, and of the usual test's last check."""

    ever: float
    usual_ever: float
    usual_last: float


def found(shop, *, experiments):
    rows = []
    for number in range(experiments):
        results = [
            compare(look.arm, look.control, observed=look.observed, planned=shop.planned, alpha=ALPHA)
            for look in looks_of(shop, np.random.default_rng([40, number]))
        ]
        usual = [_finds(result, "fixed_p_value") for result in results]
        rows.append((any(_finds(result, "p_value") for result in results), any(usual), usual[-1]))
    shares = Found(*np.mean(rows, axis=0).tolist())
    metric = f"{shop.metric} of {shop.click_rate:.0%}" if shop.metric == "click-through" else shop.metric
    lift = f"{shop.lift:+.0%}" if shop.lift else "none"
    print(
        f"\n| {metric} | {shop.users:,} | {shop.share:g} | {lift} "
        f"| {shares.ever:.1%} | {shares.usual_ever:.1%} | {shares.usual_last:.1%} |",
        end="",
    )
    return shares


def _finds(result, name):
    return result is not None and getattr(result, name) <= ALPHA


@pytest.mark.parametrize("shop", [
    Shop(metric="revenue", users=2_000, share=0.1),
    Shop(metric="revenue", users=10_000, share=0.1),
    Shop(metric="revenue", users=4_000, share=0.05),
    Shop(metric="revenue", users=10_000, share=0.02, spread=1.3),
    Shop(metric="revenue", users=2_000),
    Shop(metric="buyers", users=4_000, share=0.05),
    Shop(metric="click-through", users=4_000, share=0.05),
    Shop(metric="click-through", users=2_000),
])  # fmt: skip
def test_experiments_without_a_difference_rarely_report_one(shop):
    assert found(shop, experiments=WITHOUT_DIFFERENCE).ever <= ALPHA


@pytest.mark.parametrize(("shop", "at_least"), [
    (Shop(metric="click-through", users=2_000, lift=0.2, click_rate=0.02), 0.38),
    (Shop(metric="click-through", users=2_000, lift=0.2), 0.64),
    (Shop(metric="click-through", users=2_000, share=0.1, lift=0.4), 0.78),
    (Shop(metric="buyers", users=10_000, lift=0.2), 0.45),
    (Shop(metric="revenue", users=2_000, lift=0.5, spread=0.8), 0.13),
    (Shop(metric="revenue", users=10_000, share=0.1, lift=0.5, spread=0.8), 0.15),
])  # fmt: skip
def test_experiments_with_a_difference_report_it(shop, at_least):
    shares = found(shop, experiments=WITH_DIFFERENCE)

    assert at_least <= shares.ever <= shares.usual_ever


@pytest.mark.parametrize("shop", [
    Shop(metric="click-through", users=2_000),
    Shop(metric="revenue", users=2_000, share=0.1),
    Shop(metric="click-through", users=2_000, lift=0.2, click_rate=0.02),
    Shop(metric="click-through", users=2_000, lift=0.2),
])  # fmt: skip
def test_experiments_have_smaller_errors_with_data_before_the_start(shop):
    metric, found = METRICS[shop.metric], []
    for number in range(BEFORE_THE_START):
        drawn = drawn_of(shop, np.random.default_rng([42, number]))
        findings = []
        for look in range(5, shop.looks, 6):
            users = {"arm": DrawnUsers(drawn, drawn.in_arm, look), "control": DrawnUsers(drawn, ~drawn.in_arm, look)}
            plain = {name: metric.sample(arm) for name, arm in users.items()}
            results = [
                compare(samples["arm"], samples["control"], observed=drawn.observed[look], planned=shop.planned)
                for samples in (plain, metric.adjusted(users))
            ]
            findings.append([_finds(result, "p_value") for result in results])
        found.append(np.any(findings, axis=0))
    without, with_before = np.mean(found, axis=0).tolist()

    name = f"{shop.metric} of {shop.click_rate:.0%}" if shop.metric == "click-through" else shop.metric
    lift = f"{shop.lift:+.0%}" if shop.lift else "none"
    print(f"\n| {name} | {shop.share:g} | {lift} | {without:.1%} | {with_before:.1%} |", end="")
    if shop.lift:
        assert with_before >= without
    else:
        assert with_before <= ALPHA


@pytest.mark.parametrize("share", [0.5, 0.1, 0.05])
def test_experiments_with_a_correct_split_rarely_report_a_mismatch(share):
    counts = np.random.default_rng(41).multinomial(200, [share, 1 - share], (2_000, 60)).cumsum(axis=1).tolist()

    alarms = [
        any(sample_ratio_p_value(look, [share, 1 - share]) < MISMATCH_BELOW for look in looks) for looks in counts
    ]

    print(f"\n| {share:g} | {np.mean(alarms):.2%} |", end="")
    assert np.mean(alarms) <= MISMATCH_BELOW
