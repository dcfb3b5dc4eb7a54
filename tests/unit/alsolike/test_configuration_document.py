"""A document is a configuration or a list of faults, each at a place that is there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from alsolike.configuration import DEFAULT, ColumnType, EventType, Limits, Recommender, Sessions
from alsolike.configuration_document import parse, to_document
from alsolike.document import Fault, InvalidConfiguration, Path, dotted
from alsolike.experiments import Arm, Experiment
from alsolike.rules import Boost, Diversity, Exploration, Pin, Promotion, RuleSet, SlateRule
from tests.unit.alsolike.configuration_documents import ANYTHING, FULL, damaged_documents, valid_documents


def faults(document: object) -> list[Fault]:
    with pytest.raises(InvalidConfiguration) as caught:
        parse(document)
    return list(caught.value.faults)


def only_fault(document: object) -> Fault:
    (fault,) = faults(document)
    return fault


def stated(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def with_value(path: Path, value: Any) -> dict[str, Any]:
    """The full document with one value changed."""
    document = copy.deepcopy(FULL)
    stated(document, path[:-1])[path[-1]] = value
    return document


def test_the_least_document_says_what_is_built_in() -> None:
    assert parse({"format": 1}) == DEFAULT


def test_every_key_is_read() -> None:
    configuration = parse(FULL, version=7)

    assert configuration.version == 7
    assert configuration.events["view"] == EventType("view", 0.5)
    assert configuration.events["wish-list"] == EventType("wish-list", 2.0, aliases=("addtowishlist",))
    assert configuration.events["scan"] == EventType("scan", 0.0, item_required=False)
    assert configuration.events["cart"] == DEFAULT.events["cart"]
    assert configuration.item_columns == {
        "brand": ColumnType.STRING,
        "price": ColumnType.NUMBER,
        "creationTimestamp": ColumnType.TIMESTAMP,
        "tags": ColumnType.LIST,
        "stock": ColumnType.NUMBER,
    }
    assert configuration.user_columns == {"age": ColumnType.NUMBER}
    assert configuration.filters["in-stock"] == "INCLUDE ItemID WHERE Items.STOCK > 0"
    assert configuration.recommenders == {
        **DEFAULT.recommenders,
        "for-you": Recommender("for-you", "in-stock", "spring"),
    }
    assert configuration.limits == Limits(60, 3, 1, 50, 400)
    assert configuration.rules == {
        "spring": RuleSet(
            "spring",
            promotions=(Promotion("Own_Brand", 0.25, "house"),),
            boosts=(Boost("Own_Brand", 1.5),),
            demotions=(Boost("in-stock", 0.5),),
            pins=(Pin("pear", 1),),
            slate=(SlateRule("brand", at_most=2), SlateRule("price", spread=3.0)),
            diversity=Diversity(0.3, ("brand",)),
            exploration=Exploration(0.1, 14),
        )
    }
    assert configuration.experiments == {
        "spring-test": Experiment(
            "spring-test",
            layer="home",
            start_ms=1_772_348_400_000,  # 2026-03-01T07:00:00Z
            end_ms=1_775_001_600_000,
            arms=(
                Arm("control", 0.5),
                Arm("rules", 0.3, rules="spring"),
                Arm("older", 0.2, model="20260301t040506-8cb309"),
            ),
            on=("for-you", "popular"),
            planned_answers=20_000,
        )
    }


def test_stated_attributes_of_a_built_in_type_replace_it_and_the_others_stay() -> None:
    configuration = parse({"format": 1, "events": {"cart": {"weight": 4}, "click": {"aliases": ["Tap"]}}})

    assert configuration.events["cart"] == EventType("cart", 4.0, aliases=("addtocart", "add_to_cart"))
    assert configuration.events["click"] == EventType("click", 1.0, aliases=("tap",))
    assert configuration.canonical_event_type("TAP") == "click"


def test_an_alias_that_a_built_in_type_gives_up_can_be_a_type() -> None:
    configuration = parse({"format": 1, "events": {"cart": {"aliases": []}, "addtocart": {"weight": 2}}})

    assert configuration.canonical_event_type("AddToCart") == "addtocart"


@pytest.mark.parametrize(
    ("path", "value", "at", "message"),
    [
        (("format",), 2, ("format",), "format is 2, expected a whole number from 1 to 1"),
        (("format",), True, ("format",), "format is true"),
        (("evnts",), {}, ("evnts",), "evnts is unknown, expected one of .*; did you mean events?"),
        (("events",), [], ("events",), "events is [], expected a mapping by name"),
        (("events", "View"), {"weight": 1}, ("events", "View"), "events.View is no name, expected 1 to 63 lower-case"),
        (("events", "view"), None, ("events", "view"), "events.view is null, expected a mapping with weight"),
        (("events", "rate"), {}, ("events", "rate"), "events.rate lacks weight"),
        (
            ("events", "view", "weight"),
            -101,
            ("events", "view", "weight"),
            "is -101, expected a number from -100 to 100",
        ),
        (("events", "view", "weight"), "1", ("events", "view", "weight"), 'is "1", expected a number'),
        (("events", "view", "weight"), float("nan"), ("events", "view", "weight"), "expected a number"),
        (("events", "view", "item"), "none", ("events", "view", "item"), 'is "none", expected one of required, opt'),
        (("events", "view", "aliases"), "see", ("events", "view", "aliases"), 'is "see", expected a list'),
        (("events", "view", "aliases"), [""], ("events", "view", "aliases", 0), 'is "", expected 1 to 256 characters'),
        (("events", "view", "aliases"), ["AddToCart"], ("events", "view", "aliases", 0), "stands for cart already"),
        (("events", "view", "aliases"), ["see", "See"], ("events", "view", "aliases", 1), "stands for view already"),
        (("events", "view", "aliases"), ["VIEW"], ("events", "view", "aliases", 0), "stands for view already"),
        (("events", "addtocart"), {"weight": 1}, ("events", "addtocart"), "is an alias of cart already; give cart oth"),
        (("items", "colums"), {}, ("items", "colums"), "items.colums is unknown, expected one of columns"),
        (("items", "columns", "tags"), "lists", ("items", "columns", "tags"), "did you mean list?"),
        (("items", "columns", "TAGS"), "list", ("items", "columns", "TAGS"), "is tags in another spelling"),
        (("items", "columns", "my col"), "list", ("items", "columns", "my col"), "is no column's name"),
        (("items", "columns", "ITEM_ID"), "string", ("items", "columns", "ITEM_ID"), "is the id"),
        (("users", "columns", "userId"), "string", ("users", "columns", "userId"), "is the id"),
        (
            ("items", "columns", "CREATION_TIMESTAMP"),
            "number",
            ("items", "columns", "CREATION_TIMESTAMP"),
            'is "number", expected timestamp: this column is always one',
        ),
        (("filters", "a b"), "x", ("filters", "a b"), 'filters["a b"] is no name, expected 1 to 63 letters'),
        (("filters", "empty"), " ", ("filters", "empty"), "expected an expression of at most 2,500 characters"),
        (("filters", "long"), "x" * 2501, ("filters", "long"), "expected an expression of at most 2,500 characters"),
        (("recommenders", "foryou"), {}, ("recommenders", "foryou"), "is unknown, expected one of for-you"),
        (
            ("recommenders", "for-you", "filter"),
            "instock",
            ("recommenders", "for-you", "filter"),
            "expected the name of a filter: one of in-stock, Own_Brand; did you mean in-stock?",
        ),
        (
            ("recommenders", "for-you", "rules"),
            "autumn",
            ("recommenders", "for-you", "rules"),
            "expected the name of a rule set: one of spring",
        ),
        (
            ("rules", "spring", "promotions", 0, "share"),
            0.0009,
            ("rules", "spring", "promotions", 0, "share"),
            "is 0.0009, expected more: it is less than one of 500 places",
        ),
        (("rules", "spring", "promotions", 0, "name"), "a b", ("rules", "spring", "promotions", 0, "name"), "a name:"),
        (
            ("rules", "spring", "promotions"),
            [{"filter": "in-stock", "share": 0.1}, {"filter": "Own_Brand", "share": 0.1, "name": "in-stock"}],
            ("rules", "spring", "promotions", 1, "name"),
            "is called in-stock, as another promotion is",
        ),
        (("rules", "spring", "diversity", "dial"), 0, ("rules", "spring", "diversity", "dial"), "expected more than 0"),
        (("rules", "spring", "diversity", "columns"), [], ("rules", "spring", "diversity", "columns"), "one column or"),
        (
            ("rules", "spring", "diversity", "columns"),
            ["BRAND", "brand"],
            ("rules", "spring", "diversity", "columns", 1),
            "is brand, which is stated already",
        ),
        (
            ("rules", "spring", "diversity", "columns", 0),
            "price",
            ("rules", "spring", "diversity", "columns", 0),
            "is 'price' and declared as number, expected a column",
        ),
        (("rules", "spring", "exploration", "share"), 1.5, ("rules", "spring", "exploration", "share"), "from 0 to 1"),
        (
            ("rules", "spring", "exploration", "new_for_days"),
            0,
            ("rules", "spring", "exploration", "new_for_days"),
            "from 1 to 3650",
        ),
        (
            ("rules", "spring", "boosts"),
            [{"filter": "in-stock", "factor": 2}] * 16,
            ("rules", "spring"),
            "has 16 boosts and 1 demotions, expected 16 together",
        ),
        (
            ("rules", "spring", "promotions"),
            [{"filter": "Own_Brand", "share": 1}],
            ("rules", "spring"),
            "promises 500 of 500 places to promotions and pins 1, expected as many as there are",
        ),
        (
            ("rules", "spring", "slate", 1),
            {"column": "brand", "at_most": 3},
            ("rules", "spring", "slate", 1, "column"),
            "is brand, of which another rule says something already",
        ),
        (("rules", "spring", "boosts", 0, "factor"), 0.9, ("rules", "spring", "boosts", 0, "factor"), "from 1 to 100"),
        (("rules", "spring", "demotions", 0, "factor"), 2, ("rules", "spring", "demotions", 0, "factor"), "0.01 to 1"),
        (("rules", "spring", "demotions", 0, "factor"), 1e-300, ("rules", "spring", "demotions", 0, "factor"), "0.01"),
        (("rules", "spring", "pins", 0, "item"), 7, ("rules", "spring", "pins", 0, "item"), "an item's id, in quotes"),
        (("rules", "spring", "pins", 0, "position"), 501, ("rules", "spring", "pins", 0, "position"), "from 1 to 500"),
        (
            ("rules", "spring", "slate", 0, "column"),
            "price",
            ("rules", "spring", "slate", 0, "column"),
            "is 'price' and declared as number, expected a column under items.columns of type string or list or bool",
        ),
        (("rules", "spring", "slate", 0, "spread"), 2, ("rules", "spring", "slate", 0), "states both or neither"),
        (("experiments", "spring-test", "start"), "2026-03-01", ("experiments", "spring-test", "start"), "its zone"),
        (
            ("experiments", "spring-test", "end"),
            "2026-03-01T07:00Z",
            ("experiments", "spring-test", "end"),
            "after the",
        ),
        (
            ("experiments", "spring-test", "arms", "control", "share"),
            0.4,
            ("experiments", "spring-test", "arms"),
            "has shares that add up to 0.9, expected 1",
        ),
        (
            ("experiments", "spring-test", "arms", "rules", "rules"),
            "autumn",
            ("experiments", "spring-test", "arms", "rules", "rules"),
            'is "autumn", expected the name of a rule set: one of spring',
        ),
        (
            ("experiments", "spring-test", "arms", "rules", "model"),
            "v1",
            ("experiments", "spring-test", "arms", "rules"),
            "states rules and model, expected one of recommender, rules, model at most",
        ),
        (("limits", "clock_skew_s"), 1.5, ("limits", "clock_skew_s"), "is 1.5, expected a whole number from 0 to"),
        (("limits", "retention_days"), 0, ("limits", "retention_days"), "expected a whole number from 1 to"),
        (("limits", "minimum_item_interactions"), None, ("limits", "minimum_item_interactions"), "is null, expected"),
    ],
)
def test_wrong_value_is_named_with_its_place_and_what_was_expected(
    path: Path, value: Any, at: Path, message: str
) -> None:
    fault = only_fault(with_value(path, value))

    assert fault.path == at
    beginning, _, end = message.partition(".*")
    assert beginning in str(fault)
    assert end in str(fault)


def test_a_broken_filter_is_named_with_the_character() -> None:
    fault = only_fault({"format": 1, "filters": {"a": "EXCLUDE ItemID WHERE Items.X = = 1"}})

    assert (fault.path, fault.offset) == (("filters", "a"), 31)
    assert "found =, expected a number" in fault.message


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("Items.PRICE IN ($P)", None),
        ('Items.PRICE IN ("3")', None),
        ("Items.PRICE < CurrentItem.PRICE", None),
        ('Items.PRICE = "x"', 'Items.PRICE is declared as number and compared with "x", expected a number'),
        ('Items.PRICE IN ("3", "x")', 'Items.PRICE is declared as number and compared with "x", expected a number'),
        ("Items.NEW = 1", "Items.NEW is declared as boolean and compared with 1.0, expected true or false"),
        ('Items.NEW IN ("true")', None),
        ("Items.BRAND > 1", "Items.BRAND is declared as string and compared with >, expected IN, = or !="),
        ("Items.BRAND = 1", "Items.BRAND is declared as string and compared with 1.0, expected a text"),
        ('Items.TAGS = "a"', "Items.TAGS is declared as list and compared with =, expected IN"),
        ('Items.ABOUT IN ("a")', "Items.ABOUT is declared as text and searched in no filter, expected a column decl"),
        (
            "Items.PRICE = 1 IF CurrentUser.AGE = true",
            "CurrentUser.AGE is declared as number and compared with true, ex",
        ),
    ],
)
def test_a_filter_goes_together_with_the_declared_types(condition: str, message: str | None) -> None:
    document = {
        "format": 1,
        "items": {"columns": {"price": "number", "new": "boolean", "brand": "string", "tags": "list", "about": "text"}},
        "users": {"columns": {"AGE": "number"}},
        "filters": {"a": f"EXCLUDE ItemID WHERE {condition}"},
    }

    found = []
    try:
        parse(document)
    except InvalidConfiguration as error:
        found = list(error.faults)

    assert [fault.path for fault in found] == ([("filters", "a")] if message else [])
    for fault in found:
        assert message is not None
        assert message in str(fault)
        assert fault.offset == document["filters"]["a"].index(message.split(" ")[0])  # type: ignore[index]


@pytest.mark.parametrize(
    ("expression", "need"),
    [
        ("INCLUDE ItemID WHERE Items.BRAND IN ($BRAND)", "needs a value for $BRAND"),
        ("EXCLUDE ItemID WHERE Items.BRAND IN CurrentItem.BRAND", "needs an item: it compares with CurrentItem"),
        ("EXCLUDE ItemID WHERE Items.BRAND IN ($BRAND)", None),  # it may be left out
    ],
)
def test_a_recommenders_own_filter_needs_nothing_of_a_request(expression: str, need: str | None) -> None:
    document = {
        "format": 1,
        "items": {"columns": {"brand": "string"}},
        "filters": {"f": expression},
        "recommenders": {"for-you": {"filter": "f"}},
    }

    if need is None:
        assert parse(document).recommenders["for-you"].filter == "f"
    else:
        fault = only_fault(document)
        assert fault.path == ("recommenders", "for-you", "filter")
        assert f"is 'f', which {need}" in fault.message


def test_whoever_reads_what_was_applied_does_not_fail_because_of_a_filter() -> None:
    document = {"format": 1, "filters": {"a": "in a language of tomorrow"}}

    assert parse(document, check_filters=False).filters == {"a": "in a language of tomorrow"}


def test_types_that_all_weigh_nothing_leave_nothing_to_train_on() -> None:
    events = {name: {"weight": 0} for name in ("view", "click", "cart", "purchase")}

    assert "leave nothing to train on" in only_fault({"format": 1, "events": events}).message


@pytest.mark.parametrize("path", [("promotions",), ("pins",)])
def test_what_stands_twice_is_refused(path: Path) -> None:
    rules = {
        "promotions": [{"filter": "f", "share": 0.75}, {"filter": "f", "share": 0.75, "name": "g"}],
        "pins": [{"item": "pear", "position": 1}, {"item": "plum", "position": 1}, {"item": "pear", "position": 2}],
    }
    document = {
        "format": 1,
        "filters": {"f": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'},
        "rules": {"r": {path[0]: rules[str(path[0])]}},
    }

    messages = [str(fault) for fault in faults(document)]

    assert messages == (
        ["rules.r.promotions promise 1.5 of the places, expected shares that add up to 1 at most"]
        if path == ("promotions",)
        else [
            "rules.r.pins[1].position is 1, where another item is pinned already",
            "rules.r.pins[2].item is 'pear', which is pinned already",
        ]
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"exploration": {"share": 0.1, "new_for_days": 7}, "promotions": [{"filter": "f", "share": 1}]},
            "rules.r leaves exploration no place, expected promotions and pins that do not take all",
        ),
        (
            {
                "pins": [{"item": f"{n}", "position": n} for n in range(1, 252)],
                "promotions": [{"filter": "f", "share": 0.5}],
            },
            "rules.r promises 250 of 500 places to promotions and pins 251, expected as many as there are",
        ),
    ],
)
def test_rules_that_no_list_can_keep_are_refused(rules: dict[str, Any], message: str) -> None:
    document = {
        "format": 1,
        "items": {"columns": {"CREATION_TIMESTAMP": "timestamp"}},
        "filters": {"f": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'},
        "rules": {"r": rules},
    }

    assert str(only_fault(document)) == message


def test_exploration_needs_to_know_when_items_are_new() -> None:
    document = {"format": 1, "rules": {"r": {"exploration": {"share": 0.1, "new_for_days": 7}}}}

    assert str(only_fault(document)) == (
        "rules.r.exploration needs to know when items are new, expected CREATION_TIMESTAMP under items.columns"
    )


def test_experiments_of_one_layer_do_not_run_at_the_same_time() -> None:
    arms = {"a": {"share": 0.5}, "b": {"share": 0.5}}
    march, april, may = (f"2026-0{month}-01T00:00:00Z" for month in (3, 4, 5))
    document = {
        "format": 1,
        "experiments": {
            "first": {"start": march, "end": april, "arms": arms},
            "next": {"start": april, "arms": arms},
            "elsewhere": {"start": april, "layer": "search", "arms": arms},
            "too-much": {"start": may, "end": None, "arms": arms},
        },
    }

    fault = only_fault(document)

    assert (fault.path, fault.at_key) == (("experiments", "too-much"), True)
    assert "runs at the same time as next in the layer 'default'" in fault.message


def test_everything_that_is_wrong_is_found_in_one_go() -> None:
    document = {"events": {"rate": {}}, "filters": {"a": 1}, "recommenders": {"x": {}}, "limits": {"clock": 1}}

    assert [dotted(fault.path) for fault in faults(document)] == [
        "the document", "filters.a", "recommenders.x", "events.rate", "limits.clock",
    ]  # fmt: skip


def test_who_refers_to_a_broken_filter_is_not_blamed_as_well() -> None:
    document = {"format": 1, "filters": {"a": 1}, "recommenders": {"for-you": {"filter": "a"}}}

    assert only_fault(document).path == ("filters", "a")


@pytest.mark.parametrize("document", [None, [], "format: 1", 1])
def test_document_of_another_kind_is_refused(document: object) -> None:
    fault = only_fault(document)

    assert fault.path == ()
    assert "expected a mapping with format, events" in fault.message


def test_sessions_are_permitted_columns_by_property_and_filters_that_there_are() -> None:
    declared = {"cheap": "INCLUDE ItemID WHERE Items.PRICE < $MOST"}
    sessions = {"events": ["view", "wish"], "columns": ["PRICE", "brandName"], "filters": ["cheap"]}
    document = {"format": 1, "events": {"wish": {"weight": 2}}, "filters": declared, "sessions": sessions}

    assert parse(document).sessions == Sessions(("view", "wish"), ("price", "brandName"), ("cheap",))
    assert parse({"format": 1}).sessions == Sessions(("view", "click", "cart", "search"), (), ())
    assert parse({"format": 1, "sessions": {"events": []}}).sessions.events == ()


@pytest.mark.parametrize(
    ("sessions", "path", "message"),
    [
        ({"columns": ["no column"]}, ("sessions", "columns", 0), 'is "no column", expected camelCase or UPPER_CASE'),
        ({"columns": "PRICE"}, ("sessions", "columns"), 'is "PRICE", expected a list'),
        ({"filters": ["dear"]}, ("sessions", "filters", 0), 'is "dear", expected the name of a filter: one of cheap'),
        ({"events": ["wish"]}, ("sessions", "events", 0), 'is "wish", expected the name of an event type: one of view'),
        ({"other": []}, ("sessions", "other"), "is unknown, expected one of events, columns, filters"),
    ],
)
def test_what_sessions_cannot_be_permitted_is_refused(
    sessions: object, path: tuple[str | int, ...], message: str
) -> None:
    fault = only_fault(
        {"format": 1, "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 3"}, "sessions": sessions}
    )

    assert fault.path == path
    assert message in fault.message


def test_full_document_survives_being_written() -> None:
    configuration = parse(FULL)

    assert parse(to_document(configuration)) == configuration


@settings(max_examples=100)
@given(valid_documents())
def test_whatever_is_accepted_survives_being_written(document: Any) -> None:
    configuration = parse(document)

    written = to_document(configuration)

    assert parse(written) == configuration
    assert to_document(parse(written)) == written


@settings(max_examples=200)
@given(damaged_documents() | ANYTHING)
def test_a_damaged_document_is_accepted_as_something_or_refused_at_places_that_it_has(document: Any) -> None:
    found: tuple[Fault, ...] = ()
    try:
        configuration = parse(document)
    except InvalidConfiguration as error:
        found = error.faults
        event("refused")
    else:
        event("accepted")
        assert parse(to_document(configuration)) == configuration

    for fault in found:
        stated(document, fault.path)
        assert dotted(fault.path) in str(fault)


@given(st.lists(st.text(max_size=3) | st.integers(0, 9), max_size=4))
def test_any_path_can_be_written(path: list[str | int]) -> None:
    assert dotted(tuple(path))
