"""Measurement of drift between training data and current data by the population stability index of histograms."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, Self

from alsolike.runtime.struct import struct

WINDOW_DAYS = 7
"""Length of the compared periods in days. One week contains every day of the week."""

SMOOTHING = 0.5

CHANCE_LEVEL = 1e-5
"""Maximum probability that a drift figure exceeds its threshold by chance, per independent check."""

_CHANCE_Z = -NormalDist().inv_cdf(CHANCE_LEVEL)


@struct
class Histogram:
    """Counts of numbers by bin.

    Attributes
    ----------
    edges
        Ascending edges of the bins. Bin i counts values v with `edges[i - 1]` < v <= `edges[i]`; the last bin counts
        values above all edges.

    Examples
    --------
    >>> Histogram.of({1: 4, 2: 1, 9: 2}, edges=(1, 5)).counts
    (4, 1, 2)
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if any(low >= high for low, high in itertools.pairwise(self.edges)):
            raise ValueError(f"edges are {self.edges}, expected ascending ones")
        if len(self.counts) != len(self.edges) + 1 or any(count < 0 for count in self.counts):
            raise ValueError(f"counts are {self.counts}, expected {len(self.edges) + 1} numbers of at least 0")

    @classmethod
    def of(cls, numbers: Mapping[int, int] | Mapping[float, int], *, edges: Iterable[float]) -> Self:
        edges = tuple(edges)
        counts = [0] * (len(edges) + 1)
        for number, often in numbers.items():
            counts[bisect.bisect_left(edges, number)] += often
        return cls(edges, tuple(counts))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(tuple(map(float, document["edges"])), tuple(map(int, document["counts"])))


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the population stability index of two histograms with the same bins.

    If p and q are the shares of the bins, the index is the sum of (q - p) ln(q / p). This is Jeffreys' divergence, KL(p
    || q) + KL(q || p). Equal shares have the index 0. By convention, an index of at least 0.25 means different
    populations. Bins that are empty in both histograms are ignored. `SMOOTHING` is added to all other counts to avoid
    infinite ratios.

    References
    ----------
    H. Jeffreys: An invariant form for the prior probability in estimation problems. Proc. R. Soc. A 186 (1946), eq. 1.
    N. Siddiqi: Credit Risk Scorecards (2006), system stability index and its thresholds 0.10 and 0.25.
    R. E. Krichevsky, V. K. Trofimov: The performance of universal encoding. IEEE Trans. Inf. Theory 27 (1981):
    `SMOOTHING`.

    Examples
    --------
    >>> psi([50, 50], [50, 50])
    0.0
    >>> round(psi([500, 500], [900, 100]), 3)
    0.876
    """
    pairs = _pairs(reference, current)
    n, m = (sum(counts) + SMOOTHING * len(pairs) for counts in zip(*pairs, strict=True))
    shares = [((before + SMOOTHING) / n, (now + SMOOTHING) / m) for before, now in pairs]
    return math.fsum((q - p) * math.log(q / p) for p, q in shares)


@struct
class Design:
    """Design effect of dependent counts, which is their variance relative to independent counts.

    Attributes
    ----------
    trace, square
        Sum of the eigenvalues of the design effect matrix, and sum of their squares. Both are B - 1 for independent
        draws from B bins.
    """

    trace: float
    square: float


class Chance(NamedTuple):
    """Distribution of the index for two samples of one population: the mean and the `1 - CHANCE_LEVEL` quantile."""

    mean: float
    highest: float


def psi_by_chance(reference: Sequence[int], current: Sequence[int], *, design: Design | None = None) -> Chance:
    """Return the distribution of the index for two samples of these sizes from one population.

    For samples of n and m, the index is approximately (1/n + 1/m) times a weighted sum of chi-square variables. The
    weights are the eigenvalues of the design effect matrix. This sum is approximated by a scaled chi-square variable
    with equal mean and variance.

    Parameters
    ----------
    design
        Design effect of the counts; None for independent draws.

    References
    ----------
    B. Yurdakul: Statistical properties of population stability index. Dissertation, Western Michigan University (2018).
    J. N. K. Rao, A. J. Scott: The analysis of categorical data from complex sample surveys. JASA 76 (1981): the
    eigenvalues, and the second-order correction after F. E. Satterthwaite (1946).

    Examples
    --------
    >>> chance = psi_by_chance([50, 50], [50, 50])
    >>> round(chance.mean, 3), round(chance.highest, 3)
    (0.02, 0.434)
    """
    pairs = _pairs(reference, current)
    independent = float(max(len(pairs) - 1, 1))
    trace, square = (independent, independent) if design is None else (design.trace, design.square)
    scale = 1 / sum(reference) + 1 / sum(current)
    return Chance(scale * trace, scale * square / trace * _chi_square(trace**2 / square))


def _chi_square(degrees: float) -> float:
    """Return the value that a chi-square variable exceeds with probability `CHANCE_LEVEL` (Wilson, Hilferty 1931)."""
    part = 2 / (9 * degrees)
    return degrees * (1 - part + _CHANCE_Z * math.sqrt(part)) ** 3


def _pairs(reference: Sequence[int], current: Sequence[int]) -> list[tuple[int, int]]:
    if len(reference) != len(current):
        raise ValueError(f"the histograms have {len(reference)} and {len(current)} bins, expected equal numbers")
    if not sum(reference) or not sum(current):
        raise ValueError("a histogram is empty, expected counts above 0 in both")
    return [pair for pair in zip(reference, current, strict=True) if any(pair)]
