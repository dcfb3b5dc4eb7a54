"""List of recommendations that satisfies the rules: pins, positions for promotions, and other items in ranked order.

This module reads no stores. Callers pass candidates with scores, best first, and `columns` returns the values of items.

`compose` lists unmet rules as `<rule>:<what> <why>`:

==================== =================================================================================================
why                  when
==================== =================================================================================================
pin … past-end       the requested list has no place with this number
pin … moved          the list is too short, so the item is at an earlier place
pin … <other>        the item may not be recommended, for the reason that the caller passed
promotion … starved  the list has fewer items of the promotion, at any place, than the promotion has places
slate … pinned       pinned items break the rule; other items do not increase the violation
slate … starved      the list is shorter, because the remaining items would break the rule
exploration starved  no new item was allowed at one of the places for exploration
==================== =================================================================================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from alsolike.configuration.rules import Diversity, SlateRule
from alsolike.records.served_response import EXPLORED, PINNED, PROMOTED
from alsolike.runtime.struct import struct
from functions.recommend.rules.mmr import MmrReranker, values
from functions.recommend.scored_item import ScoredItem

Columns = Callable[[int], Mapping[str, Any]]
"""Function that returns the values of the item at a position, by column."""


class Random(Protocol):
    def random(self) -> float:
        """Return a number from 0 to 1, excluding 1."""

    def randrange(self, stop: int, /) -> int:
        """Return an integer from 0 to `stop`, exclusive."""


@struct
class Promoted:
    """Promotion with its number of places and its allowed items, best first."""

    name: str
    places: int
    candidates: Sequence[ScoredItem]


@struct
class Pinned:
    """Item for a fixed position of the list.

    Attributes
    ----------
    position
        Position of the item; see `functions.recommend.masks.RequestItems`.
    place
        Place in the list, from 1.
    refusal
        Reason why the item may not be recommended; None if it may.
    """

    position: int
    item_id: str
    place: int
    score: float = 0.0
    refusal: str | None = None


@struct
class Slate:
    """List of items, unmet rules, and the causes if the model did not rank for promotions."""

    items: Sequence[ScoredItem]
    unmet_rules: Sequence[str]
    degraded: tuple[str, ...] = ()


@struct
class SlateInputs:
    """Rules and items of a list, except its candidates.

    `explored_share` is the probability of a new item at each place without a pin or promotion; 0 disables exploration.
    `products` contains the key of each item's product, by position; empty to allow all variants. Apart from pins, a
    product occurs once, unless no other candidates remain.
    """

    pins: Sequence[Pinned] = ()
    promotions: Sequence[Promoted] = ()
    slate: Sequence[SlateRule] = ()
    diversity: Diversity | None = None
    explored_share: float = 0.0
    new_items: Sequence[ScoredItem] = ()
    products: Mapping[int, int] = dataclasses.field(default_factory=dict)


def compose(
    candidates: Sequence[ScoredItem], inputs: SlateInputs, *, k: int, columns: Columns, random: Random
) -> Slate:
    """Return at most k items that satisfy the rules. `candidates` are best first, without duplicates.

    Pins are placed first. The places of promotions are spread evenly over the remaining places. Then the places are
    filled in order. An item is allowed if the list contains neither the item nor a variant of it, and no slate rule
    rejects it. The place of a promotion gets the promotion's best allowed item. Other places, and places of promotions
    without an allowed item, get the greedy choice g, which is the first allowed candidate, or with diversity the
    allowed candidate with the greatest

        (1 - dial) * score / best score - dial * likeness to the most alike item of the list (MMR, equation 1)

    If no candidate is allowed, g is an unlisted variant of a listed product that no slate rule rejects.

    Exploration replaces g with probability s (`explored_share`) by an item drawn from E, the allowed new items. Given
    the earlier places, item i gets the place with the probability

        p(i) = (1 - s) [i = g] + s / |E| [i in E], and 1 for g if E is empty.

    References
    ----------
    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998, section 2.
    """
    return _Composition(candidates, inputs, k=k, columns=columns, random=random).slate()


class _Composition:
    def __init__(
        self,
        candidates: Sequence[ScoredItem],
        inputs: SlateInputs,
        *,
        k: int,
        columns: Columns,
        random: Random,
    ) -> None:
        self._products = inputs.products
        self._listed: set[int | None] = set()
        self._spare: list[ScoredItem] = []
        self._inputs = inputs
        self._random = random
        self._places: list[ScoredItem | None] = [None] * k
        self._rules = SlateRules(inputs.slate, columns)
        self._candidates, self._next = candidates, 0
        self._variety = (
            MmrReranker(
                inputs.diversity,
                [candidate.position for candidate in candidates],
                [candidate.score for candidate in candidates],
                columns,
            )
            if inputs.diversity
            else None
        )
        self._waiting = [iter(promotion.candidates) for promotion in inputs.promotions]
        self._new, self._tightened = list(inputs.new_items), -1
        self._taken: set[int] = set()
        self._unmet: dict[str, None] = {}

    def slate(self) -> Slate:
        for pin in sorted(self._inputs.pins, key=lambda pin: pin.place):
            self._pin(pin)
        free = [place for place, item in enumerate(self._places) if item is None]
        promoted = self._promoted_places(free)
        for place in free:
            if place not in promoted or not self._promote(place, promoted[place]):
                self._rank(place)
        places = [place for place in self._places if place is not None]
        self._judge(places)
        return Slate(places, tuple(self._unmet))

    def _judge(self, places: Sequence[ScoredItem]) -> None:
        for promotion in self._inputs.promotions:
            has = self._taken.intersection(candidate.position for candidate in promotion.candidates)
            if len(has) < promotion.places:
                self._add_unmet(f"promotion:{promotion.name} starved")
        if len(places) < len(self._places):
            self._unmet |= dict.fromkeys(f"slate:{column} starved" for column in self._rules.starving)
            for pin in self._inputs.pins:
                is_placed = pin.position in self._taken and pin.refusal is None and pin.place <= len(self._places)
                if is_placed and not (pin.place <= len(places) and places[pin.place - 1].position == pin.position):
                    self._add_unmet(f"pin:{pin.item_id} moved")

    def _add_unmet(self, rule_name: str) -> None:
        self._unmet[rule_name] = None

    def _take(self, place: int, item: ScoredItem) -> None:
        self._places[place] = item
        self._taken.add(item.position)
        if self._products:
            self._listed.add(self._products[item.position])
        self._rules.add(item.position)
        if self._variety is not None:
            self._variety.add(item.position)

    def _pin(self, pin: Pinned) -> None:
        if pin.refusal is not None:
            self._add_unmet(f"pin:{pin.item_id} {pin.refusal}")
        elif pin.place > len(self._places):
            self._add_unmet(f"pin:{pin.item_id} past-end")
        else:
            for column in self._rules.broken_by(pin.position):
                self._add_unmet(f"slate:{column} pinned")
            self._take(pin.place - 1, ScoredItem(pin.position, pin.score, PINNED))

    def _promoted_places(self, free: Sequence[int]) -> dict[int, int]:
        """Return the index of the promotion for each promoted place. Promotions are spread over the places `free`."""
        left = len(free)
        due: list[tuple[float, int]] = []
        for number, promotion in enumerate(self._inputs.promotions):
            count = min(promotion.places, left)
            left -= count
            due += [((turn + 0.5) / count, number) for turn in range(count)]
        spread = (free[int((turn + 0.5) * len(free) / len(due))] for turn in range(len(due)))
        return {place: number for place, (_, number) in zip(spread, sorted(due), strict=True)}

    def _promote(self, place: int, number: int) -> bool:
        """Fill a place with the promotion's next allowed item. Return false if there is none."""
        for candidate in self._allowed(self._waiting[number]):
            name = self._inputs.promotions[number].name
            self._take(place, ScoredItem(candidate.position, candidate.score, f"{PROMOTED}{name}"))
            return True
        return False

    def _allowed(self, candidates: Iterator[ScoredItem]) -> Iterator[ScoredItem]:
        """Yield the allowed candidates; see `compose`. Rejections by slate rules are permanent."""
        for candidate in candidates:
            if not self._contains_variant(candidate.position) and not self._rules.broken_by(candidate.position):
                yield candidate

    def _contains_variant(self, position: int) -> bool:
        return position in self._taken or self._products.get(position) in self._listed

    def _rank(self, place: int) -> None:
        """Fill a place with the greedy choice or a random new item. The place stays empty if no items remain."""
        greedy = self._greedy()
        if greedy is None:
            return
        if not self._inputs.explored_share:
            self._take(place, greedy)
            return
        if self._tightened != self._rules.tightened:
            self._new, self._tightened = list(self._allowed(iter(self._new))), self._rules.tightened
        self._new = [item for item in self._new if not self._contains_variant(item.position)]
        share = self._inputs.explored_share if self._new else 0.0
        if not self._new:
            self._add_unmet("exploration starved")
        explored = self._random.random() < share
        drawn = self._new[self._random.randrange(len(self._new))] if explored else greedy
        propensity = (1 - share) * (drawn.position == greedy.position)
        if any(item.position == drawn.position for item in self._new):
            propensity += share / len(self._new)
        self._take(place, ScoredItem(drawn.position, drawn.score, EXPLORED if explored else greedy.origin, propensity))

    def _greedy(self) -> ScoredItem | None:
        """Return the next allowed candidate, else an allowed variant of a listed product, or None."""
        while (place := self._following()) is not None:
            candidate = self._candidates[place]
            if self._contains_variant(candidate.position):
                self._spare.append(candidate)
            else:
                columns = self._rules.broken_by(candidate.position)
                if not columns:
                    return candidate
                self._rules.starving |= dict.fromkeys(columns)
            if self._variety is not None:
                self._variety.drop(candidate.position)
            else:
                self._next += 1
        return next((spare for spare in self._spare if self._is_possible(spare)), None)

    def _is_possible(self, variant: ScoredItem) -> bool:
        return variant.position not in self._taken and not self._rules.broken_by(variant.position)

    def _following(self) -> int | None:
        """Return the index of the next candidate, or None if no candidate remains.

        Diversity selects the candidate with the highest marginal relevance. Otherwise, candidates keep their order.
        """
        if self._variety is not None:
            return self._variety.best()
        return self._next if self._next < len(self._candidates) else None


class SlateRules:
    """Rules of a list, with the list's items so far.

    An item counts for each of its values in a column. An item without a value counts for none. Rules on numbers compare
    only positive numbers. If pinned items already violate a rule, the rule rejects only items that increase the
    violation. So an item that breaks a rule also breaks it after more items are added.

    Attributes
    ----------
    tightened
        Counter that increases whenever an item that broke no rule may now break a rule.
    starving
        Columns of the rules that rejected a candidate of the ranking.
    """

    def __init__(self, rules: Sequence[SlateRule], columns: Columns) -> None:
        self._at_most = [(rule.column, rule.at_most, dict[str, int]()) for rule in rules if rule.at_most is not None]
        self._spread = [(rule.column, rule.spread) for rule in rules if rule.spread is not None]
        self._ranges: dict[str, tuple[float, float]] = {}
        self._columns = columns
        self._known: dict[int, tuple[list[frozenset[str]], list[float | None]]] = {}
        self.tightened = 0
        self.starving: dict[str, None] = {}

    def broken_by(self, position: int) -> list[str]:
        if not self._at_most and not self._spread:
            return []
        texts, numbers = self._known.get(position) or self._look_up(position)
        broken: list[str] = []
        for (column, maximum, counts), has in zip(self._at_most, texts, strict=True):
            for value in has:
                if counts.get(value, 0) >= maximum:
                    broken.append(column)
                    break
        for (column, spread), number in zip(self._spread, numbers, strict=True):
            if number is not None and column in self._ranges:
                minimum, greatest = self._ranges[column]
                if not minimum <= number <= greatest and max(greatest, number) > spread * min(minimum, number):
                    broken.append(column)
        return broken

    def add(self, position: int) -> None:
        if not self._at_most and not self._spread:
            return
        texts, numbers = self._known.get(position) or self._look_up(position)
        for (_, maximum, counts), has in zip(self._at_most, texts, strict=True):
            for value in has:
                counts[value] = counts.get(value, 0) + 1
                self.tightened += counts[value] == maximum
        for (column, _), number in zip(self._spread, numbers, strict=True):
            if number is not None:
                minimum, greatest = self._ranges.get(column, (number, number))
                self.tightened += column not in self._ranges or not minimum <= number <= greatest
                self._ranges[column] = min(minimum, number), max(greatest, number)

    def _look_up(self, position: int) -> tuple[list[frozenset[str]], list[float | None]]:
        has = self._columns(position)
        known = (
            [values(has.get(column)) for column, *_ in self._at_most],
            [_number(has.get(column)) for column, _ in self._spread],
        )
        self._known[position] = known
        return known


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
