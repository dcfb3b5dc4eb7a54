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
"""Maximum number of distinct factors over all items; each needs a run of the model."""


def boosted(score: float, factor: float) -> float:
    """Return a score times a factor; see above."""
    return score * factor if score >= 0 else score / factor


def factor_groups(passing: Iterable[Bias], factors: Sequence[float], *, allowed: Bias) -> list[Bias]:
    """Return a bias for each factor of the items, which bars items with another factor.

    The best k boosted scores are among the best k of each class.

    Parameters
    ----------
    passing
        For each of the factors, the bias of its filter.
    allowed
        The bias that always applies.
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
