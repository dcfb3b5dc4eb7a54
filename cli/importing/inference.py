"""Column types of items and users files: what their cells are, and their declaration in the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.columns import column_name
from alsolike.configuration import ColumnType
from alsolike.configuration_document import COLUMN
from alsolike.errors import InvalidInput
from cli.importing.files import Chunk, DataFile, as_text, value_type
from cli.importing.metadata import JSON_NUMBER
from model_export.times import ISO

_BOOLEAN = "(?i)^(true|false)$"
_FROM_1970 = r"^(19[7-9]|2[0-9])"
_DECIMAL_COMMA = r"^-?[0-9]+,[0-9]+$"
_BAR = r"\S\|\S"
_SPACED_BAR = r"\s\||\|\s"


class _Cells:
    """Observations on the cells of one column."""

    def __init__(self) -> None:
        self.patterns = {f"^{JSON_NUMBER}$": True, _BOOLEAN: True, ISO: True, _FROM_1970: True}
        self.filled = False
        self.bars = self.spaced_bars = False
        self.decimal_comma: tuple[int, str] | None = None
        self.numeric = True

    def add(self, chunk: Chunk, name: str) -> None:
        """Look at the cells of a chunk."""
        texts = as_text(chunk.rows[name])
        distinct = pc.unique(texts).drop_null()
        if not len(distinct):
            return
        self.filled = True
        for pattern, holds in self.patterns.items():
            self.patterns[pattern] = holds and _all(distinct, pattern)
        self.bars |= _any(distinct, _BAR)
        self.spaced_bars |= _any(distinct, _SPACED_BAR)
        self.numeric = self.numeric and _all(distinct, f"^{JSON_NUMBER}$|{_DECIMAL_COMMA}")
        if self.numeric and self.decimal_comma is None and _any(distinct, _DECIMAL_COMMA):
            commas = pc.match_substring_regex(texts, _DECIMAL_COMMA).fill_null(False)
            place = pc.index(commas, True).as_py()
            self.decimal_comma = int(chunk.lines[place]), texts[place].as_py()

    def type(self) -> ColumnType | None:
        """Return the type, None for text."""
        number, boolean, time, storable = self.patterns.values()
        if not self.filled:
            return None
        if number:
            return ColumnType.NUMBER
        if boolean:
            return ColumnType.BOOLEAN
        if time and storable:
            return ColumnType.TIMESTAMP
        return ColumnType.LIST if self.bars and not self.spaced_bars else None


def infer(files: Sequence[DataFile], *, without: Sequence[str]) -> dict[str, ColumnType]:
    """Return the type of each column that holds only booleans, numbers, dates or lists like ``a|b``, by property.

    Parameters
    ----------
    without
        Properties to leave out: the id, and declared columns.

    Raises
    ------
    InvalidInput
        If numbers have decimal commas, with the line of the first.
    """
    found: dict[str, ColumnType | None] = {}
    for file in files:
        fields = {
            field.name: field.type
            for field in file.schema
            if COLUMN.fullmatch(column_name(field.name)) and column_name(field.name) not in without
        }
        typed = {name: _TYPES[key] for name, kind in fields.items() if (key := _kind(kind)) in _TYPES}
        cells = {name: _Cells() for name in fields if name not in typed}
        for chunk in file.chunks() if cells else ():
            for name, column in cells.items():
                column.add(chunk, name)
        for name, column in cells.items():
            if column.numeric and column.decimal_comma is not None:
                line, text = column.decimal_comma
                raise InvalidInput(
                    f"{file.name}: {name} in line {line} is {text!r}, expected a decimal point. Write such numbers as "
                    f"{text.replace(',', '.')}"
                )
        for name in fields:
            kind = typed.get(name) or cells[name].type()
            property_ = column_name(name)
            found[property_] = kind if found.get(property_, kind) is kind else None
    return {name: kind for name, kind in found.items() if kind is not None}


def declared(document: Mapping[str, Any], types: Mapping[str, ColumnType], *, dataset: str) -> dict[str, Any]:
    """Return a configuration document with more columns of `items` or `users`."""
    part = dict(document.get(dataset) or {})
    columns = {**(part.get("columns") or {}), **{name: kind.value for name, kind in types.items()}}
    return {"format": 1, **document, dataset: {**part, "columns": columns}}


def _kind(kind: pa.DataType) -> str:
    kind = value_type(kind)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    return "list" if pa.types.is_list(kind) or pa.types.is_large_list(kind) else "text"


_TYPES = {
    "boolean": ColumnType.BOOLEAN,
    "number": ColumnType.NUMBER,
    "list": ColumnType.LIST,
}


def _all(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
