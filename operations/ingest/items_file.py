"""Reader of an item file. It applies an import's rules without a deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alsolike.catalogue.items import ITEMS, column_name
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidInput
from operations.ingest.column_inference import infer
from operations.ingest.csv_format import PLAIN, CsvForm
from operations.ingest.files import open_file
from operations.ingest.metadata_checks import open_metadata
from operations.ingest.sources import find
from operations.progress import counted

_CREATION_TIMESTAMP = "CREATION_TIMESTAMP"
"""Column that is always a timestamp for items."""


@dataclasses.dataclass(frozen=True, slots=True)
class ItemsFile:
    """Items of a file. If an ID repeats, the last row counts.

    `guessed` are the inferred types of undeclared columns by upper-case name; empty for Parquet, which contains types.
    """

    properties: Mapping[str, Mapping[str, Any]]
    guessed: Mapping[str, ColumnType]


def read_items(
    path: Path,
    *,
    columns: Mapping[str, ColumnType],
    mapping: Mapping[str, str] = MappingProxyType({}),
    form: CsvForm = PLAIN,
) -> ItemsFile:
    """Read an item file. Any row that an import would reject raises an error."""
    (source,) = find([path], s3=lambda: None)
    data = open_file(source, mapping, form)
    open_metadata(data, ITEMS, columns=columns)  # Check the columns before reading the rows.
    inferred = {} if data.is_parquet else infer([data], without=(column_name(ITEMS.key.upper()), *columns))
    file = open_metadata(data, ITEMS, columns={**columns, **inferred})
    properties: dict[str, Mapping[str, Any]] = {}
    refused: list[tuple[int, str]] = []
    for chunk in data.chunks():
        rows, places, reasons = file.check(chunk)
        properties |= {row.item_id: row.properties for row in rows}
        refused += [(row.line, row.reason) for row in chunk.malformed]
        refused += zip(chunk.lines[places].tolist(), reasons, strict=True)
    if refused:
        line, reason = min(refused)
        unit = "row" if data.is_parquet else "line"
        raise InvalidInput(
            f"{path}: an import refuses {counted(len(refused), 'row')}; the first is {unit} {line}: {reason}"
        )
    if not properties:
        raise InvalidInput(f"{path} has no rows")
    names = [name for name in data.schema.names if column_name(name) in inferred and name != _CREATION_TIMESTAMP]
    return ItemsFile(properties, {name: inferred[column_name(name)] for name in names})
