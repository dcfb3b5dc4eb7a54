"""Parser and writer of rules in the configuration document."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from alsolike.configuration.columns import CREATED, property_name
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration.rules import (
    MAX_FACTORS,
    MAX_POSITION,
    Boost,
    Diversity,
    Exploration,
    Pin,
    Promotion,
    RuleSet,
    SlateRule,
    promoted_places,
)
from alsolike.configuration_document.filters import DeclaredFilters
from alsolike.configuration_document.limits import (
    MAX_ALIKE_COLUMNS,
    MAX_FACTOR,
    MAX_NEW_FOR_DAYS,
    MAX_RULES,
    MAX_SPREAD,
)
from alsolike.configuration_document.times import parse_day_or_time_ms, time_text
from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.schema.document import Node, closest

_ITEM_ID = re.compile(rf"(?=.*\S)[^\x00-\x1f\x7f]{{1,{MAX_ID_CHARACTERS}}}")
_PERIOD = ("from", "until")
_COUNTABLE = (ColumnType.STRING, ColumnType.LIST, ColumnType.BOOLEAN)


def parse_rules(node: Node, *, filters: DeclaredFilters, columns: Mapping[str, ColumnType]) -> dict[str, RuleSet]:
    rules = {}
    for name, entry in node.entries():
        if not NAME.fullmatch(name):
            entry.fault(f"is not a valid name, expected {NAME_FORM}", at_key=True)
            continue
        if entry.value is None:
            entry.fault("is null, expected a mapping of rules, {} for none")
            continue
        fields = entry.fields("promotions", "boosts", "demotions", "pins", "slate", "diversity", "exploration")
        rules[name] = RuleSet(
            name,
            promotions=_promotions(fields["promotions"], filters),
            boosts=_boosts(fields["boosts"], filters, minimum=1, maximum=MAX_FACTOR),
            demotions=_boosts(fields["demotions"], filters, minimum=1 / MAX_FACTOR, maximum=1),
            pins=_pins(fields["pins"]),
            slate=_slate(fields["slate"], columns),
            diversity=_diversity(fields["diversity"], columns),
            exploration=parse_exploration(fields["exploration"], columns),
        )
        _refuse_impossible(entry, rules[name])
    return rules


def rule_set_to_document(rules: RuleSet) -> dict[str, Any]:
    document = {
        "promotions": [
            {
                "filter": promotion.filter,
                "share": promotion.share,
                **({"name": promotion.name} if promotion.name else {}),
                **_period_of(promotion),
            }
            for promotion in rules.promotions
        ],
        "boosts": [{"filter": boost.filter, "factor": boost.factor, **_period_of(boost)} for boost in rules.boosts],
        "demotions": [
            {"filter": boost.filter, "factor": boost.factor, **_period_of(boost)} for boost in rules.demotions
        ],
        "pins": [{"item": pin.item_id, "position": pin.position, **_period_of(pin)} for pin in rules.pins],
        "slate": [
            {
                "column": rule.column,
                **({"at_most": rule.at_most} if rule.spread is None else {"spread": rule.spread}),
                **_period_of(rule),
            }
            for rule in rules.slate
        ],
        "diversity": rules.diversity and {"dial": rules.diversity.dial, "columns": list(rules.diversity.columns)},
        "exploration": rules.exploration and dataclasses.asdict(rules.exploration),
    }
    return {name: part for name, part in document.items() if part}


def numbers_of_rules(rules: RuleSet) -> dict[str, int]:
    document = rule_set_to_document(rules)
    return {part: len(value) if isinstance(value, list) else 1 for part, value in document.items()}


def _refuse_impossible(entry: Node, rules: RuleSet) -> None:
    """Record faults for too many boosts and demotions, and for rules that no list can satisfy."""
    if len(rules.boosts) + len(rules.demotions) > MAX_FACTORS:
        entry.fault(
            f"has {len(rules.boosts)} boosts and {len(rules.demotions)} demotions, expected {MAX_FACTORS} together",
            at_key=True,
        )
    promised = sum(promoted_places([promotion.share for promotion in rules.promotions], MAX_POSITION))
    if promised <= MAX_POSITION < promised + len(rules.pins):
        entry.fault(
            f"promises {promised} of {MAX_POSITION} places to promotions and pins {len(rules.pins)}, "
            "expected no more than there are",
            at_key=True,
        )
    elif rules.exploration and rules.promotions and promised + len(rules.pins) >= MAX_POSITION:
        entry.fault(
            "leaves no position for exploration, expected promotions and pins that do not fill the list", at_key=True
        )


def _promotions(node: Node, filters: DeclaredFilters) -> tuple[Promotion, ...]:
    promotions: list[Promotion] = []
    for entry in node.elements(maximum=MAX_RULES):
        fields = entry.fields("filter", "share", "name", *_PERIOD, required=("filter", "share"))
        filter_ = _filter(fields, filters)
        share = fields["share"].number(0, 1)
        if share is not None and promoted_places([share], MAX_POSITION) == [0]:
            fields["share"].expect(
                f"a larger share: it is less than one position in a list of {MAX_POSITION}, the maximum"
            )
        name = fields["name"].text(NAME, f"a name: {NAME_FORM}") or ""
        promotion = Promotion(filter_, share or 0.0, name, **_period(fields))
        if promotion.called and any(other.called == promotion.called for other in promotions):
            (fields["name"] if name else entry).fault(
                f"has the name {promotion.called}, which another promotion has, expected a unique name"
            )
        promotions.append(promotion)
    total = sum(promotion.share for promotion in promotions)
    if total > 1 + 1e-9:
        node.fault(f"have shares that sum to {total:g}, expected at most 1")
    return tuple(promotions)


def _period(fields: Mapping[str, Node]) -> dict[str, int | None]:
    until_ms = parse_day_or_time_ms(fields["until"], days=1)
    from_ms = parse_day_or_time_ms(fields["from"], days=0)
    if until_ms is not None and from_ms is not None and until_ms <= from_ms:
        fields["until"].expect("a time after the start")
    return {"until_ms": until_ms, "from_ms": from_ms}


def _period_of(rule: Promotion | Boost | Pin | SlateRule) -> dict[str, str]:
    times = {"from": rule.from_ms, "until": rule.until_ms}
    return {name: time_text(time_ms) for name, time_ms in times.items() if time_ms is not None}


def _overlap(one: Pin, other: Pin) -> bool:
    ends = min(math.inf if pin.until_ms is None else pin.until_ms for pin in (one, other))
    return max(-math.inf if pin.from_ms is None else pin.from_ms for pin in (one, other)) < ends


def _boosts(node: Node, filters: DeclaredFilters, *, minimum: float, maximum: float) -> tuple[Boost, ...]:
    boosts = []
    for entry in node.elements(maximum=MAX_RULES):
        fields = entry.fields("filter", "factor", *_PERIOD, required=("filter", "factor"))
        filter_ = _filter(fields, filters)
        factor = fields["factor"].number(minimum, maximum)
        boosts.append(Boost(filter_, factor or 0.0, **_period(fields)))
    return tuple(boosts)


def _filter(fields: Mapping[str, Node], filters: DeclaredFilters) -> str:
    return filters.choose(fields["filter"]) or ""


def _pins(node: Node) -> tuple[Pin, ...]:
    pins: list[Pin] = []
    for entry in node.elements(maximum=MAX_POSITION):
        fields = entry.fields("item", "position", *_PERIOD, required=("item", "position"))
        item_id = fields["item"].text(_ITEM_ID, "an item's id, in quotes")
        position = fields["position"].integer(1, MAX_POSITION)
        added = Pin(item_id or "", position or 0, **_period(fields))
        others = [pin for pin in pins if _overlap(pin, added)]
        if item_id and any(pin.item_id == item_id for pin in others):
            fields["item"].fault(f"is {item_id!r}, which is already pinned")
        if position and any(pin.position == position for pin in others):
            fields["position"].fault(f"is {position}, where another item is already pinned")
        pins.append(added)
    return tuple(pins)


def _slate(node: Node, columns: Mapping[str, ColumnType]) -> tuple[SlateRule, ...]:
    rules: list[SlateRule] = []
    for entry in node.elements(maximum=MAX_RULES):
        fields = entry.fields("column", "at_most", "spread", *_PERIOD, required=("column",))
        if fields["at_most"].is_given == fields["spread"].is_given:
            entry.fault("states both or neither of at_most and spread, expected one of them")
            continue
        at_most = fields["at_most"].integer(1, MAX_POSITION)
        spread = fields["spread"].number(1, MAX_SPREAD)
        period = _period(fields)
        fitting = _COUNTABLE if fields["at_most"].is_given else (ColumnType.NUMBER,)
        column = _column(fields["column"], columns, fitting)
        if column and any(rule.column == column for rule in rules):
            fields["column"].fault(f"is {column}, which another rule already uses")
        elif column and (at_most or spread):
            rules.append(SlateRule(column, at_most, spread, **period))
    return tuple(rules)


def _diversity(node: Node, columns: Mapping[str, ColumnType]) -> Diversity | None:
    if not node.unless_null().is_given:
        return None
    fields = node.fields("dial", "columns", required=("dial", "columns"))
    dial = fields["dial"].number(0, 1)
    if dial == 0:
        fields["dial"].expect("more than 0")
    named: list[str] = []
    for element in fields["columns"].elements(maximum=MAX_ALIKE_COLUMNS):
        column = _column(element, columns, _COUNTABLE)
        if column in named:
            element.fault(f"is {column}, which is already listed")
        elif column:
            named.append(column)
    if fields["columns"].value == []:
        fields["columns"].expect("one column or more")
    return Diversity(dial or 0.0, tuple(named))


def parse_exploration(node: Node, columns: Mapping[str, ColumnType]) -> Exploration | None:
    if not node.unless_null().is_given:
        return None
    fields = node.fields("share", "new_for_days", required=("share", "new_for_days"))
    share = fields["share"].number(0, 1)
    if share == 0:
        fields["share"].expect("more than 0")
    days = fields["new_for_days"].integer(1, MAX_NEW_FOR_DAYS)
    if columns.get(CREATED) is not ColumnType.TIMESTAMP:
        node.fault("requires the creation time of items, expected CREATION_TIMESTAMP under items.columns", at_key=True)
    return Exploration(share or 0.0, days or 1)


def _column(node: Node, columns: Mapping[str, ColumnType], fitting: tuple[ColumnType, ...]) -> str | None:
    name = property_name(node.value) if isinstance(node.value, str) else ""
    if columns.get(name) in fitting:
        return name
    kinds = " or ".join(fitting)
    declared = f" and declared as {columns[name]}" if name in columns else ""
    near = closest(name, [column for column, type_ in columns.items() if type_ in fitting])
    meant = f"; did you mean {near}?" if near else ""
    if node.is_given:
        node.fault(f"is {node.value!r}{declared}, expected a column under items.columns of type {kinds}{meant}")
    return None
