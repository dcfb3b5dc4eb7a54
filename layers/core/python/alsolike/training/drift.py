"""Drift of current data from the training data: histograms of fixed bins, and the index that compares two."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, Self

from alsolike.runtime.struct import struct

WINDOW_DAYS = 7
"""Days that are compared: one week, so that each has every day of the week."""

DAY_MS = 86_400_000
SMOOTHING = 0.5

CHANCE_LEVEL = 1e-5
"""Probability of a drift figure above its threshold by chance, per independent check."""

_CHANCE_Z = -NormalDist().inv_cdf(CHANCE_LEVEL)


@struct
class Histogram:
    """Counts of numbers by bins.

    Attributes
    ----------
    edges
        Ascending. Bin i holds values above `edges[i - 1]` and up to `edges[i]`, the last bin those above all edges.
    counts
        One more than `edges`.

    Raises
    ------
    ValueError
        If the numbers of edges and counts do not match.

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
        """Return the histogram of numbers, given with their frequencies."""
        edges = tuple(edges)
        counts = [0] * (len(edges) + 1)
        for number, often in numbers.items():
            counts[bisect.bisect_left(edges, number)] += often
        return cls(edges, tuple(counts))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the histogram in a JSON document.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it has another form.
        """
        return cls(tuple(map(float, document["edges"])), tuple(map(int, document["counts"])))


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the population stability index of two histograms with the same bins.

    With p and q the shares of the bins in both, it is the sum of (q - p) ln(q / p): Jeffreys' divergence, KL(p || q) +
    KL(q || p). 0 means the same, from 0.25 on the populations are customarily called different. A bin that is empty in
    both is left out; each other one has `SMOOTHING` added to both counts, so that an empty one has no infinite ratio.

    Raises
    ------
    ValueError
        If the numbers of bins differ, or one has nothing in it.

    References
    ----------
    H. Jeffreys: An invariant form for the prior probability in estimation problems. Proc. R. Soc. A 186 (1946), eq. 1.
    N. Siddiqi: Credit Risk Scorecards (2006), system stability index and its 0.10 and 0.25.
    R. E. Krichevsky, V. K. Trofimov: The performance of universal encoding. IEEE Trans. Inf. Theory 27 (1981): the 1/2.

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
    """Variance of dependent counts relative to independent ones: the eigenvalues of their design effect matrix.

    Attributes
    ----------
    trace, square
        Sum of the eigenvalues, and of their squares; both are B - 1 for independent draws from B bins.
    """

    trace: float
    square: float


class Chance(NamedTuple):
    """The index of two samples from one population: its mean, and a value that `1 - CHANCE_LEVEL` of them reach."""

    mean: float
    highest: float


def psi_by_chance(reference: Sequence[int], current: Sequence[int], *, design: Design | None = None) -> Chance:
    """Return the index of two samples of these sizes from one population.

    Its distribution is about that of (1/n + 1/m) times a weighted sum of chi-square variables, whose weights are the
    eigenvalues. With equal mean and variance, it is that of one chi-square variable times a factor.

    Parameters
    ----------
    design
        None for independent draws.

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
        raise ValueError(f"the histograms have {len(reference)} and {len(current)} bins, expected as many of each")
    if not sum(reference) or not sum(current):
        raise ValueError("a histogram has nothing in it, expected counts above 0 in both")
    return [pair for pair in zip(reference, current, strict=True) if any(pair)]
