"""Amazon Personalize's schemas, in Avro's JSON, as columns of the configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import orjson

from alsolike.config.document import COLUMN
from alsolike.contract.validation import describe
from alsolike.domain.columns import column_name, property_name
from alsolike.domain.configuration import ColumnType
from alsolike.runtime.errors import InvalidInput

DATASETS = {"items": "ITEM_ID", "users": "USER_ID"}
"""Datasets that have columns of their own, with the field that is their id."""

_CREATED = "CREATION_TIMESTAMP"
_NUMBERS = ("int", "long", "float", "double")
_TYPES = ("boolean", *_NUMBERS, "string")


@dataclasses.dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a schema.

    Attributes
    ----------
    columns
        By the field's name.
    categorical
        Fields that Personalize also reads as several values joined by `|`, and that became strings.
    """

    dataset: str
    columns: Mapping[str, ColumnType]
    categorical: tuple[str, ...]


def read_schema(path: Path, *, dataset: str, lists: Collection[str] = ()) -> Schema:
    """Read a schema file.

    Parameters
    ----------
    dataset
        A key of `DATASETS`.
    lists
        Fields of text that hold several values joined by `|`: the schema does not say which do.

    Raises
    ------
    InvalidInput
        Naming the field that no column can hold.
    """
    fields = _fields(path, dataset)
    columns: dict[str, ColumnType] = {}
    spellings: dict[str, str] = {}
    categorical = []
    for index, field in enumerate(fields):
        name, kind = _name_and_type(field, where=f"{path}: fields[{index}]")
        if name == DATASETS[dataset]:
            continue
        if other := spellings.get(property_name(name)):
            again = " again" if other == name else f", the same column as {other}"
            raise InvalidInput(f"{path}: fields[{index}] is {name}{again}")
        spellings[property_name(name)] = name
        if name in lists and kind != "string":
            raise InvalidInput(f"{path}: {name} has the type {kind}, expected string for a list")
        columns[name] = _column_type(field, name, kind, is_list=name in lists)
        if kind == "string" and field.get("categorical") is True and name not in lists:
            categorical.append(name)
    if missing := [name for name in lists if name not in columns]:
        raise InvalidInput(f"{path} has no field {', '.join(missing)}; its fields are {', '.join(columns)}")
    return Schema(dataset, columns, tuple(categorical))


def _fields(path: Path, dataset: str) -> list[Any]:
    try:
        schema = orjson.loads(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path}:{error.lineno}:{error.colno}: is no JSON: {error.msg}") from error
    if not isinstance(schema, dict) or schema.get("type") != "record" or not isinstance(schema.get("fields"), list):
        raise InvalidInput(f'{path} is no Avro schema, expected an object with "type": "record" and a list of fields')
    name = str(schema.get("name", "")).lower()
    if name in {"interactions", *DATASETS} - {dataset}:
        raise InvalidInput(f"{path} is the schema of {schema['name']}, expected one of {dataset}")
    fields: list[Any] = schema["fields"]
    return fields


def _name_and_type(field: Any, *, where: str) -> tuple[str, str]:
    """Return a field's name and its type apart from null."""
    name = field.get("name") if isinstance(field, dict) else None
    if not isinstance(name, str) or not COLUMN.fullmatch(name):
        raise InvalidInput(f"{where}.name is {describe(name)}, expected a column's name such as CATEGORY_L1")
    stated = field.get("type")
    kinds = [kind for kind in (stated if isinstance(stated, list) else [stated]) if kind != "null"]
    if len(kinds) != 1 or kinds[0] not in _TYPES:
        raise InvalidInput(
            f"{where} ({name}) has the type {describe(stated)}, expected one of {', '.join(_TYPES)}, or null and one"
        )
    return name, kinds[0]


def _column_type(field: Mapping[str, Any], name: str, kind: str, *, is_list: bool) -> ColumnType:
    if column_name(name) == column_name(_CREATED):
        return ColumnType.TIMESTAMP
    if kind == "boolean":
        return ColumnType.BOOLEAN
    if kind in _NUMBERS:
        return ColumnType.NUMBER
    if is_list:
        return ColumnType.LIST
    return ColumnType.TEXT if field.get("textual") is True else ColumnType.STRING
