"""Slate rules looked at item by item."""

from __future__ import annotations

from typing import Any

import pytest

from alsolike.domain.rules import SlateRule
from functions.recommend.rules.mmr import values
from functions.recommend.rules.slate import SlateRules


def rules(*each: SlateRule, **items: dict[str, Any]) -> SlateRules:
    return SlateRules(each, lambda item_id: items[item_id])


def test_an_item_counts_once_for_each_of_its_values() -> None:
    slate = rules(SlateRule("tags", at_most=2), a={"tags": ["m", "n"]}, b={"tags": ["n"]}, c={"tags": ["m"]})

    slate.add("a")
    assert slate.broken_by("b") == slate.broken_by("c") == []
    slate.add("b")
    assert slate.broken_by("b") == ["tags"]
    assert slate.broken_by("c") == []


def test_a_column_is_named_once_though_several_values_break_its_rule() -> None:
    slate = rules(SlateRule("tags", at_most=1), a={"tags": ["m", "n"]})

    slate.add("a")

    assert slate.broken_by("a") == ["tags"]


def test_a_spread_includes_its_bounds_and_is_a_factor() -> None:
    prices = {"a": 4, "double": 8, "more": 9, "half": 2, "less": 1, "none": 0, "unknown": None}
    slate = rules(SlateRule("price", spread=2), **{item: {"price": price} for item, price in prices.items()})

    slate.add("a")

    assert [item for item in prices if slate.broken_by(item)] == ["more", "less"]


def test_the_range_of_a_broken_spread_refuses_what_widens_it_and_not_its_ends() -> None:
    prices = {"least": 1, "greatest": 10, "between": 5, "wider": 11, "lower": 0.5}
    slate = rules(SlateRule("price", spread=2), **{item: {"price": price} for item, price in prices.items()})

    slate.add("least")
    slate.add("greatest")

    assert [item for item in prices if slate.broken_by(item)] == ["wider", "lower"]


def test_rules_tighten_where_a_value_is_used_up_or_a_range_grows() -> None:
    items: dict[str, dict[str, Any]] = {
        "x": {"brand": "x", "price": 4},
        "y": {"brand": "y", "price": 4},
        "z": {"brand": "z", "price": 6},
        "inside": {"brand": "w", "price": 5},
        "upper": {"brand": "w", "price": 6},
        "priceless": {"brand": "v"},
    }
    slate = rules(SlateRule("brand", at_most=2), SlateRule("price", spread=2), **items)
    grown = []

    for item in ("x", "y", "x", "z", "inside", "upper", "priceless"):
        before = slate.tightened
        slate.add(item)
        grown.append(slate.tightened - before)

    assert grown == [1, 0, 1, 1, 0, 1, 0]  # first price; none; two of x; 6 is above 4; none; two of w; none


def test_either_kind_of_rule_works_without_the_other() -> None:
    most = rules(SlateRule("brand", at_most=1), a={"brand": "x"})
    spread = rules(SlateRule("price", spread=2), a={"price": 1}, b={"price": 3})

    most.add("a")
    spread.add("a")

    assert most.broken_by("a") == ["brand"]
    assert spread.broken_by("b") == ["price"]


def test_without_rules_no_item_is_looked_up() -> None:
    slate = rules()

    slate.add("unknown")

    assert slate.broken_by("unknown") == []


def test_an_item_is_looked_up_once() -> None:
    looked_up: list[str] = []

    def columns(item_id: str) -> dict[str, Any]:
        looked_up.append(item_id)
        return {"brand": "x"}

    slate = SlateRules([SlateRule("brand", at_most=1)], columns)
    slate.broken_by("a")
    slate.add("a")
    slate.broken_by("a")

    assert looked_up == ["a"]


@pytest.mark.parametrize(
    ("value", "counted"),
    [("x", {"x"}), (["x", "y", 3], {"x", "y"}), (True, {"true"}), (False, {"false"}), (3, set()), (None, set())],
)
def test_values_of_a_column_are_its_texts_and_truth_values(value: Any, counted: set[str]) -> None:
    assert values(value) == counted


def test_truth_values_have_no_spread() -> None:
    slate = rules(SlateRule("price", spread=2), a={"price": True}, b={"price": 3}, c={"price": 0.9})

    slate.add("b")
    slate.add("a")

    assert slate.tightened == 1
    assert slate.broken_by("c") == ["price"]
    assert slate.broken_by("a") == []
