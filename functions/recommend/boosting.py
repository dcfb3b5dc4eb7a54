"""Boosts and demotions: factors on scores, and how the best of the boosted scores are found among all items.

An item's factor is the product of those whose filters it passes. A score above 0 is multiplied by it, one below 0
divided: so a boost always raises an item, and within the items of one factor the order stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from functions.recommend.model import Bias

MAX_CLASSES = 16
"""So many factors at most, each of which is a run of the model, are told apart among all items."""


def boosted(score: float, factor: float) -> float:
    """Return a score times a factor; see above."""
    return score * factor if score >= 0 else score / factor


def classes(passing: Iterable[Bias], factors: Sequence[float], *, allowed: Bias) -> list[Bias]:
    """Return a bias for each factor that items have, which bars those with another one.

    The best k of the boosted scores are among the best k of each.

    Parameters
    ----------
    passing
        For each of the factors, what its filter bars.
    allowed
        What is barred in any case.
    """
    codes = np.zeros(len(allowed), np.uint32)
    for place, bias in enumerate(passing):
        codes |= (bias > -np.inf).astype(np.uint32) << place
    present = np.flatnonzero(np.bincount(codes[allowed > -np.inf], minlength=1)).tolist()
    by_factor: dict[float, list[int]] = {}
    for code in present:
        product = math.prod(factor for place, factor in enumerate(factors) if code >> place & 1)
        by_factor.setdefault(round(product, 12), []).append(code)
    class_of = np.full(2 ** len(factors), -1, np.int32)
    for number, members in enumerate(by_factor.values()):
        class_of[members] = number
    numbers = class_of[codes]
    barred = np.float32(-np.inf)
    return [np.where(numbers == number, allowed, barred) for number in range(len(by_factor))]
