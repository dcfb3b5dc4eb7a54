"""Event types and their weights, and fields of Avro schemas."""

import json

import pytest

from alsolike.configuration.avro import Field, Schema, parse_schema
from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.runtime.errors import InvalidInput, UnknownEventType


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("view", "view"),
        ("View", "view"),
        ("CLICK", "click"),
        ("AddToCart", "cart"),
        ("ADD_TO_CART", "cart"),
        ("Purchase", "purchase"),
        ("search", "search"),
    ],
)
def test_spellings_have_one_canonical_name(name, canonical):
    assert DEFAULT.canonical_event_type(name) == canonical


def test_event_types_without_a_weight_are_not_in_event_weights():
    assert DEFAULT.event_weights == {"view": 1, "click": 1, "cart": 3, "purchase": 5, "return": -5}


def test_declared_types_have_their_spellings():
    configuration = Configuration(events={"wish": EventType("wish", 2.0, aliases=("wishlist",))})

    assert configuration.canonical_event_type("WishList") == "wish"
    assert configuration.event_weights == {"wish": 2.0}


@pytest.mark.parametrize("name", ["", "rating", "view ", "vi\x00ew"])
def test_unknown_types_are_refused(name):
    with pytest.raises(
        UnknownEventType, match=r"^event is .*expected one of view, click, cart, purchase, return, search$"
    ):
        DEFAULT.canonical_event_type(name, field="event")


def text(*fields):
    return json.dumps({"type": "record", "name": "Items", "fields": fields, "version": "1.0"})


def test_schema_fields_have_types_and_marks():
    schema = parse_schema(
        text(
            {"name": "ITEM_ID", "type": "string"},
            {"name": "GENRES", "type": ["null", "string"], "categorical": True},
            {"name": "DESCRIPTION", "type": ["string", "null"], "textual": True},
            {"name": "PRICE", "type": "float"},
        ),
        where="schema",
    )

    assert schema == Schema(
        "Items",
        (
            Field("ITEM_ID", "string", categorical=False, textual=False),
            Field("GENRES", "string", categorical=True, textual=False),
            Field("DESCRIPTION", "string", categorical=False, textual=True),
            Field("PRICE", "float", categorical=False, textual=False),
        ),
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", r"^schema:1:2: is not JSON"),
        ("", r"^schema:1:1: is not JSON"),
        ("[]", "^schema is not an Avro schema, expected an object"),
        ("null", "is not an Avro schema"),
        ('"record"', "is not an Avro schema"),
        ('{"type": "record"}', "is not an Avro schema"),
        ('{"type": "enum", "fields": []}', "is not an Avro schema"),
        ('{"type": "record", "fields": {}}', "is not an Avro schema"),
        (text({"name": "TAGS", "type": {"type": "array"}}), r"fields\[0\] \(TAGS\) has the type .*array"),
        (text({"name": "TAGS", "type": ["int", "string"]}), r'has the type \["int","string"\], expected one of bool'),
        (
            text({"name": "TAGS", "type": ["null"]}),
            "expected one of boolean, int, long, float, double, string, or null",
        ),
        (text({"name": "TAGS", "type": "bytes"}), 'has the type "bytes"'),
        (text({"name": "TAGS"}), "has the type missing"),
        (text({"name": "A", "type": "int"}, {"name": "", "type": "int"}), r"fields\[1\]\.name is "),
        (text({"type": "string"}), r"fields\[0\]\.name is missing, expected a column's name"),
        (text("TAGS"), r"fields\[0\]\.name is missing"),
        (text(None), r"fields\[0\]\.name is missing"),
    ],
)
def test_invalid_schema_is_refused(schema, message):
    with pytest.raises(InvalidInput, match=message):
        parse_schema(schema, where="schema")
