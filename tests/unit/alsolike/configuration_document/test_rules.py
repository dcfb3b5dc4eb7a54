from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from alsolike.configuration_document.document import parse
from alsolike.configuration_document.rules import rule_set_to_document
from tests.unit.alsolike.refused_documents import assert_refused, faults, only_fault

ALL = 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("")'
VIEWED = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "promotions.0.share",
            0.0009,
            "is 0.0009, expected a larger share: it is less than one position in a list of 500",
        ),
        ("promotions.0.name", "a b", "a name:"),
        ("diversity.dial", 0, "expected more than 0"),
        ("diversity.columns", [], "one column or"),
        ("diversity.columns.0", "price", "is 'price' and declared as number, expected a column"),
        ("exploration.share", 1.5, "from 0 to 1"),
        ("exploration.new_for_days", 0, "from 1 to 3650"),
        ("boosts.0.factor", 0.9, "from 1 to 100"),
        ("demotions.0.factor", 2, "0.01 to 1"),
        ("demotions.0.factor", 1e-300, "0.01"),
        ("pins.0.item", 7, "an item's id, in quotes"),
        ("pins.0.until", "2026-02-30", "a date such as 2026-03-01, or a time"),
        ("promotions.0.until", "2026-03-01T08:00", "with its zone"),
        ("pins.0.position", 501, "from 1 to 500"),
        (
            "slate.0.column",
            "price",
            "is 'price' and declared as number, expected a column under items.columns of type string or list or bool",
        ),
    ],
)
def test_invalid_value_is_refused_with_its_expectation(path, value, message):
    assert_refused(f"rules.spring.{path}", value, message=message)


@pytest.mark.parametrize(
    ("path", "value", "at", "message"),
    [
        (
            "promotions",
            [{"filter": "in-stock", "share": 0.1}, {"filter": "Own_Brand", "share": 0.1, "name": "in-stock"}],
            "rules.spring.promotions.1.name",
            "has the name in-stock, which another promotion has",
        ),
        (
            "diversity.columns",
            ["BRAND", "brand"],
            "rules.spring.diversity.columns.1",
            "is brand, which is already listed",
        ),
        (
            "boosts",
            [{"filter": "in-stock", "factor": 2}] * 16,
            "rules.spring",
            "has 16 boosts and 1 demotions, expected 16 together",
        ),
        (
            "slate.1",
            {"column": "brand", "at_most": 3},
            "rules.spring.slate.1.column",
            "is brand, which another rule already uses",
        ),
        ("slate.0.spread", 2, "rules.spring.slate.0", "states both or neither"),
    ],
)
def test_invalid_part_of_a_value_is_refused_at_its_place(path, value, at, message):
    assert_refused(f"rules.spring.{path}", value, at=at, message=message)


@pytest.mark.parametrize(
    ("rules", "messages"),
    [
        (
            {"promotions": [{"filter": "f", "share": 0.75}, {"filter": "f", "share": 0.75, "name": "g"}]},
            ["rules.r.promotions have shares that sum to 1.5, expected at most 1"],
        ),
        (
            {"pins": [{"item": item, "position": n} for item, n in (("pear", 1), ("plum", 1), ("pear", 2))]},
            [
                "rules.r.pins[1].position is 1, where another item is already pinned",
                "rules.r.pins[2].item is 'pear', which is already pinned",
            ],
        ),
    ],
)
def test_duplicate_rule_is_refused(rules, messages):
    document = {"format": 1, "filters": {"f": VIEWED}, "rules": {"r": rules}}

    assert [str(fault) for fault in faults(document)] == messages


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"exploration": {"share": 0.1, "new_for_days": 7}, "promotions": [{"filter": "f", "share": 1}]},
            "rules.r leaves no position for exploration, expected promotions and pins that do not fill the list",
        ),
        (
            {
                "pins": [{"item": f"{n}", "position": n} for n in range(1, 252)],
                "promotions": [{"filter": "f", "share": 0.5}],
            },
            "rules.r promises 250 of 500 places to promotions and pins 251, expected no more than there are",
        ),
    ],
)
def test_unsatisfiable_rules_are_refused(rules, message):
    columns = {"columns": {"CREATION_TIMESTAMP": "timestamp"}}
    document = {"format": 1, "items": columns, "filters": {"f": VIEWED}, "rules": {"r": rules}}

    assert str(only_fault(document)) == message


def test_exploration_requires_the_creation_timestamp_column():
    document = {"format": 1, "rules": {"r": {"exploration": {"share": 0.1, "new_for_days": 7}}}}

    assert str(only_fault(document)) == (
        "rules.r.exploration requires the creation time of items, expected CREATION_TIMESTAMP under items.columns"
    )


def test_null_rule_set_is_refused_with_the_empty_form():
    fault = only_fault({"format": 1, "rules": {"plain": None}})

    assert str(fault) == "rules.plain is null, expected a mapping of rules, {} for none"


SCHEDULED: dict[str, dict[str, Any]] = {
    "promotions": {"filter": "all", "share": 0.2},
    "boosts": {"filter": "all", "factor": 2},
    "demotions": {"filter": "all", "factor": 0.5},
    "pins": {"item": "fig", "position": 1},
    "slate": {"column": "brand", "at_most": 1},
}


def scheduled(*stated, kind):
    return {
        "format": 1,
        "items": {"columns": {"brand": "string"}},
        "filters": {"all": ALL},
        "rules": {"spring": {kind: [{**SCHEDULED[kind], **fields} for fields in stated]}},
    }


@pytest.mark.parametrize("kind", SCHEDULED)
@pytest.mark.parametrize(
    ("start", "begin"), [("2026-12-24", "2026-12-24T00:00:00Z"), ("2026-12-24T20:00:00+01:00", "2026-12-24T19:00:00Z")]
)
@pytest.mark.parametrize(
    ("until", "end"), [("2026-12-26", "2026-12-27T00:00:00Z"), ("2026-12-26T20:00:00+01:00", "2026-12-26T19:00:00Z")]
)
def test_rule_of_any_kind_starts_and_ends_as_scheduled(kind, start, begin, until, end):
    document = scheduled({"from": start, "until": until}, kind=kind)

    rules = parse(document).rules["spring"]

    begin_ms, end_ms = (round(dt.datetime.fromisoformat(time).timestamp() * 1000) for time in (begin, end))
    times = (begin_ms - 1, begin_ms, end_ms - 1, end_ms)
    assert [len(getattr(rules.at(now_ms), kind)) for now_ms in times] == [0, 1, 1, 0]
    assert parse({**document, "rules": {"spring": rule_set_to_document(rules)}}).rules["spring"] == rules


def test_rule_that_ends_before_its_start_is_refused():
    fault = only_fault(scheduled({"from": "2026-12-24", "until": "2026-12-23"}, kind="boosts"))

    assert str(fault) == 'rules.spring.boosts[0].until is "2026-12-23", expected a time after the start'


@pytest.mark.parametrize(("start", "faults"), [("2026-12-26", 0), ("2026-12-25", 1), (None, 1)])
def test_position_may_be_pinned_again_in_another_period(start, faults):
    later = {"item": "pear", **({"from": start} if start else {})}
    document = scheduled({"until": "2026-12-25"}, later, kind="pins")

    if faults:
        assert str(only_fault(document)).startswith("rules.spring.pins[1].position is 1, where another item is already")
    else:
        assert len(parse(document).rules["spring"].pins) == 2
