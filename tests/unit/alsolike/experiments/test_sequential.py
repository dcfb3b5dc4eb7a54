"""The test that may be looked at again and again: its formulas, and 1,000 experiments without a difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from alsolike.experiments import comparison

EXPERIMENTS, LOOKS = 1_000, 30


def mixture_likelihood_ratio(z: float, x: float) -> float:
    """Return the ratio by its definition: the normal likelihood of z under a normal prior by that under no difference.

    With standard error 1 the prior's variance is x.
    """
    return float(norm.pdf(z, scale=math.sqrt(1 + x)) / norm.pdf(z))


@given(st.floats(-8, 8), st.floats(0.001, 1_000))
def test_the_p_value_is_one_by_the_mixtures_likelihood_ratio(z: float, part: float) -> None:
    r = 8.781800428032875  # -2 ln 0.05 + ln(-2 ln 0.05) + 1

    p_value = comparison.p_value(z, observed=part, planned=1)

    assert p_value == pytest.approx(min(1.0, 1 / mixture_likelihood_ratio(z, r * part)), rel=1e-9)


@given(st.floats(0.001, 0.5), st.floats(0.001, 1_000))
def test_at_the_critical_value_the_p_value_is_the_level(alpha: float, part: float) -> None:
    z = comparison.critical_z(alpha=alpha, observed=part, planned=1)

    assert comparison.p_value(z, observed=part, planned=1) == pytest.approx(alpha, rel=1e-9)


def test_the_bound_is_about_least_when_all_that_was_planned_is_in() -> None:
    as_planned = comparison.critical_z(alpha=0.05, observed=1, planned=1)

    of_other_plans = [comparison.critical_z(alpha=0.05, observed=1, planned=planned) for planned in (0.2, 0.7, 1.4, 5)]

    assert as_planned == pytest.approx(3.0354, abs=1e-4)
    assert all(0.999 < other / as_planned < 1.12 for other in of_other_plans)


@pytest.mark.parametrize("z", [0.0, 1.0, 1.959963984540054, 3.5])
def test_a_single_look_is_the_usual_test(z: float) -> None:
    assert comparison.fixed_p_value(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-12)
    assert comparison.fixed_critical_z(0.05) == pytest.approx(norm.isf(0.025), rel=1e-12)


@pytest.mark.parametrize("planned", [0.1, 1, 10])
def test_thirty_looks_at_no_difference_find_one_in_five_of_a_hundred_at_most(planned: float) -> None:
    steps = np.random.default_rng(1).standard_normal((EXPERIMENTS, LOOKS))
    looks = np.arange(1, LOOKS + 1)
    z = np.abs(steps.cumsum(axis=1) / np.sqrt(looks))
    critical = [comparison.critical_z(alpha=0.05, observed=look / LOOKS, planned=planned) for look in looks]

    false_findings = (z >= critical).any(axis=1).sum()

    assert false_findings <= binom.isf(0.001, EXPERIMENTS, 0.05)  # more would happen once in a thousand times
    assert (z >= comparison.fixed_critical_z(0.05)).any(axis=1).sum() > 200  # without the correction for peeking
