"""Formulas of the always valid test, and false findings in 1,000 simulated sequences of checks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from alsolike.experiments import sequential_tests

SEQUENCES, LOOKS = 1_000, 30


def normal_mixture(z, x):
    """Return the likelihood ratio of z under a normal prior of variance x and under no difference."""
    return float(norm.pdf(z, scale=math.sqrt(1 + x)) / norm.pdf(z))


def line(z, t):
    """Return the mean likelihood ratio of the drifts l and -l for a Brownian motion that is z sqrt(t) at time t."""
    slope = math.sqrt(2 * math.log(2 / 0.05))
    return sum(math.exp(drift * z * math.sqrt(t) - drift**2 * t / 2) for drift in (slope, -slope)) / 2


@given(st.floats(-8, 8), st.floats(0.001, 50))
def test_p_value_is_the_inverse_of_the_larger_likelihood_ratio(z, t):
    r = 8.781800428032875  # -2 ln 0.05 + ln(-2 ln 0.05) + 1

    p_value = sequential_tests.p_value(z, observed=t, planned=1)

    assert p_value == pytest.approx(min(1.0, 1 / max(0.9 * line(z, t), 0.1 * normal_mixture(z, r * t))), rel=1e-9)


@given(st.floats(0.001, 0.5), st.floats(0.001, 1_000))
def test_p_value_at_the_critical_value_is_alpha(alpha, t):
    z = sequential_tests.critical_z(alpha=alpha, observed=t, planned=1)

    assert sequential_tests.p_value(z, observed=t, planned=1) == pytest.approx(alpha, rel=1e-9)


def test_critical_value_is_smallest_at_the_planned_observations():
    as_planned = sequential_tests.critical_z(alpha=0.05, observed=1, planned=1)

    other_values = [
        sequential_tests.critical_z(alpha=0.05, observed=1, planned=planned) for planned in (0.5, 0.8, 1.2, 2)
    ]

    # l z = arcosh(exp(l^2 / 2) / (0.9 * 0.05)) = arcosh(888.9) = ln(1777.8) = 7.483, and l = 2.716.
    assert as_planned == pytest.approx(7.483 / 2.716, abs=1e-3)
    assert all(1 < other / as_planned < 1.07 for other in other_values)


@pytest.mark.parametrize("planned", [0.01, 0.1, 10])
def test_critical_value_is_bounded_with_a_wrong_plan(planned):
    assert sequential_tests.critical_z(alpha=0.05, observed=1, planned=planned) < 4.9


@pytest.mark.parametrize("z", [0.0, 1.0, 1.959963984540054, 3.5])
def test_fixed_p_value_is_that_of_the_normal_test(z):
    assert sequential_tests.fixed_p_value(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-12)
    assert sequential_tests.fixed_critical_z(0.05) == pytest.approx(norm.isf(0.025), rel=1e-12)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("planned", [0.1, 1, 10])
def test_thirty_checks_without_a_difference_keep_their_level(planned, one_sided):
    steps = np.random.default_rng(1).standard_normal((SEQUENCES, LOOKS))
    looks = np.arange(1, LOOKS + 1)
    z = steps.cumsum(axis=1) / np.sqrt(looks)
    found = z if one_sided else np.abs(z)
    critical = [
        sequential_tests.critical_z(alpha=0.05, observed=look / LOOKS, planned=planned, one_sided=one_sided)
        for look in looks
    ]

    false_findings = (found >= critical).any(axis=1).sum()

    assert false_findings <= binom.isf(0.001, SEQUENCES, 0.05)  # A larger number has a probability of at most 0.001.
    # Without correction for repeated checks, there are many more false findings.
    assert (np.abs(z) >= sequential_tests.fixed_critical_z(0.05)).any(axis=1).sum() > 200
