"""Conflicts of pins, promotions, exploration and slate rules over positions."""

import pytest

from alsolike.configuration.rules import Diversity, SlateRule
from functions.recommend.rules.slate import Pinned, Promoted, SlateInputs, compose
from functions.recommend.scored_item import ScoredItem


class Chance:
    """Random source that returns the given numbers, then 0, and always selects the first item."""

    def __init__(self, *numbers):
        self._numbers = iter(numbers)

    def random(self):
        return next(self._numbers, 0.0)

    def randrange(self, stop, /):
        assert stop > 0
        return 0


def candidates(ids):
    return [ScoredItem(ord(item_id), 1 / place) for place, item_id in enumerate(ids, start=1)]


def made(ids, *, k, brands=None, chance=(), **rules):
    return compose(
        candidates(ids),
        SlateInputs(**rules),
        k=k,
        columns=lambda position: {"brand": brands[chr(position)]} if brands and chr(position) in brands else {},
        random=Chance(*chance),
    )


def pin(item_id, place, *, refusal=None):
    return Pinned(ord(item_id), item_id, place, refusal=refusal)


def ids(slate):
    return "".join(chr(place.position) for place in slate.items)


def test_pin_without_a_score_has_score_0():
    assert made("", k=1, pins=[pin("p", 1)]).items == [ScoredItem(ord("p"), 0.0, "pinned")]


def test_later_promotion_gets_positions_left_by_earlier_ones():
    """m has two of three positions, so n has one. Sorting by (turn + 0.5) / count puts n in the middle."""
    slate = made("", k=3, promotions=[Promoted("m", 2, candidates("ab")), Promoted("n", 2, candidates("xy"))])

    assert (ids(slate), slate.unmet_rules) == ("axb", ("promotion:n starved",))


def test_promotion_with_as_many_items_as_positions_is_met():
    slate = made("a", k=2, promotions=[Promoted("sale", 1, candidates("z"))])

    assert (ids(slate), slate.unmet_rules) == ("az", ())


@pytest.mark.parametrize(
    ("pins", "listed", "gave"),
    [
        ([pin("p", 5)], "ap", ("pin:p moved",)),
        ([pin("p", 2)], "ap", ()),
        ([pin("p", 1)], "pa", ()),
        ([pin("a", 3, refusal="filtered")], "a", ("pin:a filtered",)),
        ([pin("a", 6)], "a", ("pin:a past-end",)),
        ([pin("p", 3), pin("q", 5)], "apq", ("pin:p moved", "pin:q moved")),
    ],
)
def test_only_a_pin_at_another_position_is_reported_as_moved(pins, listed, gave):
    slate = made("a", k=5, pins=pins)

    assert (ids(slate), slate.unmet_rules) == (listed, gave)


def test_slate_rule_kept_by_a_full_list_is_not_reported():
    slate = made("abc", k=2, brands={"a": "x", "b": "x", "c": "y"}, slate=[SlateRule("brand", at_most=1)])

    assert (ids(slate), slate.unmet_rules) == ("ac", ())


def test_new_items_excluded_by_pin_and_slate_rule_are_not_explored():
    """The pinned a is the one item of brand x that the rule permits, so the new item b is not explored."""
    slate = made(
        "c", k=2, brands={"a": "x", "b": "x", "c": "y", "d": "z"}, slate=[SlateRule("brand", at_most=1)],
        pins=[pin("a", 1)], explored_share=1.0, new_items=candidates("bd"),
    )  # fmt: skip

    assert ids(slate) == "ad"


def test_exploration_share_1_draws_and_share_0_keeps_the_ranking():
    certain = made("ab", k=1, explored_share=1.0, new_items=candidates("n"), chance=[0.999])
    bounded = made("ab", k=1, explored_share=0.5, new_items=candidates("n"), chance=[0.5])
    none = made("ab", k=1, new_items=candidates("n"))

    assert certain.items == [ScoredItem(ord("n"), 1.0, "explored", 1.0)]
    assert bounded.items == [ScoredItem(ord("a"), 1.0, "ranked", 0.5)]
    assert none.items == [ScoredItem(ord("a"), 1.0, "ranked", None)]


def test_item_ranked_last_by_diversity_stays_in_a_long_list():
    brands = {"a": "x", "b": "x", "c": "y"}

    slate = made("abc", k=5, brands=brands, pins=[pin("b", 1)], diversity=Diversity(0.9, ("brand",)))

    assert ids(slate) == "bca"
