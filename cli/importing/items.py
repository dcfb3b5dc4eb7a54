"""Rows of an items file become items of the catalogue, or are refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.catalog import MAX_COLUMNS, MAX_PROPERTIES_CHARACTERS, CatalogueStore, Item, column_name
from alsolike.errors import InvalidInput
from alsolike.interactions import MAX_ID_CHARACTERS
from cli.importing.files import Chunk, DataFile, as_text, value_type
from cli.importing.ids import id_faults

_THREADS = 3
_PART = 250
_JSON_NUMBER = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?"
"""What reads as a number and reads back as the same text; a code like 007 does not."""


def check_columns(file: DataFile) -> None:
    """Check that a file has the columns of an items file.

    Raises
    ------
    InvalidInput
        Naming what is missing or too much.
    """
    names = file.schema.names
    if "ITEM_ID" not in names:
        raise InvalidInput(f"{file.path} misses ITEM_ID; its columns are {', '.join(names)}")
    if len(names) - 1 > MAX_COLUMNS:
        raise InvalidInput(f"{file.path} has {len(names) - 1} metadata columns, expected at most {MAX_COLUMNS}")
    for field in file.schema:
        if pa.types.is_struct(field.type) or pa.types.is_map(field.type):
            raise InvalidInput(f"{file.path}: {field.name} has type {field.type}, expected a plain value or a list")


def number_columns(file: DataFile) -> frozenset[str]:
    """Return the columns that hold numbers: every cell of the file does.

    A CSV does not say which of its cells are numbers, so it is read once to find out; a column in which a
    single cell is something else, or a code with leading zeros, stays text.
    """
    names = [name for name in file.schema.names if name != "ITEM_ID"]
    if file.is_parquet:
        kinds = {name: value_type(file.schema.field(name).type) for name in names}
        return frozenset(n for n, kind in kinds.items() if pa.types.is_integer(kind) or pa.types.is_floating(kind))
    numbers, filled = set(names), set[str]()
    for chunk in file.chunks():
        for name in sorted(numbers):
            cells = chunk.rows[name].drop_null()
            if len(cells):
                filled.add(name)
                if not pc.all(pc.match_substring_regex(cells, f"^{_JSON_NUMBER}$")).as_py():
                    numbers.remove(name)
    return frozenset(numbers & filled)


def check(chunk: Chunk, *, numbers: frozenset[str]) -> tuple[list[Item], npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the chunk's items in the order of the file, the places of bad rows, and the reason of each."""
    id_column = as_text(chunk.rows["ITEM_ID"])
    ids = id_column.to_pylist()
    no_id = dict[int, str]()
    for wrong, reason in id_faults(id_column, "ITEM_ID", maximum=MAX_ID_CHARACTERS):
        no_id |= {int(place): reason for place in np.flatnonzero(wrong.fill_null(False).to_numpy())} | no_id
    names = [name for name in chunk.rows.column_names if name != "ITEM_ID"]
    columns = [_cells(chunk.rows[name], is_number=name in numbers) for name in names]
    properties = [column_name(name) for name in names]
    items, bad = [], dict[int, str]()
    for place, item_id in enumerate(ids):
        values = {
            name: cells[place] for name, cells in zip(properties, columns, strict=True) if cells[place] is not None
        }
        if fault := no_id.get(place) or _reason(item_id, values):
            bad[place] = fault
        else:
            items.append(Item(item_id, values))
    return items, np.array(list(bad), np.int64), tuple(bad.values())


def put_items(items: Sequence[Item], store: CatalogueStore, *, now_ms: int) -> Iterator[int]:
    """Write the items, the last one of an id; yield now and then how many rows went in.

    Raises
    ------
    Unavailable
        If DynamoDB does not take them in.
    """
    distinct = list({item.item_id: item for item in items}.values())
    parts = [distinct[start : start + _PART] for start in range(0, len(distinct), _PART)]
    with ThreadPoolExecutor(_THREADS, "items") as pool:
        for window in range(0, len(parts), 2 * _THREADS):  # windows, so that Ctrl-C need not wait for all of them
            yield from pool.map(lambda part: store.put(part, now_ms=now_ms), parts[window : window + 2 * _THREADS])
    yield len(items) - len(distinct)


def _cells(column: pa.ChunkedArray, *, is_number: bool) -> list[Any]:
    """Return a column as JSON values; a list becomes `a|b`, as in a CSV and in PutItems."""
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        cells: list[Any] = column.to_pylist()
        return cells
    if pa.types.is_floating(kind):
        cells = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind)).to_pylist()
        return cells
    texts = as_text(column).to_pylist()
    if is_number:
        return [None if not text else float(text) if "." in text else int(text) for text in texts]
    return [text or None for text in texts]


def _reason(item_id: str | None, values: dict[str, Any]) -> str | None:
    """Return why an item is refused, if it is."""
    if not item_id:
        return "ITEM_ID is missing"
    created = values.get("creationTimestamp")
    if created is not None and (isinstance(created, bool) or not isinstance(created, int | float)):
        if not re.fullmatch(_JSON_NUMBER, str(created)):
            return "CREATION_TIMESTAMP is no number of seconds"
        values["creationTimestamp"] = created = float(created)
    if created is not None and created < 0:
        return "CREATION_TIMESTAMP is negative"
    if len(orjson.dumps(values).decode()) > MAX_PROPERTIES_CHARACTERS:
        return f"metadata has more than {MAX_PROPERTIES_CHARACTERS} characters"
    return None
