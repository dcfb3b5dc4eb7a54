"""Inference of column types from the cells of item, user and action files, and their declaration in the
configuration.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.columns import CREATED, column_name
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.document import COLUMN
from alsolike.runtime.errors import InvalidInput
from alsolike.schema.document import Fault, Path
from operations.ingest.csv_format import CODE
from operations.ingest.files import Chunk, DataFile, as_text, value_type
from operations.ingest.metadata_checks import JSON_NUMBER, is_time
from operations.ingest.timestamps import ISO

_CREATION_DATE = re.compile("(?i)creat|publi|releas|launch|added|listed|since|first|new")
_OTHER_DATE = re.compile("(?i)updat|modif|chang|expir|until|ends?$|last|delet|discontinu|sale")
_BOOLEAN = "(?i)^(true|false)$"
_DECIMAL_COMMA = r"^-?[0-9]+,[0-9]{1,2}$"
_COMMAS = r"^-?[0-9]+(,[0-9]+)+$"
_BAR = r"\S\|\S"
_NO_LIST = r"\s\||\|\s|[^|]{61}"
"""Pattern of texts that contain bars but are not lists: a space next to a bar, or a part of more than 60 characters."""


class _Cells:
    """Statistics of a column's cells in all files."""

    def __init__(self) -> None:
        self.typed = set[ColumnType]()
        self.number = self.boolean = self.time = self.commas = self.list = True
        self.is_code = False
        self.cells = self.distinct = self.bars = self.decimal_commas = 0
        self.first_comma: tuple[str, int, str] | None = None

    def add(self, file: DataFile, chunk: Chunk, name: str) -> None:
        texts = as_text(chunk.rows[name])
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        distinct = pc.unique(texts).drop_null()
        if not len(distinct):
            return
        self.is_code |= CODE.search(name) is not None
        self.number &= not file.is_parquet  # Parquet files declare the type text explicitly.
        self.number = self.number and _all(distinct, f"^{JSON_NUMBER}$")
        self.boolean = self.boolean and _all(distinct, _BOOLEAN)
        self.time = self.time and _all(distinct, ISO) and is_time(pa.chunked_array([distinct]))
        self.list = self.list and _count(distinct, _NO_LIST) == 0
        self.commas = self.commas and _all(distinct, f"^{JSON_NUMBER}$|{_COMMAS}")
        self.cells += len(texts) - texts.null_count
        # Count distinct cells, because cells with one category repeat more often than cells with several.
        self.distinct += len(distinct)
        self.bars += _count(distinct, _BAR)
        if self.commas:
            self.decimal_commas += _count(distinct, _DECIMAL_COMMA)
            place = pc.index(pc.match_substring_regex(texts, _COMMAS).fill_null(False), True).as_py()
            if self.first_comma is None and place >= 0:
                self.first_comma = file.name, int(chunk.lines[place]), texts[place].as_py()

    def type(self, name: str) -> ColumnType:
        types = set(self.typed)
        if self.distinct:
            types.add(self._text_type(name))
        return types.pop() if len(types) == 1 else ColumnType.TEXT

    def _text_type(self, name: str) -> ColumnType:
        if self.number and not self.is_code:
            return ColumnType.NUMBER
        if self.boolean:
            return ColumnType.BOOLEAN
        if self.time:
            return ColumnType.TIMESTAMP
        if self.commas and not self.is_code and self.first_comma and 2 * self.decimal_commas >= self.distinct:
            file, line, text = self.first_comma
            raise InvalidInput(
                f"{file}: {name} in line {line} is {text!r}, expected a number without a comma. If commas are decimal, "
                "add --decimal ','. Otherwise remove the commas, or declare the column as string in the configuration"
            )
        if self.list and 2 * self.bars >= self.distinct:
            return ColumnType.LIST
        return ColumnType.STRING if 2 * self.distinct <= self.cells else ColumnType.TEXT


def infer(files: Sequence[DataFile], *, without: Collection[str]) -> dict[str, ColumnType]:
    """Return the type of each column by property name. Columns whose files disagree are texts.

    A text whose values occur at least twice on average is a category. It becomes a string, which filters can compare.
    """
    columns: dict[str, _Cells] = {}
    names: dict[str, str] = {}
    for file in files:
        texts = []
        for field in file.schema:
            property_ = column_name(field.name)
            if property_ in without or not COLUMN.fullmatch(property_):
                continue
            names.setdefault(property_, field.name)
            cells = columns.setdefault(property_, _Cells())
            if property_ == CREATED:
                # The configuration accepts no other type, even for integers in seconds.
                cells.typed = {ColumnType.TIMESTAMP}
            elif (stored := _stored_type(field.type)) is not None:
                cells.typed.add(stored)
            else:
                texts.append(field.name)
        for chunk in file.chunks() if texts else ():
            for name in texts:
                columns[column_name(name)].add(file, chunk, name)
    return {property_: cells.type(names[property_]) for property_, cells in columns.items()}


def notes(
    files: Sequence[DataFile], types: Mapping[str, ColumnType], *, known: Collection[str] = (), creation: bool
) -> list[str]:
    """Return notes on texts that are not declared, and on a date that may be the creation time of items."""
    theirs = {
        column_name(field.name): written
        for file in reversed(files)
        for written, field in zip(file.header, file.schema, strict=True)
    }
    found = []
    if texts := [theirs[name] for name, kind in types.items() if kind is ColumnType.TEXT]:
        found.append(
            f"not declared: {', '.join(texts)}. Undeclared texts are stored and shown. Declare one as string to filter "
            "by it"
        )
    if creation and CREATED not in types and CREATED not in known and (name := _creation_column(types)):
        pair = shlex.quote(f"{theirs[name]}=CREATION_TIMESTAMP")
        found.append(
            f"{theirs[name]} holds dates. If they say since when items are for sale, add --map {pair}: exploration, "
            "reranking and reports recognize new items by this column"
        )
    return found


def _creation_column(types: Mapping[str, ColumnType]) -> str | None:
    """Return the timestamp column that is most likely the creation time of items, or None."""
    dates = [name for name, kind in types.items() if kind is ColumnType.TIMESTAMP and not _OTHER_DATE.search(name)]
    return next((name for name in dates if _CREATION_DATE.search(name)), dates[0] if dates else None)


def declarable(types: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
    """Return the types that an import adds to the configuration. Text columns need no declaration."""
    return {name: kind for name, kind in types.items() if kind is not ColumnType.TEXT}


def declared(document: Mapping[str, Any], types: Mapping[str, ColumnType], *, dataset: str) -> dict[str, Any]:
    part = dict(document.get(dataset) or {})
    columns = {**(part.get("columns") or {}), **{name: kind.value for name, kind in declarable(types).items()}}
    return {"format": 1, **document, dataset: {**part, "columns": columns}}


def declared_text(text: str, document: Mapping[str, Any], types: Mapping[str, ColumnType], *, dataset: str) -> str:
    """Return the user's YAML text with the new columns of `document`.

    If columns cannot be inserted, for example in flow style, the text is generated from the document and loses its
    comments. The text always has the values of the document, which `alsolike config show` must print.
    """
    from operations.configuration import yaml_document  # The function `import_data` has no YAML library.

    added = {name: kind.value for name, kind in declarable(types).items()}
    try:
        new = _extended(text, document, added, dataset)
        read = yaml_document.read(new)
    except InvalidInput:
        return yaml_document.dump(document)
    return new if read.value == document and not read.findings else yaml_document.dump(document)


def _extended(text: str, document: Mapping[str, Any], added: Mapping[str, str], dataset: str) -> str:
    from operations.configuration import yaml_document

    yaml = yaml_document.read(text)
    before = yaml.value or {}
    lines = text.splitlines()
    if dataset not in before:
        missing = {key: value for key, value in document.items() if key not in before}
        return "\n".join([*lines, yaml_document.dump(missing)])
    part = before[dataset] or {}
    has_columns = bool(part.get("columns"))
    parent: Path = (dataset, "columns") if has_columns else (dataset,)
    siblings = part["columns"] if has_columns else part
    if not siblings:
        return yaml_document.dump(document)
    key = yaml.locate(Fault(parent, "", at_key=True))
    indent = yaml.locate(Fault((*parent, next(iter(siblings))), "", at_key=True)).column - 1
    block = yaml_document.dump(added if has_columns else {"columns": added}).splitlines()
    # Insert directly below the key, so that comments stay above their columns.
    lines[key.line : key.line] = [" " * indent + line for line in block]
    return "\n".join([*lines, ""])


def _stored_type(kind: pa.DataType) -> ColumnType | None:
    """Return the type of a Parquet column. Return None for texts and times: their cells must be inspected."""
    kind = value_type(kind)
    if pa.types.is_boolean(kind):
        return ColumnType.BOOLEAN
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return ColumnType.NUMBER
    return ColumnType.LIST if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None


def _all(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _count(texts: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py())
