"""A document is parsed to a configuration or to a list of errors, each with a place in the document."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from alsolike.configuration.aliases import NEXT_BEST_ACTION, PURCHASED, RECIPES, SEGMENTS, Alias
from alsolike.configuration.configuration import (
    DEFAULT,
    ColumnType,
    EventType,
    Fatigue,
    Limits,
    Recommender,
    Sessions,
    Site,
)
from alsolike.configuration.experiments import Arm, Experiment
from alsolike.configuration.rules import Boost, Diversity, Exploration, Pin, Promotion, RuleSet, SlateRule
from alsolike.configuration_document.document import parse, to_document
from alsolike.recommendations.request_fields import LISTING
from alsolike.schema.document import Fault, InvalidConfiguration, dotted
from tests.unit.alsolike.configuration_documents import ANYTHING, FULL, damaged_documents, valid_documents
from tests.unit.alsolike.refused_documents import assert_refused, faults, only_fault, stated, steps


def test_minimal_document_is_the_default_configuration():
    assert parse({"format": 1}) == DEFAULT


def test_valid_document_needs_no_search_for_similar_names(monkeypatch):
    """The search imports difflib, which delays cold starts."""
    monkeypatch.setitem(sys.modules, "difflib", None)

    assert parse(FULL).recommenders["for-you"].filter == "in-stock"


def test_every_key_is_read():
    configuration = parse(FULL, version=7)

    assert configuration.version == 7
    assert configuration.events["view"] == EventType("view", 0.5)
    assert configuration.events["wish-list"] == EventType("wish-list", 2.0, aliases=("addtowishlist",))
    assert configuration.events["scan"] == EventType("scan", 0.0, item_required=False)
    assert configuration.events["cart"] == DEFAULT.events["cart"]
    assert configuration.item_columns == {
        "brand": ColumnType.STRING, "price": ColumnType.NUMBER, "creationTimestamp": ColumnType.TIMESTAMP,
        "tags": ColumnType.LIST, "stock": ColumnType.NUMBER,
    }  # fmt: skip
    assert configuration.user_columns == {"age": ColumnType.NUMBER}
    assert configuration.context == ("device", "inStore")
    assert configuration.variants == "parentId"
    assert configuration.filters["in-stock"] == "INCLUDE ItemID WHERE Items.STOCK > 0"
    for_you = Recommender("for-you", "in-stock", "spring")
    assert configuration.recommenders == {**DEFAULT.recommenders, "for-you": for_you}
    assert configuration.limits == Limits(60, 365, 3, 1, 50, 400)
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
                Arm("control", 0.5), Arm("rules", 0.3, rules="spring"),
                Arm("older", 0.2, model="20260301t040506-8cb309"),
            ),
            on=("for-you", "popular"),
            planned_answers=20_000,
        )
    }  # fmt: skip


def test_variants_can_be_disabled():
    configuration = parse({"format": 1, "items": {"variants": None}})

    assert configuration.variants is None
    assert parse(to_document(configuration)) == configuration


@pytest.mark.parametrize(
    ("setting", "fatigue"),
    [
        ({"strength": 0.5, "half_life_hours": 48}, Fatigue(0.5, 48.0)),
        ({"strength": 0, "half_life_hours": 48}, None),
        (None, None),
    ],
)
def test_fatigue_is_off_without_strength(setting, fatigue):
    configuration = parse({"format": 1, "recommenders": {"for-you": {"fatigue": setting}}})

    assert configuration.fatigue == fatigue
    assert parse(to_document(configuration)) == configuration


def test_attributes_of_a_built_in_event_type_are_replaced_individually():
    configuration = parse({"format": 1, "events": {"cart": {"weight": 4}, "click": {"aliases": ["Tap"]}}})

    assert configuration.events["cart"] == EventType("cart", 4.0, aliases=("addtocart", "add_to_cart"))
    assert configuration.events["click"] == EventType("click", 1.0, aliases=("tap",))
    assert configuration.canonical_event_type("TAP") == "click"


def test_removed_alias_of_a_built_in_type_can_be_a_type():
    configuration = parse({"format": 1, "events": {"cart": {"aliases": []}, "addtocart": {"weight": 2}}})

    assert configuration.canonical_event_type("AddToCart") == "addtocart"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 2, "format is 2, expected a whole number from 1 to 1"),
        ("format", True, "format is true"),
        ("evnts", {}, "evnts is unknown, expected one of .*; did you mean events?"),
        ("events", [], "events is [], expected a mapping by name"),
        ("events.View", {"weight": 1}, "events.View is not a valid name, expected 1 to 63 lower-case"),
        ("events.view", None, "events.view is null, expected a mapping with weight"),
        ("events.rate", {}, "events.rate lacks weight"),
        ("events.view.weight", -101, "is -101, expected a number from -100 to 100"),
        ("events.view.weight", "1", 'is "1", expected a number'),
        ("events.view.weight", float("nan"), "expected a number"),
        ("events.view.item", "none", 'is "none", expected one of required, opt'),
        ("events.view.aliases", "see", 'is "see", expected a list'),
        ("events.addtocart", {"weight": 1}, "is already an alias of cart; set other"),
        ("items.colums", {}, "items.colums is unknown, expected one of columns"),
        ("items.variants", 7, "items.variants is 7, expected a column"),
        ("items.variants", "a b", "null for no variants"),
        ("items.columns.tags", "lists", "did you mean list?"),
        ("items.columns.TAGS", "list", "is another spelling of tags"),
        ("items.columns.my col", "list", "is not a valid column name"),
        ("items.columns.ITEM_ID", "string", "is the ID"),
        ("users.columns.userId", "string", "is the ID"),
        ("items.columns.CREATION_TIMESTAMP", "number", 'is "number", expected timestamp, the only type of this column'),
        ("rules.a b", {}, 'rules["a b"] is not a valid name, expected 1 to 63'),
        ("filters.a b", "x", 'filters["a b"] is not a valid name, expected 1 to 63 letters'),
        ("filters.empty", " ", "expected an expression of at most 2,500 characters"),
        ("filters.long", "x" * 2501, "expected an expression of at most 2,500 characters"),
        ("recommenders.foryou", {}, "is unknown, expected one of for-you"),
        (
            "recommenders.for-you.filter",
            "instock",
            "expected the name of a filter: one of in-stock, Own_Brand; did you mean in-stock?",
        ),
        ("recommenders.for-you.rules", "autumn", "expected the name of a rule set: one of spring"),
        ("recommenders.for-you.fatigue", {"strength": 1}, "lacks half_life_hours"),
        ("limits.clock_skew_s", 1.5, "is 1.5, expected a whole number from 0 to"),
        ("limits.retention_days", 0, "expected a whole number from 1 to"),
        ("limits.minimum_item_interactions", None, "is null, expected"),
    ],
)
def test_invalid_value_is_refused_with_its_expectation(path, value, message):
    assert_refused(path, value, message=message)


@pytest.mark.parametrize(
    ("path", "value", "at", "message"),
    [
        ("events.view.aliases", [""], "events.view.aliases.0", 'is "", expected 1 to 256 characters'),
        ("events.view.aliases", ["AddToCart"], "events.view.aliases.0", "stands for cart already"),
        ("events.view.aliases", ["see", "See"], "events.view.aliases.1", "stands for view already"),
        ("events.view.aliases", ["VIEW"], "events.view.aliases.0", "stands for view already"),
        (
            "recommenders.for-you.fatigue",
            {"strength": 6, "half_life_hours": 24},
            "recommenders.for-you.fatigue.strength",
            "is 6, expected a number from 0 to 5",
        ),
        (
            "recommenders.popular",
            {"fatigue": {"strength": 1, "half_life_hours": 24}},
            "recommenders.popular.fatigue",
            "is unknown, expected one of filter, rules, swaps",
        ),
    ],
)
def test_invalid_part_of_a_value_is_refused_at_its_place(path, value, at, message):
    assert_refused(path, value, at=at, message=message)


def test_event_types_without_any_weight_are_refused():
    events = {name: {"weight": 0} for name in ("view", "click", "cart", "purchase")}

    assert "leave no interactions for training" in only_fault({"format": 1, "events": events}).message


def test_all_faults_are_reported_together():
    document = {"events": {"rate": {}}, "filters": {"a": 1}, "recommenders": {"x": {}}, "limits": {"clock": 1}}

    assert [dotted(fault.path) for fault in faults(document)] == [
        "the document", "filters.a", "recommenders.x", "events.rate", "limits.clock",
    ]  # fmt: skip


@pytest.mark.parametrize("document", [None, [], "format: 1", 1])
def test_document_that_is_not_a_mapping_is_refused(document):
    fault = only_fault(document)

    assert fault.path == ()
    assert "expected a mapping with format, events" in fault.message


def test_sessions_have_permitted_events_columns_and_filters():
    declared = {"cheap": "INCLUDE ItemID WHERE Items.PRICE < $MOST"}
    sessions = {"events": ["view", "wish"], "columns": ["PRICE", "brandName"], "filters": ["cheap"]}
    document = {"format": 1, "events": {"wish": {"weight": 2}}, "filters": declared, "sessions": sessions}

    assert parse(document).sessions == Sessions(("view", "wish"), ("price", "brandName"), ("cheap",))
    assert parse({"format": 1}).sessions == Sessions(("view", "click", "cart", "search"), (), ())
    assert parse({"format": 1, "sessions": {"events": []}}).sessions.events == ()


def test_site_key_permits_its_origins_and_recommenders():
    sites = {
        "www": {"origins": ["https://www.shop.example", "http://localhost:3000"], "recommenders": ["for-you"]},
        "outlet": {"origins": ["https://outlet.shop.example:8443"]},
    }

    configuration = parse({"format": 1, "sessions": {"sites": sites}})

    assert configuration.sessions.sites["www"] == Site(tuple(sites["www"]["origins"]), ("for-you",))
    assert configuration.sessions.sites["outlet"].recommenders == LISTING
    assert parse(to_document(configuration)) == configuration


@pytest.mark.parametrize(
    ("sessions", "path", "message"),
    [
        ({"sites": {"W": {"origins": []}}}, "sites.W", "is not a valid site key, expected 3 to 63"),
        ({"sites": {"www": {}}}, "sites.www", "lacks origins"),
        (
            {"sites": {"www": {"origins": ["shop.example"]}}},
            "sites.www.origins.0",
            'is "shop.example", expected https://H',
        ),
        ({"sites": {"www": {"origins": ["https://shop.example/"]}}}, "sites.www.origins.0", "expected https://HOST"),
        (
            {"sites": {"www": {"origins": [], "recommenders": ["personalized-ranking"]}}},
            "sites.www.recommenders.0",
            "expected a recommender: one of for-you",
        ),
        ({"columns": ["no column"]}, "columns.0", 'is "no column", expected camelCase or UPPER_CASE'),
        ({"columns": "PRICE"}, "columns", 'is "PRICE", expected a list'),
        ({"filters": ["dear"]}, "filters.0", 'is "dear", expected the name of a filter: one of cheap'),
        ({"events": ["wish"]}, "events.0", 'is "wish", expected the name of an event type: one of view'),
        ({"other": []}, "other", "is unknown, expected one of events, columns, filters, sites"),
    ],
)
def test_invalid_session_permission_is_refused(sessions, path, message):
    filters = {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 3"}
    fault = only_fault({"format": 1, "filters": filters, "sessions": sessions})

    assert fault.path == ("sessions", *steps(path))
    assert message in fault.message


@settings(max_examples=100)
@example(FULL)
@given(valid_documents())
def test_accepted_document_is_unchanged_after_write_and_parse(document):
    configuration = parse(document)

    written = to_document(configuration)

    assert parse(written) == configuration
    assert to_document(parse(written)) == written


@settings(max_examples=200)
@given(damaged_documents() | ANYTHING)
def test_damaged_document_is_accepted_or_refused_at_existing_places(document):
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
def test_any_path_has_a_dotted_form(path):
    assert dotted(tuple(path))


BASE: dict[str, Any] = {
    "format": 1,
    "items": {"columns": {"CREATION_TIMESTAMP": "timestamp"}},
    "filters": {"new": "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > 1"},
}


def test_alias_has_recommender_filter_and_exploration():
    alias = {"recommender": "for-you", "filter": "new", "exploration": {"share": 0.3, "new_for_days": 30}}

    configuration = parse({**BASE, "aliases": {"home": alias}})

    assert configuration.aliases == {
        "home": Alias("home", "for-you", filter="new", exploration=Exploration(0.3, 30)),
    }
    assert to_document(configuration)["aliases"] == {"home": alias}


def test_recipe_sets_recommender_and_hidden_events():
    configuration = parse({**BASE, "aliases": {"shop": {"recipe": "aws-ecomm-recommended-for-you"}}})

    alias = configuration.aliases["shop"]
    assert (alias.recommender, alias.hides, alias.filter) == ("for-you", PURCHASED, None)
    assert parse(to_document(configuration)).aliases == configuration.aliases


def test_every_recipe_has_a_recommender():
    assert {recipe.recommender for recipe in RECIPES.values()} <= {*DEFAULT.recommenders, NEXT_BEST_ACTION, SEGMENTS}


@pytest.mark.parametrize(
    ("alias", "fault"),
    [
        ({"a b": {"recommender": "for-you"}}, 'aliases["a b"] is not a valid name'),
        ({"popular": {"recommender": "for-you"}}, "aliases.popular is a recommender already"),
        ({"home": {}}, "aliases.home states both or neither of recommender and recipe"),
        ({"home": {"recommender": "for-you", "recipe": "aws-hrnn"}}, "aliases.home states both or neither"),
        ({"home": {"recommender": "best"}}, "aliases.home.recommender is"),
        ({"home": {"recipe": "aws-item-affinity"}}, "aliases.home.recipe is"),
        ({"home": {"recommender": "for-you", "filter": "old"}}, "aliases.home.filter is"),
        ({"home": {"recommender": "for-you", "exploration": {"share": 2}}}, "aliases.home.exploration"),
    ],
)
def test_invalid_alias_is_refused_with_its_fault(alias, fault):
    with pytest.raises(InvalidConfiguration) as caught:
        parse({**BASE, "aliases": alias})

    assert fault in str(caught.value)
