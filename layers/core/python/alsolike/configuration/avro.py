"""Dataset schemas of Amazon Personalize, which are flat records in Avro's JSON format."""

from __future__ import annotations

from typing import Any

import orjson

from alsolike.configuration.columns import CREATED, column_name
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.struct import struct
from alsolike.schema.validation import describe

NUMBERS = ("int", "long", "float", "double")
TYPES = ("boolean", *NUMBERS, "string")


@struct
class Field:
    """Field of a schema.

    Attributes
    ----------
    type
        One of `TYPES`. Values can also be null.
    categorical
        True if a string is a category, or several categories separated by `|`.
    textual
        True for text, such as a description.
    """

    name: str
    type: str
    categorical: bool
    textual: bool


@struct
class Schema:
    name: str
    fields: tuple[Field, ...]


def parse_schema(text: bytes | str, *, where: str) -> Schema:
    """Parse a schema.

    Examples
    --------
    >>> text = '{"type": "record", "name": "Users", "fields": [{"name": "USER_ID", "type": "string"}]}'
    >>> parse_schema(text, where="schema").fields[0].type
    'string'
    """
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{where}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    fields = record.get("fields") if isinstance(record, dict) and record.get("type") == "record" else None
    if not isinstance(fields, list):
        raise InvalidInput(
            f'{where} is not an Avro schema, expected an object with "type": "record" and a list of fields'
        )
    return Schema(
        str(record.get("name", "")),
        tuple(_field(field, where=f"{where}: fields[{index}]") for index, field in enumerate(fields)),
    )


def column_type(field: Field, *, is_list: bool) -> ColumnType:
    """Return the column type for a field.

    `is_list` is true if the field's strings contain several values separated by `|`.
    """
    if column_name(field.name) == CREATED:
        return ColumnType.TIMESTAMP
    if field.type == "boolean":
        return ColumnType.BOOLEAN
    if field.type in NUMBERS:
        return ColumnType.NUMBER
    if is_list:
        return ColumnType.LIST
    return ColumnType.TEXT if field.textual else ColumnType.STRING


def _field(field: Any, *, where: str) -> Field:
    name = field.get("name") if isinstance(field, dict) else None
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{where}.name is {describe(name)}, expected a column's name such as CATEGORY_L1")
    stated = field.get("type")
    kinds = [kind for kind in (stated if isinstance(stated, list) else [stated]) if kind != "null"]
    if len(kinds) != 1 or kinds[0] not in TYPES:
        raise InvalidInput(
            f"{where} ({name}) has the type {describe(stated)}, expected one of {', '.join(TYPES)}, or null and one"
        )
    return Field(name, kinds[0], field.get("categorical") is True, field.get("textual") is True)
