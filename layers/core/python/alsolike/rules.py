"""Merchandising rules: how a shop steers what is recommended."""

from __future__ import annotations

import dataclasses

MAX_POSITION = 500
"""The longest list of recommendations that can be asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Promotion:
    """A share of a list's places for the items that pass a filter."""

    filter: str
    share: float


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
class RuleSet:
    """Rules that apply together."""

    name: str
    promotions: tuple[Promotion, ...] = ()
    boosts: tuple[Boost, ...] = ()
    demotions: tuple[Boost, ...] = ()
    pins: tuple[Pin, ...] = ()
    slate: tuple[SlateRule, ...] = ()
