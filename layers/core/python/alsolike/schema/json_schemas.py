"""Type of a JSON Schema (2020-12), and functions that build the API's schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FLAG: Schema = {"type": "boolean"}
TIME_MS: Schema = {"type": "integer", "description": "Milliseconds since 1970."}
TEXT_OR_NULL, NUMBER_OR_NULL, SHARE_OR_NULL = or_null(TEXT), or_null(NUMBER), or_null(SHARE)
TIME_MS_OR_NULL = or_null(TIME_MS)


def object_of(about: str = "", /, *, optional: Mapping[str, Schema] | None = None, **required: Schema) -> Schema:
    """Return the schema of an object. Fields other than `required` and `optional` are invalid."""
    schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return described(schema, about)


def objects_of(about: str = "", /, **required: Schema) -> Schema:
    """Return the schema of a list of objects."""
    return list_of(object_of(**required), about)


def list_of(element: Schema, about: str = "") -> Schema:
    return described({"type": "array", "items": element}, about)


def map_of(value: Schema, about: str = "") -> Schema:
    return described({"type": "object", "additionalProperties": value}, about)


def one_of(values: Sequence[str], about: str = "") -> Schema:
    return described({"type": "string", "enum": list(values)}, about)


def described(schema: Schema, about: str) -> Schema:
    return {**schema, "description": about} if about else schema
