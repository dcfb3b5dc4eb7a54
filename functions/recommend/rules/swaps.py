"""Random order of neighbouring items.

Clicks on randomly ordered items measure the position bias independently of the items.
"""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.records.served_response import PAIRED, RANKED
from functions.recommend.rules.slate import Random
from functions.recommend.scored_item import ScoredItem


def in_random_pairs(items: Sequence[ScoredItem], *, random: Random) -> list[ScoredItem]:
    """Return the items with ranked neighbours in random order, and with the propensities of their positions.

    The pairs start at the first or second position, each with probability 1/2. Each pair is swapped with probability
    1/2. Positions keep their scores.

    References
    ----------
    F. Radlinski, T. Joachims, "Minimally invasive randomization for collecting unbiased preferences from clickthrough
    logs", AAAI 2006, algorithm 1 (FairPairs).
    """
    paired = list(items)
    for place in range(random.randrange(2), len(items) - 1, 2):
        first, second = items[place : place + 2]
        if any(item.origin != RANKED or item.propensity is not None for item in (first, second)):
            continue
        if random.random() < 0.5:
            first, second = second._replace(score=first.score), first._replace(score=second.score)
        paired[place] = first._replace(origin=PAIRED, propensity=0.5)
        paired[place + 1] = second._replace(origin=PAIRED, propensity=1.0)
    return paired
