"""Population stability index of two histograms, compared with SciPy."""

import numpy as np
import pytest
from scipy import stats

from alsolike.training.stability_index import CHANCE_LEVEL, SMOOTHING, Design, psi, psi_by_chance


def scipys(reference, current):
    """Return KL(p || q) + KL(q || p) of the smoothed histograms."""
    p, q = (np.array(counts) + SMOOTHING for counts in (reference, current))
    return float(stats.entropy(p, q) + stats.entropy(q, p))  # `entropy` normalises its arguments.


def test_bin_empty_in_both_histograms_is_ignored():
    assert psi([60, 0, 40], [30, 0, 70]) == psi([60, 40], [30, 70])
    assert psi_by_chance([60, 0, 40], [30, 0, 70]) == psi_by_chance([60, 40], [30, 70])


def test_index_equals_scipy_on_many_histograms():
    rng = np.random.default_rng(7)
    for _ in range(500):
        bins = int(rng.integers(2, 40))
        reference, current = (
            rng.multinomial(int(rng.integers(1, 10_000)), rng.dirichlet(np.full(bins, 0.3))).tolist() for _ in range(2)
        )
        filled = [pair for pair in zip(reference, current, strict=True) if any(pair)]

        assert psi(reference, current) == pytest.approx(scipys(*map(list, zip(*filled, strict=True))), abs=1e-12)


def test_chance_mean_equals_the_mean_index_of_equal_populations():
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.full(10, 5.0))
    drawn = [(rng.multinomial(3_000, shares).tolist(), rng.multinomial(1_000, shares).tolist()) for _ in range(400)]

    mean = psi_by_chance(*drawn[0]).mean

    assert mean == pytest.approx(9 * (1 / 3_000 + 1 / 1_000))
    assert np.mean([psi(*pair) for pair in drawn]) == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize("bins", [2, 5, 22])
def test_highest_chance_index_is_the_chi_square_quantile(bins):
    chance = psi_by_chance([50] * bins, [20] * bins)

    expected = stats.chi2.isf(CHANCE_LEVEL, bins - 1) * (1 / (50 * bins) + 1 / (20 * bins))
    assert 0.99 * expected < chance.highest < 1.12 * expected


def test_dependent_counts_scale_chance_mean_and_quantile():
    """Four equal eigenvalues of 3 in the design effect matrix triple the mean and the quantile.

    A single eigenvalue of 12 has the same mean and a higher quantile.
    """
    independent, tripled, single = (
        psi_by_chance([80] * 5, [40] * 5, design=design) for design in (None, Design(12, 36), Design(12, 144))
    )

    assert tripled == pytest.approx((3 * independent.mean, 3 * independent.highest))
    assert single.mean == pytest.approx(tripled.mean)
    assert single.highest > 1.5 * tripled.highest
