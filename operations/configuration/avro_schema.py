"""Conversion of Amazon Personalize's Avro schemas to columns of the configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path

from alsolike.configuration import avro
from alsolike.configuration.columns import property_name
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.document import COLUMN
from alsolike.runtime.errors import InvalidInput
from alsolike.schema.validation import describe

DATASETS = {"items": "ITEM_ID", "users": "USER_ID"}
"""ID field of each dataset whose columns can be configured."""


@dataclasses.dataclass(frozen=True, slots=True)
class Schema:
    """Columns of a schema. Personalize may read several values separated by `|` from `categorical` fields."""

    columns: Mapping[str, ColumnType]
    categorical: tuple[str, ...]


def read_schema(path: Path, *, dataset: str, lists: Collection[str] = ()) -> Schema:
    """Read a schema file. `lists` names the fields with several values separated by `|`; schemas do not mark them."""
    schema = _read(path, dataset)
    columns: dict[str, ColumnType] = {}
    spellings: dict[str, str] = {}
    categorical = []
    for index, field in enumerate(schema.fields):
        name = field.name
        if not COLUMN.fullmatch(name):
            expected = "expected a column's name such as CATEGORY_L1"
            raise InvalidInput(f"{path}: fields[{index}].name is {describe(name)}, {expected}")
        if name == DATASETS[dataset]:
            continue
        if other := spellings.get(property_name(name)):
            reason = " again" if other == name else f", the same column as {other}"
            raise InvalidInput(f"{path}: fields[{index}] is {name}{reason}")
        spellings[property_name(name)] = name
        if name in lists and field.type != "string":
            raise InvalidInput(f"{path}: {name} has the type {field.type}, expected string for a list")
        columns[name] = avro.column_type(field, is_list=name in lists)
        if field.type == "string" and field.categorical and name not in lists:
            categorical.append(name)
    if missing := [name for name in lists if name not in columns]:
        raise InvalidInput(f"{path} has no field {', '.join(missing)}; its fields are {', '.join(columns)}")
    return Schema(columns, tuple(categorical))


def _read(path: Path, dataset: str) -> avro.Schema:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    schema = avro.parse_schema(text, where=str(path))
    if schema.name.lower() in {"interactions", *DATASETS} - {dataset}:
        raise InvalidInput(f"{path} is the schema of {schema.name}, expected one of {dataset}")
    return schema
