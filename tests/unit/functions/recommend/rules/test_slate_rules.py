"""Slate rules applied item by item."""

from typing import Any

from alsolike.configuration.rules import SlateRule
from functions.recommend.rules.slate import SlateRules


class NamedSlate(SlateRules):
    """Rules over named items. An item's position is the index of its keyword argument."""

    def __init__(self, *rules, **items):
        self.positions = {name: position for position, name in enumerate(items)}
        columns = list(items.values())
        super().__init__(rules, lambda position: columns[position])

    def add_item(self, name):
        self.add(self.positions[name])

    def broken_by_item(self, name):
        return self.broken_by(self.positions[name])


def test_column_is_named_once_if_several_values_break_its_rule():
    slate = NamedSlate(SlateRule("tags", at_most=1), a={"tags": ["m", "n"]})

    slate.add_item("a")

    assert slate.broken_by_item("a") == ["tags"]


def test_spread_is_a_factor_and_includes_its_bounds():
    prices = {"a": 4, "double": 8, "more": 9, "half": 2, "less": 1, "none": 0, "unknown": None}
    slate = NamedSlate(SlateRule("price", spread=2), **{item: {"price": price} for item, price in prices.items()})

    slate.add_item("a")

    assert [item for item in prices if slate.broken_by_item(item)] == ["more", "less"]


def test_broken_spread_refuses_only_items_that_widen_it():
    prices = {"least": 1, "greatest": 10, "between": 5, "wider": 11, "lower": 0.5}
    slate = NamedSlate(SlateRule("price", spread=2), **{item: {"price": price} for item, price in prices.items()})

    slate.add_item("least")
    slate.add_item("greatest")

    assert [item for item in prices if slate.broken_by_item(item)] == ["wider", "lower"]


def test_item_tightens_a_rule_at_its_limit_or_with_a_wider_range():
    items: dict[str, dict[str, Any]] = {
        "x": {"brand": "x", "price": 4},
        "y": {"brand": "y", "price": 4},
        "z": {"brand": "z", "price": 6},
        "inside": {"brand": "w", "price": 5},
        "upper": {"brand": "w", "price": 6},
        "priceless": {"brand": "v"},
    }
    slate = NamedSlate(SlateRule("brand", at_most=2), SlateRule("price", spread=2), **items)
    grown = []

    for item in ("x", "y", "x", "z", "inside", "upper", "priceless"):
        before = slate.tightened
        slate.add_item(item)
        grown.append(slate.tightened - before)

    # The items tighten the rules for these reasons: first price; none; two items of x; 6 is above 4; none; two items of
    # w; none.
    assert grown == [1, 0, 1, 1, 0, 1, 0]


def test_each_rule_type_works_without_the_others():
    maximum = NamedSlate(SlateRule("brand", at_most=1), a={"brand": "x"})
    spread = NamedSlate(SlateRule("price", spread=2), a={"price": 1}, b={"price": 3})

    maximum.add_item("a")
    spread.add_item("a")

    assert maximum.broken_by_item("a") == ["brand"]
    assert spread.broken_by_item("b") == ["price"]


def test_slate_without_rules_looks_up_no_items():
    slate = NamedSlate()

    slate.add(7)

    assert slate.broken_by(7) == []


def test_item_is_looked_up_once():
    looked_up: list[int] = []

    def columns(position):
        looked_up.append(position)
        return {"brand": "x"}

    slate = SlateRules([SlateRule("brand", at_most=1)], columns)
    slate.broken_by(3)
    slate.add(3)
    slate.broken_by(3)

    assert looked_up == [3]


def test_booleans_have_no_spread():
    slate = NamedSlate(SlateRule("price", spread=2), a={"price": True}, b={"price": 3}, c={"price": 0.9})

    slate.add_item("b")
    slate.add_item("a")

    assert slate.tightened == 1
    assert slate.broken_by_item("c") == ["price"]
    assert slate.broken_by_item("a") == []
