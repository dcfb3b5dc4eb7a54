"""Declaration of records. Each field is declared once, and its other representations are derived.

| representation | derived by |
|---|---|
| HTTP body, OpenAPI, TypeScript | `call_fields` |
| stream record, its JSON Schema | `record_fields` |
| rows of the lake in Glue, Arrow, Parquet | `glue_columns`, `alsolike.lake.arrow` |
| column of an import file | `Column.file` |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform

from alsolike.declarations.times import MAX_TIME_MS
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.schema import fields, validation
from alsolike.schema.json_schemas import Schema, described

T = TypeVar("T")


class ColumnType(fields.Field, Protocol):
    """Type of a column. `read` and `schema` apply to the column's field in stream records and log lines."""

    glue: ClassVar[str]
    absent: ClassVar[Any]


@struct
class Text(fields.Text):
    glue: ClassVar[str] = "string"
    absent: ClassVar[None] = None


@struct
class AnyNumber:
    kind: ClassVar[str] = "a number"
    glue: ClassVar[str] = "double"
    absent: ClassVar[None] = None

    def read(self, value: Any, where: str) -> float:
        return validation.number(value, where)

    def schema(self) -> Schema:
        return {"type": "number"}


@struct
class RealNumber(ColumnType):
    kind: ClassVar[str] = "a number"
    glue: ClassVar[str] = "double"
    absent: ClassVar[None] = None
    minimum: float
    maximum: float

    def read(self, value: Any, where: str) -> float:
        number = validation.number(value, where)
        if not self.minimum <= number <= self.maximum:
            raise InvalidInput(
                f"{where} is {validation.describe(value)}, expected a number from {self.minimum:g} to {self.maximum:g}"
            )
        return number

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


@struct
class Int(fields.Integer, ColumnType):
    """Integer of 32 bits."""

    glue: ClassVar[str] = "int"
    absent: ClassVar[None] = None


@struct
class BigInt(fields.Integer, ColumnType):
    """Integer of 64 bits."""

    glue: ClassVar[str] = "bigint"
    absent: ClassVar[None] = None


@struct
class Flag(fields.Flag, ColumnType):
    glue: ClassVar[str] = "boolean"
    absent: ClassVar[None] = None


@struct
class Numbers(ColumnType):
    """List of finite numbers and nulls. Numbers are greater than `above` and at most `maximum`, if these are set."""

    kind: ClassVar[str] = "a list of numbers and nulls"
    glue: ClassVar[str] = "array<double>"
    absent: ClassVar[None] = None
    above: float | None = None
    maximum: float | None = None

    def read(self, value: Any, where: str) -> tuple[float | None, ...]:
        if not isinstance(value, list):
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected {self.kind}")
        return tuple(self._element(element, f"{where}[{index}]") for index, element in enumerate(value))

    def _element(self, value: Any, where: str) -> float | None:
        if value is None:
            return None
        number = validation.number(value, where)
        if self.above is not None and number <= self.above:
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected a number above {self.above:g}")
        if self.maximum is not None and number > self.maximum:
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected at most {self.maximum:g}")
        return number

    def schema(self) -> Schema:
        element: Schema = {"type": ["number", "null"]}
        if self.above is not None:
            element["exclusiveMinimum"] = self.above
        if self.maximum is not None:
            element["maximum"] = self.maximum
        return {"type": "array", "items": element}


@struct
class Milliseconds:
    kind: ClassVar[str] = f"milliseconds since 1970, at most {MAX_TIME_MS}"
    glue: ClassVar[str] = "bigint"
    absent: ClassVar[None] = None

    def read(self, value: Any, where: str) -> int:
        if type(value) is not int or not 0 < value <= MAX_TIME_MS:  # Excludes booleans, which are instances of int.
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected {self.kind}")
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 1, "maximum": MAX_TIME_MS}


@struct
class Texts(fields.ListOf):
    """List of strings. An absent list is empty."""

    element: Text
    glue: ClassVar[str] = "array<string>"
    absent: ClassVar[tuple[str, ...]] = ()

    def read(self, value: Any, where: str) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(fields.ListOf.read(self, value, where))


@struct
class JsonText:
    """String with a JSON object. The value remains a string."""

    kind: ClassVar[str] = "JSON in a string"
    glue: ClassVar[str] = "string"
    absent: ClassVar[str] = "{}"
    maximum: int

    def read(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"{where} is {validation.describe(value)}, expected {self.kind}")
        if len(value) > self.maximum:
            raise InvalidInput(f"{where} has {len(value)} characters, expected at most {self.maximum}")
        if value != self.absent:
            validation.parse_object(value.encode(), subject=where)
        return value

    def schema(self) -> Schema:
        return {
            "type": "string",
            "contentMediaType": "application/json",
            "minLength": 1,
            "maxLength": self.maximum,
            "default": self.absent,
        }


@struct
class Version:
    """Version of a stream record, a constant in the schema of each version."""

    kind: ClassVar[str] = "a version"
    glue: ClassVar[str] = "int"
    absent: ClassVar[None] = None
    number: int = 0

    def read(self, value: Any, where: str) -> int:
        """Return the version, which the parser of records has already validated."""
        return int(value)

    def schema(self) -> Schema:
        return {"const": self.number}


@struct
class Timestamp:
    """Time in a call, in seconds or milliseconds since 1970. The magnitude determines the unit."""

    kind: ClassVar[str] = "seconds since 1970"
    about: str = ""

    def read(self, value: Any, where: str) -> int:
        sent_at = validation.number(value, where)
        if _MIN_SECONDS <= sent_at <= _MAX_SECONDS:
            return round(sent_at * 1000)
        if _MIN_MILLISECONDS <= sent_at <= MAX_TIME_MS:
            return int(sent_at)
        raise InvalidInput(f"{where} is {sent_at:.15g}, expected a time after 1970 and before the year 10000")

    def schema(self) -> Schema:
        return {
            "type": "number",
            "anyOf": [
                {"minimum": _MIN_SECONDS, "maximum": _MAX_SECONDS},
                {"minimum": _MIN_MILLISECONDS, "maximum": MAX_TIME_MS},
            ],
            "description": self.about,
        }


_MIN_MILLISECONDS = 1e12
"""Lowest number that is read as milliseconds (September 2001). As seconds, it would be in the year 33658."""
_MIN_SECONDS, _MAX_SECONDS = 0.001, MAX_TIME_MS / 1000


@struct
class Call:
    """Field of a call that sets a column. If `type` or `about` is None, the column's type or description applies."""

    name: str
    type: fields.Field | None = None
    about: str | None = None
    required: bool = False


@struct
class Column:
    """Field of a record.

    Attributes
    ----------
    since
        Version of the stream record that added the field. Older records and rows lack the field.
    call
        Field in an element of a call; None if calls do not contain the field.
    file
        Column name in an imported file; None if files do not contain the field.
    """

    name: str
    type: ColumnType
    about: str
    required: bool
    since: int
    call: Call | None
    file: str | None


def column(
    type_: ColumnType,
    about: str,
    *,
    required: bool = False,
    since: int = 1,
    call: Call | None = None,
    file: str | None = None,
    default: Any = dataclasses.MISSING,
) -> Any:
    """Declare a field of a record with the attributes of `Column`. `default` is the default of the class attribute."""
    return dataclasses.field(
        default=default, metadata={"column": Column("", type_, about, required, since, call, file)}
    )


@dataclass_transform(frozen_default=True, field_specifiers=(column,))
def record(described: type[T]) -> type[T]:
    return struct(described)


def columns_of(made: type[Any]) -> Mapping[str, Column]:
    return MappingProxyType(
        {
            field.name: dataclasses.replace(field.metadata["column"], name=field.name)
            for field in dataclasses.fields(made)
        }
    )


def glue_columns(made: type[Any]) -> Mapping[str, str]:
    return MappingProxyType({name: declared.type.glue for name, declared in columns_of(made).items()})


def call_fields(made: type[Any]) -> tuple[dict[str, fields.Field], tuple[str, ...]]:
    calls = [(declared.call, declared) for declared in columns_of(made).values() if declared.call]
    return (
        {call.name: call.type or _described(declared.type, call.about or declared.about) for call, declared in calls},
        tuple(call.name for call, _ in calls if call.required),
    )


def _described(type_: Any, about: str) -> fields.Field:
    described_type: fields.Field = dataclasses.replace(type_, about=about)
    return described_type


def from_call(made: type[Any]) -> Mapping[str, str]:
    return MappingProxyType({declared.call.name: name for name, declared in columns_of(made).items() if declared.call})


def record_fields(made: type[Any], version: int, *, rules: Mapping[str, Any] = MappingProxyType({})) -> fields.Fields:
    columns = [declared for declared in columns_of(made).values() if declared.since <= version]
    types = {
        declared.name: Version(version) if isinstance(declared.type, Version) else declared.type for declared in columns
    }
    required = tuple(declared.name for declared in columns if declared.required)
    return fields.Fields(types, required=required, rules=rules)


def record_schema(made: type[Any], version: int, *, rules: Mapping[str, Any] = MappingProxyType({})) -> Schema:
    schema = record_fields(made, version, rules=rules).schema()
    columns = columns_of(made)
    schema["properties"] = {
        name: described(field_schema, columns[name].about) for name, field_schema in schema["properties"].items()
    }
    return schema


def newest_version(made: type[Any]) -> int:
    return max(declared.since for declared in columns_of(made).values())
