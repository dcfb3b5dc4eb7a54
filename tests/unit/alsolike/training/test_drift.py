"""The index of two histograms, by hand and compared with SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from alsolike.training.drift import SMOOTHING, Histogram, psi, psi_by_chance


def scipys(reference: list[int], current: list[int]) -> float:
    """KL(p || q) + KL(q || p), with what is added to both."""
    p, q = (np.array(counts) + SMOOTHING for counts in (reference, current))
    return float(stats.entropy(p, q) + stats.entropy(q, p))  # entropy divides by the sum


def test_the_same_shares_are_no_drift() -> None:
    assert psi([50, 30, 20], [50, 30, 20]) == 0


def test_index_is_the_sum_over_bins_by_hand() -> None:
    p, q = (60.5 / 101, 40.5 / 101), (30.5 / 101, 70.5 / 101)

    assert psi([60, 40], [30, 70]) == pytest.approx(
        (q[0] - p[0]) * math.log(q[0] / p[0]) + (q[1] - p[1]) * math.log(q[1] / p[1])
    )


def test_bin_that_became_empty_counts_and_is_finite() -> None:
    p, q = (100.5 / 201, 100.5 / 201), (200.5 / 201, 0.5 / 201)

    assert psi([100, 100], [200, 0]) == pytest.approx(sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True)))


def test_bin_that_is_empty_in_both_counts_for_nothing() -> None:
    assert psi([60, 0, 40], [30, 0, 70]) == psi([60, 40], [30, 70])
    assert psi_by_chance([60, 0, 40], [30, 0, 70]) == psi_by_chance([60, 40], [30, 70])


def test_index_agrees_with_scipy_on_many_histograms() -> None:
    rng = np.random.default_rng(7)
    for _ in range(500):
        bins = int(rng.integers(2, 40))
        reference, current = (
            rng.multinomial(int(rng.integers(1, 10_000)), rng.dirichlet(np.full(bins, 0.3))).tolist() for _ in range(2)
        )
        filled = [pair for pair in zip(reference, current, strict=True) if any(pair)]

        assert psi(reference, current) == pytest.approx(scipys(*map(list, zip(*filled, strict=True))), abs=1e-12)


def test_index_by_chance_is_what_samples_of_one_population_have_on_average() -> None:
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.full(10, 5.0))
    drawn = [(rng.multinomial(3_000, shares).tolist(), rng.multinomial(1_000, shares).tolist()) for _ in range(400)]

    assert psi_by_chance(*drawn[0]) == pytest.approx(9 * (1 / 3_000 + 1 / 1_000))
    assert np.mean([psi(*pair) for pair in drawn]) == pytest.approx(psi_by_chance(*drawn[0]), rel=0.1)


@pytest.mark.parametrize(
    ("reference", "current", "says"),
    [([1, 2], [1], "2 and 1 bins"), ([0, 0], [1, 2], "nothing in it"), ([1, 2], [0, 0], "nothing in it")],
)
def test_histograms_that_cannot_be_compared_are_refused(reference: list[int], current: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        psi(reference, current)


def test_numbers_fall_into_the_bin_whose_edge_they_reach() -> None:
    histogram = Histogram.of({1: 5, 2: 1, 3: 1, 10: 7}, edges=(1, 3))

    assert histogram.counts == (5, 2, 7)


@pytest.mark.parametrize(
    ("edges", "counts", "says"),
    [((2, 1), (1, 1, 1), "ascending"), ((1,), (1,), "expected 2 numbers"), ((1,), (1, -1), "at least 0")],
)
def test_histograms_that_are_none_are_refused(edges: tuple[int, ...], counts: tuple[int, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Histogram(edges, counts)
