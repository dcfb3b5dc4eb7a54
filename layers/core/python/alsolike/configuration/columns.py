"""Metadata columns: their names in files and properties, and the valid values of each type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.times import MAX_TIME_MS
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation

CREATED = "creationTimestamp"
"""Property that contains the time of an item's creation."""


def column_name(name: str) -> str:
    """Return the property name of a data file's column.

    Examples
    --------
    >>> column_name("CATEGORY_L1")
    'categoryL1'
    """
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def property_name(name: str) -> str:
    """Return the property name for a column name in upper case (`CATEGORY_L1`) or camelCase.

    Examples
    --------
    >>> property_name("CATEGORY_L1"), property_name("categoryL1")
    ('categoryL1', 'categoryL1')
    """
    return column_name(name) if name.isupper() else name


_YEAR_10000_S = (MAX_TIME_MS + 1) // 1000

_EXPECTED: Mapping[ColumnType, str] = {
    ColumnType.STRING: "a string",
    ColumnType.NUMBER: "a number",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.LIST: "a list of strings, or one string like a|b",
    ColumnType.TIMESTAMP: "a timestamp in seconds since 1970",
    ColumnType.TEXT: "a string",
}


def check_values(properties: Mapping[str, Any], columns: Mapping[str, ColumnType], *, where: str) -> None:
    """Check the values of declared columns, and refuse declared names in upper case (`CATEGORY_L1`). Null means absent.

    Undeclared columns can have any value.
    """
    for name, value in properties.items():
        column_type = columns.get(name)
        if column_type is None and (meant := property_name(name)) in columns:
            raise InvalidInput(f"{where}{name} is unknown, expected {meant}, the property name of the declared column")
        if column_type is not None and value is not None and not fits(value, column_type):
            raise InvalidInput(f"{where}{name} is {validation.describe(value)}, expected {_EXPECTED[column_type]}")


def as_declared(properties: Mapping[str, Any], columns: Mapping[str, ColumnType]) -> dict[str, Any]:
    """Return the properties with the strings of declared lists (`a|b`) and booleans (`True`) converted to their types.

    Examples
    --------
    >>> as_declared({"tags": "kid|teen", "title": "a|b"}, {"tags": ColumnType.LIST})
    {'tags': ['kid', 'teen'], 'title': 'a|b'}
    """
    return {
        name: _declared(value, columns.get(name)) if isinstance(value, str) else value
        for name, value in properties.items()
    }


def _declared(text: str, column_type: ColumnType | None) -> object:
    if column_type is ColumnType.LIST:
        return [part for part in text.split("|") if part]
    if column_type is ColumnType.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def fits(value: object, column_type: ColumnType) -> bool:
    """Return whether a value has a column's type.

    Examples
    --------
    >>> fits("red|blue", ColumnType.LIST), fits(["red", 7], ColumnType.LIST), fits("7", ColumnType.NUMBER)
    (True, False, False)
    """
    if column_type in (ColumnType.STRING, ColumnType.TEXT):
        return isinstance(value, str)
    if column_type is ColumnType.BOOLEAN:
        return isinstance(value, bool)
    if column_type is ColumnType.LIST:
        return isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(element, str) for element in value)
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    # A current time in milliseconds exceeds the year 10000 when it is read as seconds.
    return column_type is ColumnType.NUMBER or 0 <= value < _YEAR_10000_S


def column_schema(column_type: ColumnType) -> dict[str, Any]:
    if column_type in (ColumnType.STRING, ColumnType.TEXT):
        return {"type": "string"}
    if column_type is ColumnType.BOOLEAN:
        return {"type": "boolean"}
    if column_type is ColumnType.LIST:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    if column_type is ColumnType.NUMBER:
        return {"type": "number"}
    # https://spec.openapis.org/registry/format/unixtime
    return {"type": "number", "format": "unixtime", "minimum": 0, "exclusiveMaximum": _YEAR_10000_S}
