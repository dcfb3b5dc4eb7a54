import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(st.binary())
def test_any_bytes_are_an_object_or_refused(body):
    try:
        document = validation.parse_object(body)
    except InvalidInput:
        return

    assert isinstance(document, dict)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body is not valid JSON"),
        (b'{"a": NaN}', "body is not valid JSON"),
        (b'{"a": 1e400}', "body is not valid JSON"),
        (b'{"a": "\\ud800"}', "body is not valid JSON"),
        (b'{"a": "\xff"}', "body is not valid JSON"),
        (b"[1]", r"body is \[1\], expected an object"),
        (b"null", "body is null, expected an object"),
        (b'"x"', 'body is "x", expected an object'),
    ],
)
def test_body_that_is_not_a_json_object_is_refused(body, message):
    with pytest.raises(InvalidInput, match=message):
        validation.parse_object(body)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_depth_is_limited(opening, closing):
    def nested(depth):
        return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"

    assert validation.parse_object(nested(validation.MAX_DEPTH))
    with pytest.raises(InvalidInput, match="body is nested more than 32 deep"):
        validation.parse_object(nested(validation.MAX_DEPTH + 1))
    with pytest.raises(InvalidInput, match="body is nested more than 32 deep"):
        validation.parse_object(nested(1000))


def test_many_flat_objects_are_not_deep():
    body = orjson.dumps({"items": [{"a": ["{", "["]}] * 1000})

    assert len(validation.parse_object(body)["items"]) == 1000


@given(json_values)
def test_every_json_value_has_a_short_description(value):
    assert 0 < len(validation.describe(value)) < 120


def test_long_value_is_truncated_in_messages():
    assert validation.describe("x" * 500) == '"' + "x" * 79 + "… (502 characters)"


@pytest.mark.parametrize(("name", "shown"), [("", '""'), (" ", '" "'), ("a\x00", '"a\\u0000"')])
def test_invisible_unknown_field_is_quoted(name, shown):
    with pytest.raises(InvalidInput) as error:
        validation.only_known({name: 1}, ("itemId",))

    assert str(error.value) == f"{shown} is not a known field, expected itemId"


def test_long_unknown_field_is_truncated_in_the_message():
    with pytest.raises(InvalidInput) as error:
        validation.only_known({"x" * 100_000: 1}, ("itemId",))

    assert str(error.value) == "x" * 80 + "… (100000 characters) is not a known field, expected itemId"


@pytest.mark.parametrize("value", ["a", "x" * 256, "ü", "😀" * 256, " a", "a\u200db", "\u00a0-"])
def test_string_up_to_the_limit_is_unchanged(value):
    assert validation.text(value, "id", maximum=256) == value
    assert validation.optional_string({"id": value}, "id", maximum=256) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", 'id is "", expected a non-empty string'),
        (" \u00a0", r'id is " .", expected a non-empty string'),
        ("a\x00b", r'id is "a\\u0000b", expected no control characters'),
        ("a\n", r'id is "a\\n", expected no control characters'),
        (5, "id is 5, expected a non-empty string"),
        (True, "id is true, expected a non-empty string"),
        (["a"], r'id is \["a"\], expected a non-empty string'),
        ("x" * 257, "id has 257 characters, expected at most 256"),
    ],
)
def test_invalid_or_long_string_is_refused(value, message):
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        validation.text(value, "id", maximum=256)
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        validation.optional_string({"id": value}, "id", maximum=256)


@pytest.mark.parametrize("fields", [{}, {"id": None}])
def test_null_equals_absent(fields):
    assert validation.optional_string(fields, "id", maximum=1) is None
    assert validation.optional_number(fields, "id") is None
    with pytest.raises(InvalidInput, match=r"^id is missing, expected a non-empty string$"):
        validation.text(fields.get("id"), "id", maximum=1)
    with pytest.raises(InvalidInput, match=r"^id is missing, expected a list$"):
        validation.elements(fields.get("id"), "id", minimum=0, maximum=1)


@pytest.mark.parametrize("value", [True, False, "1", [1], {}, float("nan"), float("inf")])
def test_non_finite_or_non_numeric_value_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^n is .*, expected a number$"):
        validation.optional_number({"n": value}, "n")


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.text(), max_size=4))
def test_json_string_equals_json_object(value):
    text = orjson.dumps(value).decode()

    assert validation.json_object(text, "p", maximum=10_000) == value
    assert validation.json_object(value, "p", maximum=10_000) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "^p is not valid JSON"),
        ("[]", r"^p is \[\], expected an object$"),
        ("", '^p is "", expected JSON in a string$'),
        ('{"a":"\\ud800"}', "^p is not valid JSON"),
        ('{"a":' + "[" * 40 + "]" * 40 + "}", "^p is nested more than 32 deep$"),
        ('{"a":"' + "x" * 100 + '"}', "^p has 108 characters, expected at most 100$"),
        ({"a": "x" * 100}, "^p has 108 characters, expected at most 100$"),
        (7, "^p is 7, expected JSON in a string$"),
    ],
)
def test_invalid_json_string_is_refused(value, message):
    with pytest.raises(InvalidInput, match=message):
        validation.json_object(value, "p", maximum=100)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"userId": "a", "userId": "b"}', "userId"),
        (b'{"items": [{"x": {"a": 1, "b": 2, "a": 3}}]}', "a"),
        ('{"\u00e9": 1, "\\u00e9": 2}'.encode(), "\u00e9"),
    ],
)
def test_duplicate_key_is_refused(body, key):
    with pytest.raises(InvalidInput, match=f'^body has the key "{key}" twice in one object, expected each key once$'):
        validation.parse_sent_object(body)


def test_body_without_duplicate_keys_is_parsed_as_usual():
    body = b'{"a": [{"k": 1}, {"k": 1.5}], "n": ' + b"9" * 300 + b"}"

    assert validation.parse_sent_object(body) == validation.parse_object(body)
