"""Valid and invalid values around the limits of declared fields, and a validator of their schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from alsolike.records.columns import Timestamp
from alsolike.schema.fields import Choice, Field, Fields, Flag, Integer, JsonObject, ListOf, MapOf, Number, Text

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, -1, 0.5, 0.001, 1e12, 253_402_300_799.999, 253_402_300_799_999, 1e300]),
)
TEXTS = st.one_of(
    st.text("aZ0_-/: \x00\n\x7f\x85\u00a0\ufeffé😀", max_size=4), st.sampled_from(["view", "Search", "{}", "[]"])
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=3,
)


def near(field: Field) -> st.SearchStrategy[Any]:
    """Draw values that the field accepts, and some that it rejects."""
    return st.one_of(_meant(field), _meant(field), _meant(field), ANYTHING)


def _meant(field: Field) -> st.SearchStrategy[Any]:
    if isinstance(field, Text):
        return TEXTS | st.sampled_from(["x", "x" * field.maximum, "x" * (field.maximum + 1)])
    if isinstance(field, Integer):
        return st.sampled_from([field.minimum - 1, field.minimum, field.maximum, field.maximum + 1]) | st.integers(
            field.minimum, field.maximum
        ).map(float)
    if isinstance(field, Choice):
        return st.sampled_from(list(field.choices))
    if isinstance(field, Flag):
        return st.booleans()
    if isinstance(field, Number | Timestamp):
        return NUMBERS
    if isinstance(field, ListOf):
        return st.lists(near(field.element), min_size=min(field.minimum, 1), max_size=min(field.maximum + 1, 4))
    if isinstance(field, MapOf):
        return st.dictionaries(near(field.key).filter(lambda key: isinstance(key, str)), near(field.value), max_size=3)
    if isinstance(field, JsonObject):
        held = st.fixed_dictionaries({}, optional={"query": ANYTHING, "creationTimestamp": ANYTHING, "": ANYTHING})
        return held | held.map(lambda value: orjson.dumps(value).decode())
    assert isinstance(field, Fields)
    required = {name: near(field.fields[name]) for name in field.required}
    optional = {name: near(each) for name, each in field.fields.items() if name not in required}
    known = st.fixed_dictionaries(required, optional=optional)
    return st.one_of(known, known, known, known.map(_less), known.map(_more))


def _less(found: dict[str, Any]) -> dict[str, Any]:
    return dict(list(found.items())[1:])


def _more(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "unknown": 1}


def judge(schema: dict[str, Any]) -> Any:
    """Return a strict validator of a schema, which also checks JSON in strings. `$` matches as in ECMA 262."""
    Draft202012Validator.check_schema(schema)
    return _Strict(schema)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    # In Python, $ also matches before a final line end. In JSON Schema, $ matches only at the end of the text.
    if isinstance(value, str) and not re.search(re.sub(r"(?<!\\)\$(?=\||$|\))", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _content_schema(validator: Any, held: dict[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str):
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            yield ValidationError(str(error))
        else:
            yield from validator.descend(document, held)


_Strict = validators.extend(Draft202012Validator, {"pattern": _pattern, "contentSchema": _content_schema})
