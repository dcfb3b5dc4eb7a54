"""Merchandising rules: how a shop steers what is recommended.

They compose in this order, each within what those before it left: filter and exclusion list, boosts and demotions,
pins, promotions, slate rules, exploration, diversity.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from alsolike.values import value_object

MAX_POSITION = 500
"""The longest list of recommendations that can be asked for."""

MAX_FACTORS = 16
"""Boosts and demotions of a rule set: the model is asked once for each product of factors that items have."""

_ROUNDING = 1e-9  # of sums of shares


@value_object
class Promotion:
    """A share of a list's places for the items that pass a filter, which stands for that of the request.

    Attributes
    ----------
    name
        What answers call it; "" for that of its filter.
    """

    filter: str
    share: float
    name: str = ""

    @property
    def called(self) -> str:
        """What answers call it."""
        return self.name or self.filter


@value_object
class Boost:
    """A factor on the scores of the items that pass a filter: above 1 a boost, below 1 a demotion."""

    filter: str
    factor: float


@value_object
class Pin:
    """An item that stands at a place of the list, counted from 1."""

    item_id: str
    position: int


@value_object
class SlateRule:
    """What must hold for a list as a whole; one of the two is set.

    Attributes
    ----------
    at_most
        How many items with one and the same value of the column the list may have.
    spread
        How many times the smallest value of the column the largest one in the list may be.
    """

    column: str
    at_most: int | None = None
    spread: float | None = None


@value_object
class Diversity:
    """How much a list avoids items that are like those before them (MMR).

    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998.

    Attributes
    ----------
    dial
        Above 0, the list as it is, to 1, likeness alone: 1 - lambda of the paper.
    columns
        Two items are the more alike the more values of these columns they share.
    """

    dial: float
    columns: tuple[str, ...]


@value_object
class Exploration:
    """A share of a list's places for new items, drawn at random.

    Attributes
    ----------
    share
        The chance of each place that no other rule fills.
    new_for_days
        Items are new for so long after their `creationTimestamp`.
    """

    share: float
    new_for_days: int


@value_object
class RuleSet:
    """Rules that apply together."""

    name: str
    promotions: tuple[Promotion, ...] = ()
    boosts: tuple[Boost, ...] = ()
    demotions: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()
    slate: tuple[SlateRule, ...] = ()
    diversity: Diversity | None = None
    exploration: Exploration | None = None


def promoted_places(shares: Sequence[float], k: int) -> list[int]:
    """Return how many of k places each of some shares is, halves rounded up; never more together than all of them are.

    Examples
    --------
    >>> promoted_places([0.2], 10), promoted_places([1 / 3, 1 / 3, 1 / 3], 4)
    ([2], [1, 2, 1])
    """
    ends = [math.floor(total * k + 0.5 + _ROUNDING) for total in itertools.accumulate(shares, initial=0.0)]
    return [end - start for start, end in itertools.pairwise(ends)]
