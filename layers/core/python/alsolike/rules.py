"""Merchandising rules: how a shop steers what is recommended.

They compose in this order, each within what those before it left: filter and exclusion list, boosts and demotions,
pins, promotions, slate rules, exploration, diversity.
"""

from __future__ import annotations

import dataclasses

MAX_POSITION = 500
"""The longest list of recommendations that can be asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(frozen=True, slots=True)
class Boost:
    """A factor on the scores of the items that pass a filter: above 1 a boost, below 1 a demotion."""

    filter: str
    factor: float


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """An item that stands at a place of the list, counted from 1."""

    item_id: str
    position: int


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(frozen=True, slots=True)
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
