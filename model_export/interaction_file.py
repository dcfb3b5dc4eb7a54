"""Reads interactions and items from CSV, gzipped CSV or Parquet with Amazon Personalize's column names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from alsolike.configuration import EVENT_WEIGHTS, canonical_event_type
from alsolike.errors import InvalidInput
from model_export.interactions import Interactions
from model_export.training_data import encode

_TYPES = {"USER_ID": pa.string(), "ITEM_ID": pa.string(), "TIMESTAMP": pa.int64(), "EVENT_TYPE": pa.string()}
_CSV_NAMES = (".csv", ".csv.gz")
_ALL_WEIGH_ONE = 1.0
_UNSTATED = "view"
"""What a row without an event type is to an import as well."""


@dataclasses.dataclass(frozen=True, slots=True)
class InteractionFile:
    """What a file holds.

    Attributes
    ----------
    item_ids
        Ids of positions 1..N.
    notes
        What a reader of the figures should know, one sentence each.
    """

    interactions: Interactions
    item_ids: Sequence[str]
    notes: tuple[str, ...]


def read(path: Path, *, items_path: Path | None = None) -> InteractionFile:
    """Read an interactions file; rows of equal TIMESTAMP keep the order of the file.

    Parameters
    ----------
    path
        USER_ID, ITEM_ID, TIMESTAMP (epoch seconds), optionally EVENT_TYPE; further columns are ignored. Event types
        weigh what `alsolike.configuration` says, rows that state none are views and rows of unknown types are left
        out; if the file knows none of the types, every row weighs 1.
    items_path
        ITEM_ID; items without interactions are ranked as well.

    Raises
    ------
    InvalidInput
        If the file is missing, unreadable or empty, misses a column, or a row lacks an id or has a bad time.
    """
    table = _read(path, required=("USER_ID", "ITEM_ID", "TIMESTAMP"), optional=("EVENT_TYPE",))
    times = table["TIMESTAMP"].to_numpy()
    if times.min() < 0:
        raise InvalidInput(f"{path}: the smallest TIMESTAMP is {times.min()}, expected epoch seconds")
    weights, notes = _weights(table)
    kept = weights > 0
    table = table.filter(pa.array(kept))
    catalogue = None
    if items_path is not None:
        catalogue = _read(items_path, required=("ITEM_ID",))["ITEM_ID"]
        if strangers := len(set(table["ITEM_ID"].to_pylist()) - set(catalogue.to_pylist())):
            notes.append(f"{strangers:,} items have interactions and do not stand in {items_path.name}")
    interactions, item_ids = encode(
        user_ids=table["USER_ID"],
        item_ids=table["ITEM_ID"],
        time_ms=times[kept] * 1000,
        weight=weights[kept],
        catalogue=catalogue,
    )
    return InteractionFile(interactions=interactions, item_ids=item_ids, notes=tuple(notes))


def _weights(table: pa.Table) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return each row's weight, 0 for rows to leave out, and what to say about it."""
    if "EVENT_TYPE" not in table.column_names:
        return np.full(len(table), _ALL_WEIGH_ONE, np.float32), []
    types = pc.fill_null(table["EVENT_TYPE"], "").combine_chunks().dictionary_encode()
    names = types.dictionary.to_pylist()
    if not any(_weight(name) for name in names):
        return np.full(len(table), _ALL_WEIGH_ONE, np.float32), [
            f"EVENT_TYPE holds none of {', '.join(EVENT_WEIGHTS)}: every interaction weighs 1"
        ]
    weight_of = np.array([_weight(name or _UNSTATED) for name in names], np.float32)
    codes = types.indices.to_numpy()
    notes = []
    if "" in names:
        unstated = int((codes == names.index("")).sum())
        notes.append(f"{unstated:,} rows state no EVENT_TYPE and count as {_UNSTATED}")
    if unknown := sorted(name for name in names if name and not _weight(name)):
        left_out = int((weight_of[codes] == 0).sum())
        notes.append(f"{left_out:,} rows of unknown EVENT_TYPE are left out: {', '.join(unknown)}")
    return weight_of[codes], notes


def _weight(event_type: str) -> float:
    try:
        return EVENT_WEIGHTS[canonical_event_type(event_type)]
    except InvalidInput:
        return 0.0


def _read(path: Path, *, required: Sequence[str], optional: Sequence[str] = ()) -> pa.Table:
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    try:
        found = _columns(path)
        if missing := [name for name in required if name not in found]:
            raise InvalidInput(f"{path} misses the column {', '.join(missing)}; its columns are {', '.join(found)}")
        names = [*required, *(name for name in optional if name in found)]
        table = _table(path, names)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    if not len(table):
        raise InvalidInput(f"{path} has no rows")
    for name in required:
        empty = table[name].null_count
        if _TYPES[name] == pa.string():
            empty += pc.sum(pc.equal(table[name], "")).as_py() or 0
        if empty:
            raise InvalidInput(f"{path}: {empty:,} rows have no {name}")
    return table


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith(_CSV_NAMES)


def _columns(path: Path) -> list[str]:
    if not path.stat().st_size:
        raise InvalidInput(f"{path} is empty")
    if not _is_csv(path):
        return list(pq.read_schema(path).names)
    with pyarrow.csv.open_csv(path) as reader:
        return list(reader.schema.names)


def _table(path: Path, names: Sequence[str]) -> pa.Table:
    if _is_csv(path):
        options = pyarrow.csv.ConvertOptions(include_columns=names, column_types={name: _TYPES[name] for name in names})
        return pyarrow.csv.read_csv(path, convert_options=options)
    table = pq.read_table(path, columns=list(names))
    return pa.table({name: table[name].cast(_TYPES[name]) for name in names})
