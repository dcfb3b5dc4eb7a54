"""Items, users and actions as rows with an ID and metadata columns, as in Personalize's put calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import orjson

from alsolike.configuration.columns import CREATED, check_values, column_schema, fits
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.limits import MAX_ID_CHARACTERS, MAX_ROWS_PER_CALL
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.struct import struct
from alsolike.schema import validation
from alsolike.schema.fields import Fields, JsonObject, LenientList, Text
from alsolike.schema.json_schemas import Schema, or_null


class Row(Protocol):
    @property
    def properties(self) -> Mapping[str, Any]: ...


R = TypeVar("R", bound=Row)

_UNDECLARED: Mapping[str, ColumnType] = MappingProxyType({})
_ALWAYS: Mapping[str, ColumnType] = MappingProxyType({CREATED: ColumnType.TIMESTAMP})


@struct
class RowKind(Generic[R]):
    """Type of rows: items, users or actions.

    Attributes
    ----------
    list_field, id_field
        Names of the list and of the ID in a call.
    key
        Name of the ID in the table and in `R`.
    check
        Function that raises `InvalidInput` for an invalid row. In messages, the second argument precedes column names.
    """

    name: str
    list_field: str
    id_field: str
    key: str
    max_properties_characters: int
    max_columns: int
    make: Callable[[str, Mapping[str, Any]], R]
    check: Callable[[R, str], None] | None = None

    def id_of(self, row: R) -> str:
        return str(getattr(row, self.key))


@struct
class RowCall(Generic[R]):
    """Valid rows of a put call in the order of the call, and one error per invalid row."""

    rows: tuple[R, ...]
    refused: tuple[InvalidInput, ...]


def parse_put(
    body: bytes,
    kind: RowKind[R],
    *,
    dataset: str | None = None,
    columns: Mapping[str, ColumnType] = _UNDECLARED,
) -> RowCall[R]:
    """Parse the body of `POST /items`, `POST /users` or `POST /actions`. Invalid rows are rejected individually.

    Parameters
    ----------
    dataset
        Expected last segment of the dataset's ARN, or None for any. Region, account and dataset group are not checked,
        so ARNs of another account are accepted.
    """
    call = put_call(kind).read(validation.parse_sent_object(body))
    if dataset is not None and not call["datasetArn"].endswith(f"/{dataset}"):
        raise NotFound(f"datasetArn is {validation.describe(call['datasetArn'])}, expected one that ends in /{dataset}")
    rows: list[R] = []
    refused: list[InvalidInput] = []
    for index, element in enumerate(call[kind.list_field]):
        try:
            rows.append(_parse_row(element, kind, where=f"{kind.list_field}[{index}]", columns=columns))
        except InvalidInput as error:
            refused.append(error)
    return RowCall(tuple(rows), tuple(refused))


def parse_changes(body: bytes, kind: RowKind[R], *, columns: Mapping[str, ColumnType]) -> dict[str, Any]:
    """Parse the body of a partial update, an object that maps columns to new values. Null removes a column."""
    changes = validation.parse_sent_object(body)
    if not changes:
        raise InvalidInput("body has no columns, expected at least one to set, or to remove with null")
    check_properties(changes, kind, columns=columns)
    return changes


def changed(properties: Mapping[str, Any], changes: Mapping[str, Any], kind: RowKind[R]) -> dict[str, Any]:
    """Return properties with changes applied.

    Examples
    --------
    >>> from alsolike.catalogue.items import ITEMS
    >>> changed({"price": 1, "colour": "red"}, {"price": 2, "colour": None}, ITEMS)
    {'price': 2}
    """
    merged = {name: value for name, value in {**properties, **changes}.items() if value is not None}
    _check_columns(merged, kind, where="the changed row")
    length = len(orjson.dumps(merged).decode())
    # Reserialising can lengthen JSON, so a stored row may exceed the maximum. An update must not make it longer.
    allowed = max(kind.max_properties_characters, len(orjson.dumps(dict(properties)).decode()))
    if length > allowed:
        raise InvalidInput(f"the changed properties have {length} characters, expected at most {allowed}")
    return merged


@functools.cache
def row_fields(kind: RowKind[R]) -> Fields:
    return _row_fields(kind, _UNDECLARED)


@functools.cache
def put_call(kind: RowKind[R]) -> Fields:
    return described_put(kind, _UNDECLARED)


def described_put(kind: RowKind[R], columns: Mapping[str, ColumnType]) -> Fields:
    return Fields(
        {
            "datasetArn": Text(MAX_ID_CHARACTERS, about="ARN of the dataset in this deployment."),
            kind.list_field: LenientList(_row_fields(kind, columns), 1, MAX_ROWS_PER_CALL),
        },
        required=("datasetArn", kind.list_field),
        about=f"Put{kind.list_field.title()} of Amazon Personalize. Valid {kind.list_field} are stored even if "
        "others are refused.",
    )


def changes_schema(kind: RowKind[R], columns: Mapping[str, ColumnType]) -> Schema:
    return {"type": "object", "minProperties": 1, **_columns_schema(kind, columns)}


def _row_fields(kind: RowKind[R], columns: Mapping[str, ColumnType]) -> Fields:
    properties = JsonObject(
        kind.max_properties_characters,
        rules=_columns_schema(kind, columns),
        about="Metadata columns by their names in camelCase.",
    )
    return Fields({kind.id_field: Text(MAX_ID_CHARACTERS), "properties": properties}, required=(kind.id_field,))


def _columns_schema(kind: RowKind[R], columns: Mapping[str, ColumnType]) -> Schema:
    return {
        "maxProperties": kind.max_columns,
        "propertyNames": {"minLength": 1},
        "properties": {
            name: or_null(column_schema(column_type)) for name, column_type in {**_ALWAYS, **columns}.items()
        },
    }


def check_properties(
    properties: Mapping[str, Any], kind: RowKind[R], *, columns: Mapping[str, ColumnType], where: str = ""
) -> None:
    _check_columns(properties, kind, where=where.removesuffix(".") or "body")
    check_values(properties, columns, where=where)
    if CREATED not in columns:
        created = validation.optional_number(properties, CREATED, where=where)
        if created is not None and not fits(created, ColumnType.TIMESTAMP):
            raise InvalidInput(f"{where}{CREATED} is {created:g}, expected seconds since 1970")


def _parse_row(element: object, kind: RowKind[R], *, where: str, columns: Mapping[str, ColumnType]) -> R:
    fields = row_fields(kind).read(element, where)
    properties = fields.get("properties", {})
    check_properties(properties, kind, columns=columns, where=f"{where}.properties.")
    row = kind.make(fields[kind.id_field], properties)
    if kind.check is not None:
        kind.check(row, f"{where}.properties.")
    return row


def _check_columns(properties: Mapping[str, Any], kind: RowKind[R], *, where: str) -> None:
    if len(properties) > kind.max_columns:
        raise InvalidInput(f"{where} has {len(properties)} columns, expected at most {kind.max_columns}")
    if "" in properties:
        raise InvalidInput(f"{where} has a column without a name")


def column_texts(properties: Mapping[str, Any], columns: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the columns that a row has, as strings. `columns` are pairs of the name in the result and the property."""
    return {name: _text(properties[key]) for name, key in columns if properties.get(key) is not None}


def _text(value: Any) -> str:
    """Return a value as a string. Elements of lists are separated by `|`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(map(_text, value))
    return orjson.dumps(value).decode()
