"""The rules in the configuration's document: read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alsolike.columns import property_name
from alsolike.configuration import ColumnType
from alsolike.document import Node
from alsolike.filters_document import DeclaredFilters
from alsolike.interactions import MAX_ID_CHARACTERS
from alsolike.names import NAME, NAME_FORM
from alsolike.rules import MAX_POSITION, Boost, Pin, Promotion, RuleSet, SlateRule

MAX_FACTOR = 100
MAX_SPREAD = 1_000
_MAX_RULES = 100
_ITEM_ID = re.compile(rf"(?=.*\S)[^\x00-\x1f\x7f]{{1,{MAX_ID_CHARACTERS}}}")
_COUNTABLE = (ColumnType.STRING, ColumnType.LIST, ColumnType.BOOLEAN)


def parse_rules(
    node: Node | None, *, filters: DeclaredFilters, columns: Mapping[str, ColumnType]
) -> dict[str, RuleSet]:
    """Read the rule sets by name; faults are noted at the node.

    Parameters
    ----------
    filters, columns
        Filters and columns of items that rules may refer to.
    """
    rules = {}
    for name, entry in node.entries() if node else ():
        if not NAME.fullmatch(name):
            entry.fault(f"is no name, expected {NAME_FORM}", at_key=True)
            continue
        fields = entry.fields("promotions", "boosts", "demotions", "pins", "slate")
        rules[name] = RuleSet(
            name,
            promotions=_promotions(fields.get("promotions"), filters),
            boosts=_boosts(fields.get("boosts"), filters, least=1, most=MAX_FACTOR),
            demotions=_boosts(fields.get("demotions"), filters, least=0, most=1),
            pins=_pins(fields.get("pins")),
            slate=_slate(fields.get("slate"), columns),
        )
    return rules


def rule_set_to_document(rules: RuleSet) -> dict[str, Any]:
    """Return what `parse_rules` reads as this rule set; what is empty is left out."""
    document = {
        "promotions": [{"filter": promotion.filter, "share": promotion.share} for promotion in rules.promotions],
        "boosts": [{"filter": boost.filter, "factor": boost.factor} for boost in rules.boosts],
        "demotions": [{"filter": boost.filter, "factor": boost.factor} for boost in rules.demotions],
        "pins": [{"item": pin.item_id, "position": pin.position} for pin in rules.pins],
        "slate": [
            {"column": rule.column, "at_most": rule.at_most}
            if rule.spread is None
            else {"column": rule.column, "spread": rule.spread}
            for rule in rules.slate
        ],
    }
    return {name: part for name, part in document.items() if part}


def _promotions(node: Node | None, filters: DeclaredFilters) -> tuple[Promotion, ...]:
    promotions = []
    for entry in node.elements(maximum=_MAX_RULES) if node else ():
        fields = entry.fields("filter", "share", required=("filter", "share"))
        chosen = _filter(fields, filters)
        share = fields["share"].number(0, 1) if "share" in fields else None
        if share == 0:
            fields["share"].expect("more than 0")
        promotions.append(Promotion(chosen, share or 0.0))
    total = sum(promotion.share for promotion in promotions)
    if node and total > 1 + 1e-9:
        node.fault(f"promise {total:g} of the places, expected shares that add up to 1 at most")
    return tuple(promotions)


def _boosts(node: Node | None, filters: DeclaredFilters, *, least: float, most: float) -> tuple[Boost, ...]:
    boosts = []
    for entry in node.elements(maximum=_MAX_RULES) if node else ():
        fields = entry.fields("filter", "factor", required=("filter", "factor"))
        chosen = _filter(fields, filters)
        factor = fields["factor"].number(least, most, open_ends=True) if "factor" in fields else None
        boosts.append(Boost(chosen, factor or 0.0))
    return tuple(boosts)


def _filter(fields: Mapping[str, Node], filters: DeclaredFilters) -> str:
    return (filters.choose(fields["filter"]) or "") if "filter" in fields else ""


def _pins(node: Node | None) -> tuple[Pin, ...]:
    pins: list[Pin] = []
    for entry in node.elements(maximum=MAX_POSITION) if node else ():
        fields = entry.fields("item", "position", required=("item", "position"))
        item_id = fields["item"].text(_ITEM_ID, "an item's id, in quotes") if "item" in fields else None
        position = fields["position"].integer(1, MAX_POSITION) if "position" in fields else None
        if item_id and any(pin.item_id == item_id for pin in pins):
            fields["item"].fault(f"is {item_id!r}, which is pinned already")
        if position and any(pin.position == position for pin in pins):
            fields["position"].fault(f"is {position}, where another item is pinned already")
        if item_id and position:
            pins.append(Pin(item_id, position))
    return tuple(pins)


def _slate(node: Node | None, columns: Mapping[str, ColumnType]) -> tuple[SlateRule, ...]:
    rules = []
    for entry in node.elements(maximum=_MAX_RULES) if node else ():
        fields = entry.fields("column", "at_most", "spread", required=("column",))
        if ("at_most" in fields) == ("spread" in fields):
            entry.fault("states both or neither of at_most and spread, expected one of them")
            continue
        at_most = fields["at_most"].integer(1, MAX_POSITION) if "at_most" in fields else None
        spread = fields["spread"].number(1, MAX_SPREAD) if "spread" in fields else None
        fitting = _COUNTABLE if "at_most" in fields else (ColumnType.NUMBER,)
        column = _column(fields, columns, fitting)
        if column and (at_most or spread):
            rules.append(SlateRule(column, at_most, spread))
    return tuple(rules)


def _column(
    fields: Mapping[str, Node], columns: Mapping[str, ColumnType], fitting: tuple[ColumnType, ...]
) -> str | None:
    if "column" not in fields:
        return None
    node = fields["column"]
    name = property_name(node.value) if isinstance(node.value, str) else ""
    if columns.get(name) in fitting:
        return name
    kinds = " or ".join(fitting)
    found = f" and declared as {columns[name]}" if name in columns else ""
    node.fault(f"is {node.value!r}{found}, expected a column under items.columns of type {kinds}")
    return None
