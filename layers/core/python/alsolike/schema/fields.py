"""Fields of a request. One declaration parses the value and describes it as JSON Schema.

Errors contain the location, the value and the expectation. Null means absent, as for clients of Personalize.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.schema import validation
from alsolike.schema.json_schemas import Schema, described, or_null

SPACE = r"\s\x85\ufeff"
r"""Blank characters as part of a character class, as in `validation.is_blank`. `\s` lacks U+FEFF in Python, and lacks
U+0085 in ECMAScript, whose patterns JSON Schema uses.
"""

NOT_BLANK = rf"^[^\x00-\x1f\x7f]*[^{SPACE}\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""Pattern of strings with at least one character that is not blank, and without control characters."""


class Field(Protocol):
    """Type of a field. `kind` is the expectation in errors about a missing field."""

    kind: ClassVar[str]

    def read(self, value: Any, where: str) -> Any:
        """Return the parsed value. `value` is not null, and `where` is its location for errors."""

    def schema(self) -> Schema:
        """Return the JSON Schema (2020-12) of valid values."""


@struct
class Text:
    """String of up to `maximum` characters, not blank, without control characters.

    Attributes
    ----------
    pattern
        Regular expression from `^` to `$`, with the same meaning in Python and JSON Schema.
    """

    kind: ClassVar[str] = "a non-empty string"
    maximum: int
    pattern: str | None = None
    expected: str = ""
    about: str = ""

    def read(self, value: Any, where: str) -> str:
        if type(value) is str and 0 < len(value) <= self.maximum and value.isprintable() and not value.isspace():
            text = value  # Fast path.
        else:
            text = validation.text(value, where, maximum=self.maximum)
        if self.pattern is not None and not re.search(self.pattern, text):
            raise InvalidInput(f"{where} is {validation.describe(text)}, expected {self.expected}")
        return text

    def schema(self) -> Schema:
        return described(
            {"type": "string", "minLength": 1, "maxLength": self.maximum, "pattern": self.pattern or NOT_BLANK},
            self.about,
        )


@struct
class Integer:
    kind: ClassVar[str] = "a whole number"
    minimum: int
    maximum: int
    default: int | None = None
    about: str = ""

    def read(self, value: Any, where: str) -> int:
        if isinstance(value, float) and value.is_integer() and self.minimum <= value <= self.maximum:
            return int(value)  # JSON does not distinguish 5.0 from 5.
        if isinstance(value, bool) or not isinstance(value, int) or not self.minimum <= value <= self.maximum:
            raise InvalidInput(
                f"{where} is {validation.describe(value)}, expected a whole number "
                f"from {self.minimum} to {self.maximum}"
            )
        return value

    def schema(self) -> Schema:
        schema: Schema = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
        if self.default is not None:
            schema["default"] = self.default
        return described(schema, self.about)


@struct
class Number:
    kind: ClassVar[str] = "a number"
    maximum: float
    about: str = ""

    def read(self, value: Any, where: str) -> float:
        number = validation.number(value, where)
        if abs(number) > self.maximum:
            raise InvalidInput(
                f"{where} is {validation.describe(value)}, expected a number from -{self.maximum:g} to {self.maximum:g}"
            )
        return number

    def schema(self) -> Schema:
        return described({"type": "number", "minimum": -self.maximum, "maximum": self.maximum}, self.about)


@struct
class Flag:
    kind: ClassVar[str] = "true or false"
    about: str = ""

    def read(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected true or false")
        return value

    def schema(self) -> Schema:
        return described({"type": "boolean"}, self.about)


@struct
class AnyObject:
    """Object with arbitrary content, which the caller checks."""

    kind: ClassVar[str] = "an object"
    about: str = ""

    def read(self, value: Any, where: str) -> dict[str, Any]:
        return validation.as_object(value, where=where)

    def schema(self) -> Schema:
        return described({"type": "object"}, self.about)


@struct
class Choice:
    kind: ClassVar[str] = "a string"
    choices: Sequence[str]
    default: str | None = None
    about: str = ""

    def read(self, value: Any, where: str) -> str:
        if value not in self.choices or not isinstance(value, str):
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected one of {', '.join(self.choices)}")
        return value

    def schema(self) -> Schema:
        schema: Schema = {"type": "string", "enum": list(self.choices)}
        if self.default is not None:
            schema["default"] = self.default
        return described(schema, self.about)


@struct
class ListOf:
    kind: ClassVar[str] = "a list"
    element: Field
    minimum: int
    maximum: int
    about: str = ""

    def read(self, value: Any, where: str) -> list[Any]:
        elements = validation.elements(value, where, minimum=self.minimum, maximum=self.maximum)
        return [_given(self.element, element, f"{where}[{index}]") for index, element in enumerate(elements)]

    def schema(self) -> Schema:
        schema = {
            "type": "array",
            "items": self.element.schema(),
            "minItems": self.minimum,
            "maxItems": self.maximum,
        }
        return described(schema, self.about)


@struct
class MapOf:
    """Object with arbitrary keys. Keys with the value null are dropped.

    Attributes
    ----------
    keys
        Noun for the keys in an error about their number.
    """

    kind: ClassVar[str] = "an object"
    key: Text
    value: Field
    maximum: int
    keys: str = "keys"
    about: str = ""

    def read(self, value: Any, where: str) -> dict[str, Any]:
        given = validation.as_object(value, where=where)
        if len(given) > self.maximum:
            raise InvalidInput(f"{where} has {len(given)} {self.keys}, expected at most {self.maximum}")
        for key in given:
            self.key.read(key, f"a key of {where}")
        return {key: self.value.read(entry, f"{where}.{key}") for key, entry in given.items() if entry is not None}

    def schema(self) -> Schema:
        return described(
            {
                "type": "object",
                "propertyNames": self.key.schema(),
                "additionalProperties": or_null(self.value.schema()),
                "maxProperties": self.maximum,
            },
            self.about,
        )


@struct
class Fields:
    """Object with declared fields. Unknown fields are rejected, so that misspelt fields are not ignored.

    Attributes
    ----------
    rules
        JSON Schema of rules beyond single fields. The caller must check these rules.
    """

    kind: ClassVar[str] = "an object"
    fields: Mapping[str, Field]
    required: Sequence[str] = ()
    rules: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    about: str = ""

    def read(self, value: Any, where: str = "") -> dict[str, Any]:
        """Return the fields that are present and not null."""
        given = value if isinstance(value, dict) and not where else validation.as_object(value, where=where or "body")
        place = f"{where}." if where else ""
        fields = self.fields
        read = {}
        for name, content in given.items():
            if name not in fields:
                validation.only_known(given, fields, where=place)
            elif content is not None:
                read[name] = fields[name].read(content, place + name)
        for name in self.required:
            if name not in read:
                raise _missing(self.fields[name], place + name)
        return read

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {
                name: field.schema() if name in self.required else or_null(field.schema())
                for name, field in self.fields.items()
            },
            "additionalProperties": False,
            **self.rules,
        }
        if self.required:
            schema["required"] = list(self.required)
        return described(schema, self.about)


def _missing(field: Field, where: str) -> InvalidInput:
    return InvalidInput(f"{where} is missing, expected {field.kind}")


def _given(field: Field, value: Any, where: str) -> Any:
    if value is None:
        raise _missing(field, where)
    return field.read(value, where)


@struct
class LenientList(ListOf):
    """List whose elements are parsed by the caller, so that invalid elements are rejected individually."""

    def read(self, value: Any, where: str) -> list[Any]:
        return validation.elements(value, where, minimum=self.minimum, maximum=self.maximum)


@struct
class JsonObject:
    """JSON object in a string of up to `maximum` characters, or the object itself.

    Client libraries send strings. Hand-written requests send objects.

    Attributes
    ----------
    rules
        JSON Schema of the object. The caller must check these rules.
    """

    kind: ClassVar[str] = "JSON in a string"
    maximum: int
    rules: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    about: str = ""

    def read(self, value: Any, where: str) -> dict[str, Any]:
        return validation.json_object(value, where, maximum=self.maximum)

    def schema(self) -> Schema:
        held = {"type": "object", **self.rules}
        text = {
            "type": "string",
            "minLength": 1,
            "maxLength": self.maximum,
            "contentMediaType": "application/json",
            "contentSchema": held,
        }
        return {"anyOf": [text, held], **({"description": self.about} if self.about else {})}
