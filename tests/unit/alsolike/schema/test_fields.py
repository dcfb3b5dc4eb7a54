"""Declared fields accept the same values as their schemas. Other values have an error message."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import InvalidInput
from alsolike.schema.fields import NOT_BLANK, Choice, Field, Fields, Flag, Integer, ListOf, MapOf, Number, Text
from tests.builders.field_values import judge, near

WORD = Text(4, pattern="^[a-z0_]+$", expected="small letters")
FIELDS: dict[str, Field] = {
    "text": Text(3),
    "pattern": WORD,
    "whole": Integer(0, 500, 25),
    "number": Number(1e9),
    "flag": Flag(),
    "choice": Choice(["aa", "zz"], "aa"),
    "list": ListOf(Text(3), 1, 2),
    "map": MapOf(Text(3), Text(3), 2),
    "fields": Fields({"a": Text(3), "b": Integer(1, 2)}, required=("a",)),
    "deep": Fields({"a": Fields({"b": ListOf(Fields({"c": Choice(["x"])}, required=("c",)), 0, 2)})}),
}


def takes(field, value):
    try:
        field.read(value, "it")
    except InvalidInput:
        return False
    return True


JUDGES = {name: judge(field.schema()) for name, field in FIELDS.items()}
PLAIN_TEXT = judge({"type": "string", "pattern": NOT_BLANK})


NEAR = {name: near(field).filter(lambda value: value is not None) for name, field in FIELDS.items()}


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_field_reads_exactly_the_values_its_schema_accepts(name, data):
    field = FIELDS[name]

    value = data.draw(NEAR[name])

    assert takes(field, value) == JUDGES[name].is_valid(value)


@given(st.text(max_size=6))
def test_text_field_accepts_exactly_the_plain_text_pattern(text):
    assert takes(Text(6), text) == PLAIN_TEXT.is_valid(text)


@pytest.mark.parametrize("character", [" ", "\x85", "\xa0", "\u2028", "\ufeff"])
def test_space_characters_of_python_and_ecmascript_are_blank(character):
    ecmascript = " \xa0\u2028\ufeff"  # The tested characters that ECMAScript's `\s` matches.

    assert not takes(Text(6), character)
    assert not re.search(NOT_BLANK.replace("\\s", ecmascript), character)
    assert takes(Text(6), f"a{character}")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("text", "abcd", "it has 4 characters, expected at most 3"),
        ("text", 7, "it is 7, expected a non-empty string"),
        ("text", "a\x00", 'it is "a\\\\u0000", expected no control characters'),
        ("pattern", "ABC", 'it is "ABC", expected small letters'),
        ("whole", 501, "it is 501, expected a whole number from 0 to 500"),
        ("whole", 1.5, "it is 1.5, expected a whole number from 0 to 500"),
        ("whole", True, "it is true, expected a whole number from 0 to 500"),
        ("number", "1", 'it is "1", expected a number'),
        ("flag", 1, "it is 1, expected true or false"),
        ("choice", "bb", 'it is "bb", expected one of aa, zz'),
        ("choice", ["aa"], 'it is \\["aa"\\], expected one of aa, zz'),
        ("list", [], "it has 0 elements, expected 1 to 2"),
        ("list", ["a", 7], r"it\[1\] is 7, expected a non-empty string"),
        ("list", ["a", None], r"it\[1\] is missing, expected a non-empty string"),
        ("map", {"a": "b", "c": "d", "e": "f"}, "it has 3 keys, expected at most 2"),
        ("map", {"long": None}, "a key of it has 4 characters, expected at most 3"),
        ("map", {"a": 7}, "it.a is 7, expected a non-empty string"),
        ("fields", {"a": "x", "c": 1}, "it.c is not a known field, expected a, b"),
        ("fields", {"a": None}, "it.a is missing, expected a non-empty string"),
        ("deep", {"a": {"b": [{}]}}, r"it.a.b\[0\].c is missing, expected a string"),
    ],
)
def test_field_error_has_place_value_and_expectation(name, value, message):
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        FIELDS[name].read(value, "it")


def test_null_equals_absent():
    assert Fields({"a": Text(3), "b": Flag()}).read({"a": None, "b": False}) == {"b": False}
    assert MapOf(Text(3), Text(3), 2).read({"a": None, "b": "c"}, "it") == {"b": "c"}


@pytest.mark.parametrize("value", [5, 5.0])
def test_integer_field_accepts_an_integral_float(value):
    found = Integer(0, 500).read(value, "it")

    assert (found, type(found)) == (5, int)
