"""Merchandising rules: a shop's control over recommendations.

They apply in this order, each within the result of those before it: filter and exclusion list, boosts and demotions,
pins, promotions, slate rules, exploration, diversity.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

from alsolike.runtime.struct import struct

MAX_POSITION = 500
"""Maximum length of a list of recommendations."""

MAX_FACTORS = 16
"""Maximum boosts and demotions of a rule set. The model runs once per distinct product of items' factors."""

_ROUNDING = 1e-9  # tolerance for sums of shares


@struct
class Promotion:
    """A share of a list's places for the items that pass a filter, which stands for that of the request.

    Attributes
    ----------
    name
        What answers call it; "" for that of its filter.
    until_ms
        Its end; None for none.
    """

    filter: str
    share: float
    name: str = ""
    until_ms: int | None = None

    @property
    def called(self) -> str:
        """The name in responses."""
        return self.name or self.filter


@struct
class Boost:
    """A factor on the scores of the items that pass a filter: above 1 a boost, below 1 a demotion."""

    filter: str
    factor: float


@struct
class Pin:
    """An item that stands at a place of the list, counted from 1; `until_ms` is its end, None for none."""

    item_id: str
    position: int
    until_ms: int | None = None


@struct
class SlateRule:
    """A constraint on a list as a whole; exactly one of the two bounds is set.

    Attributes
    ----------
    at_most
        Maximum number of the list's items with the same value of the column.
    spread
        Maximum ratio of the largest to the smallest value of the column in the list.
    """

    column: str
    at_most: int | None = None
    spread: float | None = None


@struct
class Diversity:
    """The degree to which a list avoids items that resemble earlier ones (MMR).

    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998.

    Attributes
    ----------
    dial
        From above 0 (the unchanged list) to 1 (only dissimilarity counts): 1 - lambda of the paper.
    columns
        Items are the more similar the more values of these columns they share.
    """

    dial: float
    columns: tuple[str, ...]


@struct
class Exploration:
    """A share of a list's places for new items, drawn at random.

    Attributes
    ----------
    share
        The probability of a new item at each place that no other rule fills.
    new_for_days
        Number of days after their `creationTimestamp` in which items are new.
    """

    share: float
    new_for_days: int


@struct
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

    @property
    def is_empty(self) -> bool:
        """True if it has no rules."""
        lists = self.promotions or self.boosts or self.demotions or self.pins or self.slate
        return not lists and self.diversity is None and self.exploration is None

    def at(self, now_ms: int) -> RuleSet:
        """Return the rules without pins and promotions that have ended."""
        pins = tuple(pin for pin in self.pins if pin.until_ms is None or now_ms < pin.until_ms)
        promotions = tuple(each for each in self.promotions if each.until_ms is None or now_ms < each.until_ms)
        return dataclasses.replace(self, pins=pins, promotions=promotions)


def promoted_places(shares: Sequence[float], k: int) -> list[int]:
    """Return how many of k places each of some shares is, halves rounded up; never more together than all of them are.

    Examples
    --------
    >>> promoted_places([0.2], 10), promoted_places([1 / 3, 1 / 3, 1 / 3], 4)
    ([2], [1, 2, 1])
    """
    ends = [math.floor(total * k + 0.5 + _ROUNDING) for total in itertools.accumulate(shares, initial=0.0)]
    return [end - start for start, end in itertools.pairwise(ends)]
