"""Merchandising rules, with which a shop controls recommendations.

Filters and exclusion lists select items, and boosts and demotions change their scores. Pins take their positions first,
and promotions share the others with ranked items. Diversity prefers dissimilar ranked items, and exploration replaces
ranked items by new items. Slate rules reject items, except pins.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

from alsolike.declarations.limits import MAX_RESULTS
from alsolike.runtime.struct import struct

MAX_POSITION = MAX_RESULTS

MAX_FACTORS = 16
"""Maximum number of boosts and demotions in a rule set. Each distinct product of factors needs a run of the model."""

_ROUNDING = 1e-9


@struct
class Promotion:
    """Share of a list's positions that is reserved for items which pass the promotion's filter.

    At these positions, this filter replaces the filter of the request.

    Attributes
    ----------
    name
        Name in responses; "" to use the name of the filter.
    until_ms, from_ms
        End and start of the rule, in epoch milliseconds. None means no end or no start.
    """

    filter: str
    share: float
    name: str = ""
    until_ms: int | None = None
    from_ms: int | None = None

    @property
    def called(self) -> str:
        return self.name or self.filter


@struct
class Boost:
    """Factor for the scores of the items that pass a filter. A factor above 1 is a boost, below 1 a demotion.

    Negative scores are divided by the factor, so that a boost never lowers a score.
    """

    filter: str
    factor: float
    until_ms: int | None = None
    from_ms: int | None = None


@struct
class Pin:
    """Item with a fixed position in the list, counted from 1."""

    item_id: str
    position: int
    until_ms: int | None = None
    from_ms: int | None = None


@struct
class SlateRule:
    """Constraint on the complete list. Exactly one of the two bounds is set.

    Attributes
    ----------
    at_most
        Maximum number of items with the same value of the column.
    spread
        Maximum ratio of the largest to the smallest value of the column in the list.
    """

    column: str
    at_most: int | None = None
    spread: float | None = None
    until_ms: int | None = None
    from_ms: int | None = None


SCHEDULED = ("promotions", "boosts", "demotions", "pins", "slate")
"""Fields of a rule set with lists of rules, each of which can have a period."""


@struct
class Diversity:
    """Degree to which a list avoids items that resemble items that are already in the list (MMR).

    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998.

    Attributes
    ----------
    dial
        1 - lambda of the paper. Close to 0, diversity has no effect. At 1, only dissimilarity counts.
    columns
        Columns that determine the similarity of two items, which grows with the number of shared values.
    """

    dial: float
    columns: tuple[str, ...]


@struct
class Exploration:
    """Share of a list's positions that randomly drawn new items fill.

    Attributes
    ----------
    share
        Probability of a new item at each position without a pin or a promotion.
    new_for_days
        Number of days after its `creationTimestamp` in which an item counts as new.
    """

    share: float
    new_for_days: int


@struct
class RuleSet:
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
        lists = self.promotions or self.boosts or self.demotions or self.pins or self.slate
        return not lists and self.diversity is None and self.exploration is None

    def at(self, now_ms: int) -> RuleSet:
        lists: dict[str, Any] = {
            name: tuple(
                rule
                for rule in getattr(self, name)
                if (rule.from_ms is None or rule.from_ms <= now_ms)
                and (rule.until_ms is None or now_ms < rule.until_ms)
            )
            for name in SCHEDULED
        }
        return dataclasses.replace(self, **lists)


def promoted_places(shares: Sequence[float], k: int) -> list[int]:
    """Return the number of positions that each share receives in a list of k items.

    The cumulative sums of the shares, times k, are rounded, halves up. Therefore the total number of positions is the
    rounded product of the total share and k.

    Examples
    --------
    >>> promoted_places([0.2], 10), promoted_places([0.58], 25), promoted_places([1 / 3, 1 / 3, 1 / 3], 4)
    ([2], [15], [1, 2, 1])
    """
    ends = [math.floor(total * k + 0.5 + _ROUNDING) for total in itertools.accumulate(shares, initial=0.0)]
    return [end - start for start, end in itertools.pairwise(ends)]
