"""YAML parsed to plain values with their places."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.schema.document import Fault
from operations.configuration.yaml_document import Finding, InvalidYaml, dump, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1.5e3", -1500.0), ("true", True), ("null", None), ("", None), ("~", None),
        # Strings that YAML 1.1 reads as other types.
        ("NO", "NO"), ("on", "on"), ("1:30", "1:30"), ("2026-03-01", "2026-03-01"),
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"), ("0x1f", "0x1f"), ("1_000", "1_000"),
        ("012", 12), ("'1'", "1"), ("!!str 1", "1"), ("[1, x]", [1, "x"]),
    ],
)  # fmt: skip
def test_values_have_the_types_of_json(text, value):
    document = read(f"a: {text}")

    assert document.findings == ()
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_keys_are_strings_as_written_after_a_byte_order_mark():
    assert read("\ufeff1: a\nyes: b\nnull: c").value == {"1": "a", "yes": "b", "null": "c"}


@pytest.mark.parametrize("text", ["", "  \n", "# only a comment\n"])
def test_empty_document_is_null(text):
    document = read(text)

    assert document.value is None
    assert document.locate(Fault((), "is empty")) == Finding(1, 1, "the document is empty")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [1", 1, 6, "while parsing a flow sequence, expected ',' or ']'"),
        ("a: 1\n b: 2", 2, 3, "mapping values are not allowed here"),
        ("a:\n\tb: 1", 2, 1, "cannot start any token"),
        ("é: 'x", 1, 6, "while scanning a quoted scalar"),
        ("- a\nb: 1", 2, 1, "expected <block end>"),
        ("a: &x 1\nb: *x", 2, 4, "found an alias (*name), expected the value itself"),
        ("a: 1\n---\nb: 2", 2, 1, "expected a single document"),
        ("a: " + "[" * 40, 1, 35, "nesting more than 32 deep"),
        ("ok: 1\n? [a]\n: 1", 2, 3, "is a key with several values"),
        ("ok: 1\nb: \x07", 2, 4, "has the character U+0007"),
        ("%YAML 9.0\n---\na: 1", 1, 1, "incompatible YAML document"),
    ],
)
def test_invalid_yaml_error_has_its_place(text, line, column, message):
    with pytest.raises(InvalidYaml) as caught:
        read(text)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in str(caught.value)


def test_duplicate_keys_are_reported_with_their_places():
    document = read('a: 1\nb: {x: 1, "x": 2}\na: 3\n')

    assert document.value == {"a": 1, "b": {"x": 1}}
    assert sorted(document.findings) == [
        Finding(2, 11, "b.x duplicates the key in line 2"),
        Finding(3, 1, "a duplicates the key in line 1"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !secret 1", "a is '1' with the tag !secret, expected a value without a tag"),
        ("a: !!binary aGk=", "a is 'aGk=' with the tag !!binary, expected a value without a tag"),
        ("a: !!int x", "a is 'x' with the tag !!int, expected a value without a tag"),
        ("a: !!bool 1", "a is '1' with the tag !!bool, expected a value without a tag"),
    ],
)
def test_tags_are_refused(text, message):
    assert read(text).findings == (Finding(1, 4, message),)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (Fault((), "x"), (2, 1)),
        (Fault(("a",), "x"), (3, 3)),
        (Fault(("a",), "x", at_key=True), (2, 1)),
        (Fault(("a", "b", 1), "x"), (3, 10)),
        (Fault(("c",), "x"), (4, 3)),
    ],
)
def test_fault_is_located_at_its_value_or_key(fault, place):
    finding = read("# comment\na:\n  b: [1, 2]\nc:\n").locate(fault)

    assert (finding.line, finding.column) == place


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("f: one @ two", "@ two"),
        ("f:   'it''s @ two'", "@ two'"),
        ('f: "a \\"b\\" @ two"', '@ two"'),
        ('f: "a \\\n   b @ two"', '@ two"'),
        ('f: "a \\\n\n   b @ two"', '@ two"'),
        ('f: "\\x41\\u00e4\\U0001f350\\t\\\\ @ two"', '@ two"'),
        ('f: !!str "a \\x40 two"', '\\x40 two"'),
        ('f: "one  \n\n\n  b\n  \\n @ two"', '@ two"'),
        ("f: |\n  one\n    @ two", "@ two"),
        ("f: |2\n  one\n  @ two", "@ two"),
        ("f: >-\n  one\n\n  two\n  @ two", "@ two"),
        ("f: >-  # @ in a comment\n  @ two", "@ two"),
        ("f: one\n  two\n  @ two", "@ two"),
        ("f: !!str 'one @ two'", "@ two'"),
        ("f: &x one @ two", "@ two"),
    ],
)
def test_character_of_a_string_is_located_in_any_style(text, rest):
    document = read(text)
    offset = document.value["f"].index("@")

    place = document.locate(Fault(("f",), "x", offset=offset))

    assert text.splitlines()[place.line - 1][place.column - 1 :] == rest


@pytest.mark.parametrize("text", ["f: abc", "f: 'abc'", 'f: "abc"', "f: |\n  abc\n"])
def test_end_of_a_string_is_located_after_its_last_character(text):
    document = read(text)

    place = document.locate(Fault(("f",), "x", offset=3))

    line = text.splitlines()[place.line - 1]
    assert line[: place.column - 1].endswith("abc")


@pytest.mark.parametrize("shared", [["x"], {"x": 1}])
def test_value_at_two_places_is_written_twice(shared):
    value = {"a": shared, "b": [shared]}

    assert read(dump(value)).value == value


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30)


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**9), 10**9)
        | st.floats(allow_nan=False, allow_infinity=False)
        | _TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT.filter(len), inner, max_size=3),
        max_leaves=8,
    )
)
def test_dumped_value_is_unchanged_after_reading(value):
    document = read(dump({"a": value}))

    assert document.findings == ()
    assert document.value == {"a": value}


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_string_is_read_or_refused_at_an_existing_place(text):
    place = (1, 1)
    try:
        read(text)
    except InvalidYaml as error:
        place = (error.line, error.column)

    assert 1 <= place[0] <= text.count("\n") + 1
    assert 1 <= place[1] <= len(text) + 1
